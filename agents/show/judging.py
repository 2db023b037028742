"""What `twinops verify` answers of a plan: the gate's verdict, and a safe order where only the way there does harm."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.console import RenderableType

from twin.engines.seam import Engine, Serial
from twin.formats.build import Reading
from twin.formats.load import load_reading
from twin.gate.checks.context import Evidence, Scenario
from twin.gate.order import Ordering, safe_order
from twin.gate.verdict import Verdict, verify_knowing
from twin.model import Network
from twin.policy import Policy
from twin.study.day import read_day

from .answer import OK, REJECTED, Answer
from .estimated import estimated_traffic
from .plan_text import ordering
from .tables import verdict_table

if TYPE_CHECKING:  # reading a site imports what a verdict on a file has no use for
    from twin.plan import Plan
    from twin.site import OpenSite

_HERE = Serial()


def judge_plan(  # noqa: PLR0913 - what is judged, where, by what, and where the answer goes
    plan: Path,
    network: str,
    policy: Policy,
    scenarios: Path | None,
    *,
    now: datetime,
    reordered: Path | None = None,
    site: "OpenSite | None" = None,
    day: Path | None = None,
    engine: Engine = _HERE,
) -> Answer:
    """Let the gate judge a plan; the code says whether it passed.

    Where only the way there does harm, a safe order of its steps is looked for, and written to `reordered`. `day` is a
    file with 24 shares of the traffic, for a network without a site.
    """
    from twin.formats.plan import read_plan_file
    from twin.site_state import evidence_for

    file, reading = read_plan_file(plan), load_reading(network)
    proposed, loaded = file.plan, reading.network
    if proposed.base == loaded.id:
        file.require_way_back(loaded)
    matrices, evidence = scenarios_in(scenarios, loaded), evidence_for(network, loaded.id, now)
    hours = read_day(day) if day else ()
    verdict, questions = verdict_on(
        proposed, reading, policy, matrices, evidence=evidence, site=site, now=now, day=hours, engine=engine
    )
    document: dict[str, JsonValue] = {"passed": verdict.passed, **verdict.model_dump(mode="json")}
    ending = f"plan {verdict.plan} on snapshot {verdict.snapshot}: {'safe' if verdict.passed else 'rejected'}"
    document["rests_on"] = list[JsonValue](rests := estimated_traffic(network))
    lines: list[RenderableType] = [verdict_table(verdict), ending, *rests, *questions]
    if _harms_on_the_way(verdict):
        found = _kept_order(proposed, loaded, policy, reordered)
        document["order"] = _order_document(found)
        lines += ordering(found, reordered)
    return Answer(document, lines, OK if verdict.passed else REJECTED)


def _kept_order(plan: "Plan", network: Network, policy: Policy, path: Path | None) -> Ordering:
    """Look for a safe order of a plan's steps; one that is found is written to `path`."""
    from twin.formats import write_plan

    found = safe_order(plan, network, policy)
    if found.plan and path:
        write_plan(found.plan, path, network)
    return found


def verdict_on(  # noqa: PLR0913 - as above
    plan: "Plan",
    reading: Reading,
    policy: Policy,
    scenarios: Sequence[Scenario] = (),
    *,
    evidence: Evidence | None,
    site: "OpenSite | None",
    now: datetime,
    day: Sequence[float] = (),
    engine: Engine = _HERE,
) -> tuple[Verdict, tuple[str, ...]]:
    """Let the gate judge a plan on everything that is known; also returns what the calendar leaves open."""
    from twin.site_state import coming_to

    coming = coming_to(site, reading.network, policy, now, until=plan.until, day=day)
    known = coming.known(reading.account, evidence, scenarios)
    return verify_knowing(known, plan, reading.network, policy, engine), coming.questions


def _harms_on_the_way(verdict: Verdict) -> bool:
    """Whether *transient* is what fails, on a plan whose steps can be made."""
    failed = {check.name for check in verdict.checks if not check.passed}
    return "transient" in failed and "grounded" not in failed


def _order_document(found: Ordering) -> JsonValue:
    steps: list[JsonValue] = [step.model_dump(mode="json") for step in found.plan.steps] if found.plan else []
    blocked: dict[str, JsonValue] = {str(step): why for step, why in found.blocked.items()}
    return {"found": found.plan is not None, "proven": found.exact, "steps": steps, "blocked": blocked}


def scenarios_in(path: Path | None, network: Network) -> tuple[Scenario, ...]:
    """Every matrix of a CSV or Parquet file, by its time."""
    if path is None:
        return ()
    from twin.formats import read_traffic

    traffic = read_traffic(path, network)
    return tuple(Scenario(time, demands) for time, demands in zip(traffic.times, traffic.demands, strict=True))
