"""What a person should do about a diagnosis: frozen, typed, with its evidence and what confirms that it was done."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from twin.faults import REMEDIES, TRAITS, Fault
from twin.faults.recommendation import Recommendation, Urgency
from twin.observe.readings.observation import Observation
from twin.observe.readings.syslog import LogFact

from .diagnosis import Fact, Hypothesis

_FACTS = 3
_ALIKE = 2


def recommend(
    hypothesis: Hypothesis, observation: Observation, *, harmed: bool, repaired: datetime | None = None
) -> tuple[Recommendation, ...]:
    """Say for each fault of a hypothesis what ends it. `harmed` says whether users are harmed now.

    What was committed from `repaired` on may be the repair: nobody is told to roll that back.
    """
    until = math.inf if repaired is None else repaired.timestamp()
    commits = [x for x in observation.events if x.kind == "commit" and x.time < until]
    return tuple(_recommended(fault, hypothesis, commits, harmed=harmed) for fault in hypothesis.faults)


def _recommended(fault: Fault, cause: Hypothesis, commits: Sequence[LogFact], *, harmed: bool) -> Recommendation:
    advice, router = REMEDIES[fault.kind].theirs, fault.element.split("/")[1].split(":")[0]
    names = {"here": _place(fault.element), "router": router, "target": _place(fault.target or "")}
    words, commit = advice.words.format(**names), _commit(commits, router) if advice.reverts else None
    if commit is not None:
        words = f"{words}, or roll back the commit of {commit:%H:%M} on {router}"
    return Recommendation(
        action=advice.action,
        element=fault.element,
        target=fault.target,
        fault=fault.kind,
        words=words,
        evidence=_evidence(fault, cause, commit),
        urgency=_urgency(fault, harmed=harmed),
        confirmed_by=advice.confirmed_by.format(**names),
    )


def _urgency(fault: Fault, *, harmed: bool) -> Urgency:
    if TRAITS[fault.kind].layer == "telemetry":
        return "routine"
    return "now" if harmed else "soon"


def _evidence(fault: Fault, cause: Hypothesis, commit: datetime | None) -> tuple[str, ...]:
    told = [f"{fault.kind} at {_place(fault.element)} with a confidence of {cause.confidence:.0%}"]
    strongest: Sequence[str] = [
        f"{x.quantity} of {_place(x.element)}: {_figure(x, x.measured)}, {_figure(x, x.healthy)} if all were well"
        for x in sorted(cause.evidence, key=lambda x: (-x.gain, x.element, x.quantity))[:_FACTS]
    ]
    if commit is not None:
        strongest = [*strongest, f"something was committed there at {commit:%F %H:%M} UTC"]
    alike = [f"hardly told apart from {name}" for name in cause.indistinguishable[:_ALIKE]]
    return (*told, *strongest, *alike)


def _figure(fact: Fact, value: float) -> str:
    """Write a reading with its unit, as `Fact` says it; yes and no where it is 1 or 0."""
    match fact.quantity:
        case "load" | "drops" | "balance":
            return f"{value:,.0f} Mbit/s" if abs(value) >= 100 else f"{value:.3g} Mbit/s"
        case "wire_loss" | "probe_loss" | "errors" | "counted":
            return f"{value:.2%}"
        case "probe_delay":
            return f"{value:.3f} ms"
        case "demand_factor" | "packet_factor":
            return f"{value:.3g} times"
        case "configured":
            return "1 line" if value == 1 else f"{value:.0f} lines"
        case _:
            return "yes" if value >= 0.5 else "no"


def _commit(commits: Sequence[LogFact], router: str) -> datetime | None:
    """When something was last committed on a router, as its log says."""
    times = [x.time for x in commits if x.element == f"node/{router}"]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _place(element: str) -> str:
    """Name an element as people do: `A - B` for a circuit, `A > B` for an interface, the name of a node."""
    kind, _, rest = element.partition("/")
    if kind == "link" and "--" in rest:
        return " - ".join(part.partition(":")[0] for part in rest.split("--", 1))
    return rest.replace("/", " > ", 1) if kind == "interface" else rest
