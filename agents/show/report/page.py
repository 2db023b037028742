"""The report of a run as one self-contained page: no script, no request, everything escaped."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from pydantic import JsonValue

from agents.record.events import LoadsTaken
from agents.show.lines import tied
from agents.wording import (
    OUTCOMES,
    against,
    age_words,
    amount,
    capacity,
    capital,
    check_words,
    counted,
    duration,
    fault_kind,
    fault_words,
    mbps,
    milliseconds,
    on_screen,
    place,
    sentence,
    share,
    short,
    stated,
    where,
    written,
)
from twin.errors import TwinError
from twin.live.network import LinkSamples
from twin.model import Network
from twin.plan import Change, Plan, way_back
from twin.printed import utc
from twin.untrusted import one_line, visible

from .cards import cards, source
from .chart import Chart, Moment
from .map import Drawing, Look, bands, draw
from .story import Story
from .timeline import charts

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_GOOD = {"resolved", "relieved", "healthy", "no action needed", "done", "scheduled", "rehearsed"}
_BAD = {"failed", "rolled back", "interrupted", "unfinished"}
_TEMPLATES = ("report.html.j2", "study.html.j2", "notebook.html.j2", "pictures.html.j2", "style.css")
_SCREENS = (
    "entered",
    "approvals",
    "ask",
    "base",
    "failed",
    "health",
    "history",
    "incident",
    "login",
    "trace",
    "wall",
    "whatif",
)


@dataclass(frozen=True)
class Sources:
    """What the page shows besides the records: the snapshots by id, the measured link loads, the record's last hash."""

    networks: Mapping[str, Network] = field(default_factory=dict[str, Network])
    samples: LinkSamples | None = None
    head: str = ""
    torn: bool = False


class Step(NamedTuple):
    """One step of a plan and the change that takes it back; no way back where the snapshot is not at hand."""

    text: str
    back: str


def render(story: Story, sources: Sources) -> str:
    """Write the page. The same story and sources give the same text."""
    before, after = pictures_of(story, sources)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            story=story,
            sources=sources,
            tone="good" if story.outcome in _GOOD else "bad" if story.outcome in _BAD else "warn",
            headline=headline(story),
            cards=cards(story),
            before=before,
            after=after,
            rows=_link_rows(story, sources),
            bands=bands(story.started.policy.max_utilisation),
            charts=_charts(story, sources),
            plans={r.number: steps_of(r.submission.plan, sources) for r in story.rounds if r.submission},
            certificate=_certificate(story),
            refused=_refused(story, sources),
        )
    )


def headline(story: Story) -> str:
    """Say in one sentence what happened and how it ended."""
    ending = OUTCOMES.get(story.outcome, "The record ends before the run did.")
    cause = story.diagnosis.cause if story.diagnosis else None
    if cause is None:
        return ending
    words = f"{fault_kind(cause.kind)}, {place(cause.element)}"
    return f"{words[0].upper()}{words[1:]}. {ending}"


