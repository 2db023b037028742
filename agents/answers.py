"""What a planner's commands answer: a document for programs, text for people, and an exit code."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue
from rich.console import RenderableType

from twin.demand_study import study_demands
from twin.formats import load_network
from twin.formats.day import parse_window, read_day
from twin.maintenance import DAY, drain_steps, rehearse_window
from twin.policy import Policy
from twin.store.inventory import import_networks
from twin.study import find_elements, find_failures, study

from .planner import imported, rehearsed, studied
from .report.study import write_study

OK, REJECTED = 0, 3
WHOLE_DAY = "00:00-24:00"


class Answer(NamedTuple):
    """A command's result; the text is made when it is read."""

    document: dict[str, JsonValue]
    text: Iterable[RenderableType]
    code: int = OK


class Failing(NamedTuple):
    """Which failures a study looks at, by the names of `find_failures`, and whether they strike at once."""

    names: Sequence[str] = ("all",)
    together: bool = False


def import_files(files: Sequence[Path], traffic: Path | None, into: Path, *, now: datetime) -> Answer:
    """Read networks into a twin file, all of them or none."""
    found = import_networks(files, into, now=now, traffic=traffic)
    networks: list[JsonValue] = [one.model_dump(mode="json") for one in found]
    return Answer({"into": str(into), "networks": networks}, imported(found, into))


def study_failures(
    network: str, failing: Failing, policy: Policy, *, demands: bool = False, page: Path | None = None, top: int = 12
) -> Answer:
    """Study failures of a network: each link, each failure, with `demands` each demand; `page` is written as HTML."""
    loaded = load_network(network)
    failures = find_failures(loaded, failing.names, together=failing.together)
    found = study(loaded, failures, policy)
    cases = study_demands(loaded, failures) if demands or page else ()
    if page:
        write_study(page, loaded, found, cases, failure_limit=policy.max_failure_utilisation)
    document: dict[str, JsonValue] = found.model_dump(mode="json")
    if demands:
        document["demands"] = [case.model_dump(mode="json") for case in cases]
    return Answer(document, studied(found, cases if demands else None, top))


def rehearse_drain(network: str, drain: Sequence[str], window: str, policy: Policy, *, day: Path | None) -> Answer:
    """Rehearse the drain of elements in a window of the day; the code says whether it keeps the limits."""
    span, profile = parse_window(window), read_day(day) if day else DAY
    loaded = load_network(network)
    names = list(dict.fromkeys(element for name in drain for element in find_elements(loaded, name)))
    steps = drain_steps(loaded, names)
    found = rehearse_window(loaded, steps, start=span.start, hours=span.hours, policy=policy, day=profile)
    document: dict[str, JsonValue] = {"safe": found.safe, "drained": list(names), **found.model_dump(mode="json")}
    return Answer(document, rehearsed(found, names), OK if found.safe else REJECTED)
