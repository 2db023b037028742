"""Plans that come at the wrong time, rest on what others take away, stay too long, or save nothing worth it.

What is wrong is known by construction, or from the independent oracle; the hours ahead are the case's own.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from evals.oracle.carried import SLACK, Carried, Failed, carried, failures, grown, hot, no_worse
from evals.score.plans import Blame
from twin.gate.outlook import Hour, Outlook
from twin.model import Network
from twin.plan import Change, DrainLink, Objective, SetTunnel, SetWeight, SleepLink, apply, subject
from twin.planned import PlannedWork
from twin.policy import Policy

from .good import NETWORKS, POLICY, Trial, any_link, gate_network, night, plan_of, relief_to_spoil

TUESDAY = datetime(2026, 12, 1, 2, tzinfo=UTC)
_NOTHING = Failed("nothing")


def outside_window(seed: int, start: int = 0) -> Trial | None:
    """A good plan, begun when the policy lets nobody make one."""
    window = ("Tue-Thu 04:00-06:00 Europe/Zurich", "Sat,Sun 01:00-05:00 UTC", "22:00-02:30 Europe/Zurich")[seed % 3]
    return _mistimed("outside window", seed, start, {"windows": (window,)})


def frozen(seed: int, start: int = 0) -> Trial | None:
    """A good plan in a freeze; every other one by the last hours of the freeze's last day in its zone."""
    span = ("2026-11-20/2027-01-04 UTC", "2026-11-25/2026-11-30 America/New_York")[seed % 2]
    return _mistimed("frozen", seed, start, {"freeze": (span,)})


def blacked_out(seed: int, start: int = 0) -> Trial | None:
    """A good plan that touches what must be left alone at that hour."""
    _, case = relief_to_spoil(seed, start)
    step = case.plan.steps[0]
    if isinstance(step, SetWeight):
        element = case.network.links[case.network.link(step.link)].circuit
    elif isinstance(step, SetTunnel):
        element = f"node/{step.tunnel.source}"
    else:
        return None
    when = ("Mon-Fri 00:00-24:00 UTC", "2026-12-01/2026-12-01 UTC")[seed % 2]
    policy = case.policy.model_copy(update={"tags": {"gold": (element,)}, "blackouts": (f"gold {when}",)})
    blame = Blame("policy", frozenset((element,)), step=1)
    return Trial("blacked out", case.plan, case.network, policy, blame, starts=TUESDAY)


def saves_too_little(seed: int, start: int = 0) -> Trial | None:
    """Circuits sleep, and by the ports of any measured router that is not what the policy asks for."""
    rng = np.random.default_rng([seed, 31])
    network = night(gate_network(start + int(rng.integers(0, NETWORKS))))
    step = SleepLink(circuit=any_link(network, rng).circuit)
    policy = POLICY.model_copy(update={"min_watts_saved": float(rng.uniform(20, 500))})
    if not _fine(network, apply(network, step), policy):
        return None
    blame = Blame("useful", frozenset((step.circuit,)), step=1)
    return Trial("saves too little", plan_of(network, step, objective="sleep"), network, policy, blame)


def stays_too_long(seed: int, start: int = 0) -> Trial | None:
    """Fine for the traffic of the night, and not for an hour of the day in which the plan is still in place."""
    rng, network, step, final = _night_work(seed, start, 32)
    if not _fine(network, final, POLICY):
        return None
    full = float(rng.uniform(1.8, 2.6))
    shares = [1 + (full - 1) * (1 - np.cos(2 * np.pi * hour / 24)) / 2 for hour in range(24)]
    elements, names = set[str](), set[str | None]()
    for share in sorted({round(x, 6) for x in shares}):
        found = list(_worse(grown(network, share), grown(final, share)))
        elements |= {element for element, _, _ in found}
        names |= {name for _, name, _ in found}
    sure = any(by > 0.01 for _, _, by in _worse(grown(network, full), grown(final, full)))
    if not sure:
        return None
    blame = Blame("horizon", frozenset(elements), _named(names), 1)
    plan = plan_of(network, step, objective=_objective(step))
    outlook = hours_of(network, [round(x, 6) for x in shares])
    return Trial("stays too long", plan, network, POLICY, blame, outlook=outlook, starts=TUESDAY)


