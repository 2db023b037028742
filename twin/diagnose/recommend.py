"""What a person should do about a diagnosis: frozen, typed, with its evidence and what confirms that it was done."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from twin.faults import REMEDIES, TELEMETRY_KINDS, Fault, FaultKind, label, named_in_words
from twin.faults.recommendation import Recommendation, Urgency
from twin.live.declared import LogKind
from twin.live.peerings import DownReason
from twin.observe.readings.observation import Observation
from twin.observe.readings.syslog import LogFact
from twin.printed import place, share

from .diagnosis import Hypothesis
from .reading_words import READINGS, figure

_FACTS = 3
_ALIKE = 2
_LOGGED: Mapping[LogKind, DownReason] = {
    "session_timeout": "hold timer",
    "session_refused": "bad AS",
    "session_limit": "max prefix",
    "session_closed": "shut down",
}
_MISLEADING = frozenset({*TELEMETRY_KINDS, FaultKind.PROBE_FILTER})
"""Kinds that take nothing from anybody: readings alone are wrong."""


def recommend(
    hypothesis: Hypothesis, observation: Observation, *, harmed: bool, repaired: datetime | None = None
) -> tuple[Recommendation, ...]:
    """Say for each fault of a hypothesis what ends it. `harmed` says whether users are harmed now.

    What was committed from `repaired` on may be the repair: nobody is told to roll that back.
    """
    until = math.inf if repaired is None else repaired.timestamp()
    commits = [x for x in observation.events if x.kind == "commit" and x.time < until]
    found = (_recommended(fault, hypothesis, commits, harmed=harmed) for fault in hypothesis.faults)
    return tuple(_with_reason(x, observation) for x in found)


def _with_reason(said: Recommendation, observation: Observation) -> Recommendation:
    """Beside that a session is down, why: as its router says when it is asked, else as its log does."""
    if said.fault is not FaultKind.BGP_SESSION:
        return said
    links = observation.inventory.links
    told = [x.reason for x in observation.peerings if links[x.link].interface == said.element and not x.established]
    logged = [_LOGGED[x.kind] for x in observation.events if x.element == said.element and x.kind in _LOGGED]
    reason = next((x for x in (*told, *reversed(logged)) if x not in ("none", "other")), None)
    if reason is None:
        return said
    return said.model_copy(update={"evidence": (*said.evidence, f"its router says why the session fell: {reason}")})


def _recommended(fault: Fault, cause: Hypothesis, commits: Sequence[LogFact], *, harmed: bool) -> Recommendation:
    advice, router = REMEDIES[fault.kind].theirs, fault.element.split("/")[1].split(":")[0]
    names = {"here": place(fault.element), "router": router, "target": place(fault.target or "")}
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
    if fault.kind in _MISLEADING:
        return "routine"
    return "now" if harmed else "soon"


def _evidence(fault: Fault, cause: Hypothesis, commit: datetime | None) -> tuple[str, ...]:
    told = [f"{label(fault.kind)}, {place(fault.element)}: probability {share(cause.confidence)}"]
    strongest: Sequence[str] = [
        f"{place(x.element)}: {READINGS[x.quantity][0]} {figure(x.quantity, x.measured)}, "
        f"{figure(x.quantity, x.healthy)} if all were well"
        for x in sorted(cause.evidence, key=lambda x: (-x.gain, x.element, x.quantity))[:_FACTS]
    ]
    if commit is not None:
        strongest = [*strongest, f"something was committed there at {commit:%F %H:%M} UTC"]
    alike = [f"hardly told apart from {named_in_words(name)}" for name in cause.indistinguishable[:_ALIKE]]
    return (*told, *strongest, *alike)


def _commit(commits: Sequence[LogFact], router: str) -> datetime | None:
    """When something was last committed on a router, as its log says."""
    times = [x.time for x in commits if x.element == f"node/{router}"]
    return datetime.fromtimestamp(max(times), UTC) if times else None