@cache
def environment() -> Environment:
    """The templates, with escaping on and unknown names refused."""
    folder = files("agents") / "show" / "templates"
    sheets = {name: (folder / name).read_text(encoding="utf-8") for name in _TEMPLATES}
    for name in _SCREENS:
        sheets[f"{name}.html.j2"] = (folder / "console" / f"{name}.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader(sheets), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    spelled: dict[str, Callable[..., str]] = {"visible": visible, "line": one_line, "place": place, "short": short}
    spelled |= {"where": where, "fault": fault_words, "sentence": sentence}
    figures: dict[str, Callable[..., str]] = {"amount": amount, "against": against, "age": age_words}
    figures |= {"share": share, "stated": stated, "mbps": mbps, "milliseconds": milliseconds, "duration": duration}
    figures |= {"percent": _percent}
    plain: dict[str, Callable[..., str]] = {"verbatim": visible, "typed": one_line, "check": check_words, "px": _px}
    plain |= {"capital": capital, "counted": counted, "capacity": capacity, "figure": _figure}
    environment.filters.update(plain, **{name: _tied(words) for name, words in figures.items()})
    environment.filters.update({name: _spelled(words) for name, words in spelled.items()})
    return environment


def _tied(words: Callable[..., str]) -> Callable[..., str]:
    return lambda *given: tied(words(*given))


def _spelled(words: Callable[..., str]) -> Callable[..., str]:
    """What has names in it, as pages spell them; what is typed, and what others wrote, is shown by `verbatim`."""
    return lambda *given: tied(on_screen(words(*given)))


def pictures_of(story: Story, sources: Sources) -> tuple[Drawing | None, Drawing | None]:
    """Draw the network before and after the plan of a run; None where the snapshot is not at hand."""
    truth = story.finished.truth if story.finished else None
    cause = truth or (story.diagnosis.cause if story.diagnosis else None)
    fault = cause.element if cause else None
    first = story.loads.get("before") or story.loads.get("diagnosed")
    last = story.loads.get("after") or story.loads.get("planned")
    applied = story.applied
    undone = applied is not None and applied.taken_back
    steps = applied.submission.plan.steps if applied and applied.submission and last and not undone else ()
    limit = story.started.policy.max_utilisation
    end = "After: the plan is taken back" if undone else "After: with the plan"
    names = ("Before: with the fault" if fault else "As found", end)
    return (
        _drawing(first, sources, Look(names[0], (), fault=fault, limit=limit)),
        _drawing(last, sources, Look(names[1], (), fault=fault, steps=steps, limit=limit)),
    )


def _drawing(loads: LoadsTaken | None, sources: Sources, look: Look) -> Drawing | None:
    network = sources.networks.get(loads.snapshot) if loads else None
    if loads is None or network is None or len(network.links) != len(loads.utilisation):
        return None
    title = f"{look.title}, {source(loads)}"
    return draw(network, look._replace(title=title, utilisation=loads.utilisation, down=loads.down))


def _link_rows(story: Story, sources: Sources) -> list[tuple[str, str, float, float | None]]:
    first = story.loads.get("before") or story.loads.get("diagnosed")
    last = story.loads.get("after") or story.loads.get("planned")
    network = sources.networks.get(first.snapshot) if first else None
    if first is None or network is None or len(network.links) != len(first.utilisation):
        return []
    after = dict(enumerate(last.utilisation)) if last else {}
    order = sorted(range(len(network.links)), key=lambda i: (-first.utilisation[i], i))
    return [
        (network.links[i].name, capacity(network.links[i].capacity), first.utilisation[i], after.get(i)) for i in order
    ]


def _charts(story: Story, sources: Sources) -> tuple[tuple[Chart, Chart], ...]:
    network = sources.networks.get(story.started.inventory)
    if network is None or sources.samples is None:
        return ()
    return charts(network, sources.samples, _moments(story), story.started.policy.max_utilisation)


def _moments(story: Story) -> list[Moment]:
    moments = [Moment(story.started.live_time.timestamp(), "agents start", "start")]
    if story.finished and story.finished.onset and story.finished.truth:
        moments.append(Moment(story.finished.onset.timestamp(), "fault", "fault"))
    for done in story.execution:
        if done.live_time is not None and done.action in ("apply", "roll back"):
            word = "step" if done.action == "apply" else "undo"
            moments.append(Moment(done.live_time.timestamp(), f"{word} {done.step}", done.action.replace(" ", "-")))
    return list(dict.fromkeys(moments))


def steps_of(plan: Plan, sources: Sources) -> list[Step]:
    """Word the steps of a plan, each with the change that takes it back."""
    network = sources.networks.get(plan.base)
    back: list[Change] = []
    if network is not None:
        try:
            back = list(reversed(way_back(network, plan.steps)))
        except TwinError:  # a plan that cannot be applied has no way back: the verdict says so
            back = []
    words = [sentence(change) for change in back] or ["not known"] * len(plan.steps)
    return [Step(sentence(step), undo) for step, undo in zip(plan.steps, words, strict=True)]


def _refused(story: Story, sources: Sources) -> dict[int, object]:
    """Why the plan that was refused last was, as a picture, by its round; nothing where none was, or can be drawn."""
    from agents.show.refusal_view import refusal_view  # only a page with a refused plan waits for the simulator

    for told in reversed(story.rounds):
        plan, verdict = told.submission.plan if told.submission else None, told.verdict
        network = sources.networks.get(plan.base) if plan else None
        if plan is not None and network is not None and verdict is not None and not verdict.passed:
            return {told.number: refusal_view(network, plan, verdict, story.started.policy.max_utilisation)}
    return {}


def _certificate(story: Story) -> list[tuple[str, str]]:
    """The certificate's own fields; long ones are cut, the journal holds them whole."""
    body = story.certificate.certificate if story.certificate else None
    if not isinstance(body, dict):
        return []
    told = {key.replace("_", " "): value for key, value in body.items() if key not in ("plan", "snapshot")}
    return [(key, one_line(_written(value), 400)) for key, value in told.items()]


def _written(value: JsonValue) -> str:
    """A value of a certificate: lists of records by their names, moments by the clock, everything else as it is."""
    if isinstance(value, list):
        return ", ".join(_written(item) for item in value)
    if isinstance(value, dict) and "who" in value:
        return f"{value['who']}: {value.get('decision')} at {_written(value.get('time'))}"
    if isinstance(value, dict) and "name" in value:
        return f"{value['name']} {'passed' if value.get('passed') else 'failed'}"
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return utc(datetime.fromisoformat(value))
    return value if isinstance(value, str) else json.dumps(value)


def _px(value: float) -> Markup:
    return Markup(f"{value:.1f}".removesuffix(".0"))  # noqa: S704 - a number: there are thousands, none to be escaped


def _figure(value: float | None) -> str:
    return "" if value is None else written(value, 4)


def _percent(value: float) -> str:
    return "under 0.1 %" if 0 < value < 0.001 else f"{100 * value:.1f} %"