def rests_on_others_work(seed: int, start: int = 0) -> Trial | None:
    """Fine all day, and tonight somebody takes away a circuit that it rests on."""
    rng, network, step, final = _night_work(seed, start, 33)
    gone = any_link(network, rng).circuit
    if gone == subject(step) or not _fine(network, final, POLICY):
        return None
    was, now = (without(x, gone) for x in (network, final))
    found = list(_worse(was, now))
    if not any(by > 0.01 for _, _, by in found) or carried(now).lost - carried(was).lost:
        return None
    if any(carried(now, x).lost - carried(was, x).lost for x in failures(now)):
        return None  # who is cut off is named by their node: another class
    blame = Blame("horizon", frozenset(x for x, _, _ in found), _named({x for _, x, _ in found}), 1)
    begins = TUESDAY + timedelta(hours=int(rng.integers(2, 20)))
    work = PlannedWork(name=f"CHG{seed}", elements=(gone,), begins=begins, ends=begins + timedelta(hours=3))
    plan = plan_of(network, step, objective=_objective(step))
    hours = hours_of(network, [1.0] * 24)
    return Trial("rests on others' work", plan, network, POLICY, blame, outlook=hours, starts=TUESDAY, works=(work,))


def _mistimed(name: str, seed: int, start: int, rules: dict[str, tuple[str, ...]]) -> Trial | None:
    _, case = relief_to_spoil(seed, start)
    policy = case.policy.model_copy(update=rules)
    blame = Blame("policy", frozenset((subject(case.plan.steps[0]),)), step=1)
    return Trial(name, case.plan, case.network, policy, blame, starts=TUESDAY)


def _night_work(seed: int, start: int, salt: int) -> tuple[np.random.Generator, Network, Change, Network]:
    rng = np.random.default_rng([seed, salt])
    network = night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    link = any_link(network, rng)
    step: Change = SleepLink(circuit=link.circuit) if rng.random() < 0.5 else DrainLink(circuit=link.circuit)
    return rng, network, step, apply(network, step)


def _objective(step: Change) -> Objective:
    return "sleep" if isinstance(step, SleepLink) else "drain"


def _fine(network: Network, final: Network, policy: Policy) -> bool:
    """Whether the end state is no worse under the traffic of now, under every failure and with the policy's growth."""
    for factor in (1.0, max(policy.demand_factors)):
        was, now = grown(network, factor), grown(final, factor)
        if not no_worse(carried(was), carried(now), policy.max_utilisation):
            return False
        limit = policy.max_failure_utilisation
        if not all(no_worse(carried(was, x), carried(now, x), limit) for x in failures(network)):
            return False
    return True


def _worse(was: Network, now: Network) -> Iterator[tuple[str, str | None, float]]:
    """Links above the limit and busier than any link was, under which failure, and by how much of their capacity."""
    for failure in (_NOTHING, *failures(was)):
        limit = POLICY.max_utilisation if failure == _NOTHING else POLICY.max_failure_utilisation
        before, after = carried(was, failure), carried(now, failure)
        for element, by in _hotter(before, after, limit):
            yield element, None if failure == _NOTHING else failure.name, by


def _hotter(before: Carried, after: Carried, limit: float) -> Iterator[tuple[str, float]]:
    for element in hot(after, limit):
        by = after.utilisation[element] - max(limit, before.peak)
        if by > SLACK:
            yield element, by


def _named(names: set[str | None]) -> frozenset[str] | None:
    """The failures that may be named; none of them where it happens with everything up as well."""
    return None if None in names else frozenset(x for x in names if x is not None)


def without(network: Network, circuit: str) -> Network:
    """The network while a circuit is down."""
    gone = set(network.circuits[circuit])
    links = tuple(x._replace(up=False) if i in gone else x for i, x in enumerate(network.links))
    return replace(network, links=links)


def hours_of(network: Network, shares: list[float]) -> Outlook:
    """An hour for each share of a network's demands, from `TUESDAY` on."""
    hours = [
        Hour(TUESDAY + timedelta(hours=k), f"{(TUESDAY + timedelta(hours=k)):%H:%M}", network.demands * share)
        for k, share in enumerate(shares)
    ]
    return Outlook(tuple(hours), "the hours of the case")
