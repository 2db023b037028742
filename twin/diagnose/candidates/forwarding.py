"""What routers do to traffic apart from the IGP: blackholes, filters, static routes, missing members, late loss."""

from collections.abc import Iterator

from twin.diagnose.effects import Candidate, Effect, Scene
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind, Readings, unchanged, with_fault
from twin.observe.readings.observation import Observation

_K = FaultKind


def _diverted(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    # numba is slow to import: only who simulates pays for it
    from twin.diagnose.forwarding.effect import diverted

    return diverted(readings, fault, scene)


def _lost_behind(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    from twin.diagnose.forwarding.effect import lost_behind

    return lost_behind(readings, fault, scene)


_DIVERTS = (_K.BLACKHOLE, _K.HOST_BLACKHOLE, _K.STATIC_ROUTE, _K.DATA_ACL, _K.ECMP_MISSING, _K.ECMP_STALE)

EFFECTS: dict[FaultKind, Effect] = {
    **dict.fromkeys(_DIVERTS, Effect(state=unchanged, readings=_diverted, planned=with_fault)),
    _K.ONE_WAY: Effect(state=unchanged, readings=_lost_behind, planned=with_fault),
}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Places where what is dropped or diverted would explain loads, balances and probes, the likeliest of each kind."""
    from twin.diagnose.forwarding.places import places

    return places(observation, judged)
