"""Roll-outs that take hours: a later step comes at a bad time though the first one does not, by the independent oracle.

Four steps prepare a circuit that is drained, weights that nothing feels; the fifth drains another one, and the sixth
gives the first one back. Between these two neither carries anything, which both ends of the plan are better than. No
step takes longer than half an hour, so that the fifth is over after two and a half at the latest.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from evals.oracle.carried import carried, failures, grown
from evals.score.plans import Blame
from twin.model import Network
from twin.plan import Change, DrainLink, Plan, SetWeight, UndrainLink, apply, states, subject
from twin.planned import PlannedWork

from .calendar import TUESDAY, hours_of, without
from .good import WIDE, Trial, calm, plan_of, relief_to_spoil, sound
from .in_time import bear, blamed, worse_between

_LASTS = timedelta(minutes=30)
_HOUR = timedelta(hours=1)
_FIFTH = 5
_HOURS = 24
_RISES = 1.1


class _RollOut(NamedTuple):
    """Six steps that are right by themselves under the traffic of now, if `sound` says so.

    `reached` is the state before the first step, the one after the fifth, and the last.
    """

    steps: tuple[Change, ...]
    reached: tuple[Network, Network, Network]
    third: str  # a circuit that no step is about
    full: float  # what demands may grow to, with which both ends keep every limit under every failure

    @property
    def plan(self) -> Plan:
        """The steps as a plan."""
        return plan_of(self.reached[0], *self.steps, objective="drain")

    @property
    def sound(self) -> bool:
        """Whether the oracle has nothing against the steps that are felt, nor against their way back."""
        drain, give_back = self.steps[_FIFTH - 1 :]
        back = DrainLink(circuit=subject(give_back)), UndrainLink(circuit=subject(drain))
        return sound(self.reached[0], (drain, give_back), WIDE) and sound(self.reached[2], back, WIDE)


def later_step_frozen(seed: int, start: int = 0) -> Trial | None:
    """A good plan of at least five steps, one of which may fall into a freeze, or behind the end of its window."""
    rng, case = relief_to_spoil(seed, start)
    if len(case.plan.steps) < _FIFTH:
        return None
    step = int(rng.integers(2, len(case.plan.steps) + 1))
    closes = TUESDAY + (step - 2) * _LASTS + timedelta(minutes=int(rng.integers(1, 30)))
    zone = ("UTC", "Europe/Zurich")[seed % 4 // 2]
    clock = closes + (_HOUR if zone != "UTC" else timedelta())
    rules = (
        {"freeze": (f"{clock:%Y-%m-%dT%H:%M}/2027-01-04 {zone}",)},
        {"windows": (f"Mon-Tue 00:00-{clock:%H:%M} {zone}",)},
    )[seed % 2]
    blame = Blame("policy", frozenset((subject(case.plan.steps[step - 1]),)), step=step)
    policy = case.policy.model_copy(update=rules)
    return case._replace(name="later step frozen", policy=policy, blame=blame, starts=TUESDAY, step_lasts=_LASTS)


def later_step_in_the_peak(seed: int, start: int = 0) -> Trial | None:
    """Traffic rises while the steps are made, and what lies between the fifth and the sixth does not bear it."""
    made = _roll_out(seed, 36, start)
    reached = [grown(x, made.full) for x in made.reached] if made else []
    if made is None or not worse_between(reached) or not made.sound:
        return None
    shares = [1.0, 1.0, *[made.full] * (_HOURS - 2)]  # full half an hour before the fifth step is over at the latest
    return _trial("later step in the peak", made, made.plan, shares, blamed(reached, _FIFTH))


def way_out_in_the_peak(seed: int, start: int = 0) -> Trial | None:
    """The plan is to end before the evening, and the steps that end it reach into it."""
    made = _roll_out(seed, 37, start)
    reached = [grown(x, made.full) for x in made.reached] if made else []
    if made is None or not worse_between(reached) or not made.sound:
        return None
    plan = made.plan.ending(made.reached[0], TUESDAY + 8 * _HOUR - timedelta(minutes=10))
    shares = [*[1.0] * 8, *[made.full] * (_HOURS - 8)]
    return _trial("way out in the peak", made, plan, shares, blamed(reached, len(plan.steps) + 1))


def later_step_meets_others(seed: int, start: int = 0) -> Trial | None:
    """Somebody takes a third circuit away once the first steps are made, and just then two others carry nothing."""
    made = _roll_out(seed, 38, start)
    reached = [without(x, made.third) for x in made.reached] if made else []
    if made is None or not worse_between(reached) or not bear((reached[0], reached[2])) or not made.sound:
        return None
    begins = TUESDAY + (_FIFTH - 1) * _LASTS + timedelta(minutes=seed % 29)
    case = _trial("later step meets others", made, made.plan, [1.0] * _HOURS, blamed(reached, _FIFTH))
    return case._replace(works=(_work(seed, made.third, begins),))


def good_roll_out(seed: int, start: int = 0) -> Trial | None:
    """The same plans, over before traffic rises, others begin and a freeze does."""
    made = _roll_out(seed, 39, start)
    late = [without(grown(x, made.full), made.third) for x in made.reached] if made else []
    if made is None or not bear((late[0], late[2])) or not made.sound:
        return None
    over = TUESDAY + len(made.steps) * _LASTS
    policy = WIDE.model_copy(update={"freeze": (f"{over:%Y-%m-%dT%H:%M}/2027-01-04",)})
    case = _trial("good roll-out", made, made.plan, [*[1.0] * 3, *[made.full] * (_HOURS - 3)], None)
    return case._replace(policy=policy, works=(_work(seed, made.third, over),))


def _trial(name: str, made: _RollOut, plan: Plan, shares: list[float], blame: Blame | None) -> Trial:
    case = Trial(name, plan, made.reached[0], WIDE, blame, starts=TUESDAY, step_lasts=_LASTS)
    return case._replace(outlook=hours_of(made.reached[0], shares))


def _work(seed: int, circuit: str, begins: datetime) -> PlannedWork:
    return PlannedWork(name=f"CHG{seed}", elements=(circuit,), begins=begins, ends=begins + _HOUR)


def _roll_out(seed: int, salt: int, start: int) -> _RollOut | None:
    """Draw one whose ends bear more traffic than there is now, by all of their failures."""
    rng, plain = calm(seed, salt, start)
    one, other, third = (str(x) for x in rng.choice(sorted(plain.circuits), 3, replace=False))
    network = apply(plain, DrainLink(circuit=one))
    link = network.links[network.circuits[one][0]]
    heavier, as_it_was = (
        SetWeight(link=link.name, weight=link.weight + 1),
        SetWeight(link=link.name, weight=link.weight),
    )
    steps = (heavier, as_it_was, heavier, as_it_was, DrainLink(circuit=other), UndrainLink(circuit=one))
    passed = states(network, steps)
    reached = passed[0], passed[_FIFTH], passed[-1]
    full = 0.98 * min(_room(reached[0]), _room(reached[2]))
    return _RollOut(steps, reached, third, full) if full > _RISES else None


def _room(state: Network) -> float:
    """What demands may be multiplied by until a link is at its limit, with everything up or under a failure."""
    rooms = [WIDE.max_utilisation / carried(state).peak]
    return min(rooms + [WIDE.max_failure_utilisation / carried(state, x).peak for x in failures(state)])
