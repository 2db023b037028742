"""Whether planners find a plan where there is one: `python -m tests.benchmarks.planners_solve`.

Every short plan on small networks, one change and the promising ones two by two, is put before the gate as planners'
plans are: with growth under every single failure, members of bundles, the hours ahead, each step in its own, and where
time is short: windows that close, blackouts, work of others. No planner has a hand in that search. A case counts where
it finds a plan that passes; it is solved where what the planners propose passes, too. `--history N` has the hours ahead
told by a few measured days, `--endings N` takes faults of the suite of that name, told to the planners as they are.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.cases.informed import known_state, told_of
from evals.cases.suite import Workplace
from evals.oracle.exhaustive import LARGEST, every_change
from evals.suites import endings, te
from tests.twin.forecast.test_outlook import Measured
from tests.twin.gate.declared_day import DAY
from twin.errors import TwinError
from twin.faults import Fault
from twin.forecast.outlook import outlook_ahead
from twin.formats import load_network
from twin.gate.checks.context import Context
from twin.gate.outlook import Outlook, local_shift, outlook_by_day
from twin.gate.verdict import verify_knowing
from twin.live.network import TrafficSamples
from twin.model import Network
from twin.optimise.ahead import holding
from twin.optimise.goals import Purpose, plan_for
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import relieve
from twin.plan import Change, Objective, Plan, SleepLink, apply_all
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.sim.simulate import simulate

POLICY = Policy()
LASTS = timedelta(minutes=30)
"""How long a step takes at most: two looks at two whole samples of five minutes after the one under way."""
LEAST = 0.9
PAIRED, JUDGED = 24, 150
"""Single changes that are paired, those that leave the least harm; plans that are put before the gate."""
NETWORKS = ("sndlib/polska", "sndlib/abilene", "sndlib/atlanta", "synthetic/12-4105", "synthetic/16-9101")


class Task(NamedTuple):
    """What is planned for; `propose` asks the planners, `tries` are the plans that the search puts before the gate."""

    name: str
    network: Network
    objective: Objective
    known: Context
    until: datetime | None
    propose: Callable[[], Sequence[Proposal]]
    tries: Callable[[], Iterator[tuple[Change, ...]]]
    policy: Policy = POLICY


class Found(NamedTuple):
    """Steps of a plan that passes, by the planners and by the search; none where nothing was found."""

    planned: tuple[Change, ...]
    searched: tuple[Change, ...]
    reason: str


def solve(task: Task) -> Found:
    """Ask the planners, search, and let the gate judge both."""
    proposals = task.propose()
    best = next((x.plan for x in proposals if x.plan is not None and _passes(task, x.plan)), None)
    searched = next((x for x in islice(task.tries(), JUDGED) if _steps_pass(task, x)), ())
    reason = "; ".join(f"{x.method}: {x.reason or 'rejected'}" for x in proposals)
    return Found(best.steps if best else (), searched, reason)


def _passes(task: Task, plan: Plan) -> bool:
    return verify_knowing(task.known, plan, task.network, task.policy).passed


def _steps_pass(task: Task, steps: tuple[Change, ...]) -> bool:
    try:
        plan = Plan(goal="searched", base=task.network.id, steps=steps, objective=task.objective)
        return _passes(task, plan.ending(task.network, task.until) if task.until else plan)
    except TwinError:
        return False


def te_tasks(count: int) -> Iterator[Task]:
    """Networks of the suite `te` above the limit, every other one with links that are bundles of four."""
    cases = (x for split in ("dev", "held-out") for x in islice(te.SUITE.draw(split), 100) if x.kind != "published")
    small = (x for x in cases if len(load_network(x.network).nodes) <= LARGEST and "newyork" not in x.network)
    for number, case in enumerate(islice(small, count)):
        network = te.SUITE.stage(case, Workplace(Path(tempfile.gettempdir()), Path(tempfile.gettempdir()))).network
        if number % 2:
            network = replace(network, links=tuple(x._replace(members=4) for x in network.links))
        known = _known(_ahead(network, 16)) if number % 4 > 1 else Context()  # the evening is a seventh fuller
        told = f"{' members' if number % 2 else ''}{' before the evening' if known.outlook else ''}"
        name = f"te {case.kind} {case.network} {case.seed}{told}"
        yield Task(name, network, "relieve", known, None, _relief(network, known, POLICY), _relieving(network))


def _relief(network: Network, known: Context, policy: Policy) -> Callable[[], Sequence[Proposal]]:
    return lambda: holding(lambda state, limits: plan_for(state, limits, Purpose("relieve")), network, policy, known)


def _relieving(network: Network, towards: Sequence[str] = ()) -> Callable[[], Iterator[tuple[Change, ...]]]:
    return lambda: relieving(network, towards)


def _known(outlook: Outlook) -> Context:
    """What the gate is told: the first step is made half an hour into the first hour."""
    return Context(outlook=outlook, starts=outlook.hours[0].begins + timedelta(minutes=30), step_lasts=LASTS)


def window_tasks(count: int) -> Iterator[Task]:
    """The same networks with little time: windows that close soon, blackouts, and work of others meanwhile."""
    for number, task in enumerate(te_tasks(2 * count)):
        if number % 2:
            continue
        known = _known(_ahead(task.network, 16))
        starts, rng, policy = known.starts or datetime.now(UTC), np.random.default_rng(number), POLICY
        chosen = [str(x) for x in rng.permutation(list(task.network.circuits))[:3]]
        match number // 2 % 3:
            case 0:
                closes = starts + timedelta(minutes=(20, 50, 80)[number // 6 % 3])
                policy = POLICY.model_copy(update={"windows": (f"{starts:%H:%M}-{closes:%H:%M}",)})
            case 1:
                begins = starts + timedelta(minutes=45)
                span = f"{begins:%Y-%m-%dT%H:%M}/{begins + timedelta(hours=3):%Y-%m-%dT%H:%M}"
                policy = POLICY.model_copy(update={"blackouts": tuple(f"{x} {span}" for x in chosen)})
            case _:
                begins = starts + timedelta(minutes=45)
                work = PlannedWork(name="CHG", elements=(chosen[0],), begins=begins, ends=begins + timedelta(hours=2))
                known = replace(known, works=(work,))
        name, propose = f"window {number // 2 % 3} {task.name}", _relief(task.network, known, policy)
        yield task._replace(name=name, known=known, propose=propose, policy=policy)


def _ahead(network: Network, hour: int) -> Outlook:
    """The hours from one of the network's clock on, by a declared day."""
    begin = datetime(2026, 11, 30, hour, 30, tzinfo=UTC) - local_shift(network)
    return outlook_by_day(network, begin, POLICY.horizon_hours, day=DAY)


def relieving(network: Network, towards: Sequence[str] = ()) -> Iterator[tuple[Change, ...]]:
    """Plans of one or two changes that leave less harm than there is, the least first."""
    limit = POLICY.max_utilisation

    def left(steps: tuple[Change, ...]) -> float:
        try:
            outcome = simulate(apply_all(network, steps))
        except TwinError:
            return np.inf
        return outcome.harm(limit).routable + outcome.stranded

    before = left(())
    single = [(left((x,)), (x,)) for x in every_change(network, towards)]
    better = sorted((x for x in single if x[0] < before - 1e-6), key=lambda x: x[0])
    pairs = [(left((*a, *b)), (*a, *b)) for (_, a), (_, b) in combinations(better[:PAIRED], 2)]
    ranked = sorted([*better, *(x for x in pairs if x[0] < before - 1e-6)], key=lambda x: (x[0], len(x[1])))
    yield from (steps for _, steps in ranked)


def history_tasks(count: int) -> Iterator[Task]:
    """The networks of `te_tasks`, where the hours ahead are known from two, five and ten days of measured demands."""
    for number, task in enumerate(te_tasks(count)):
        days = (2, 5, 10)[number % 3]
        begin = datetime(2026, 11, 30, 16, 30, tzinfo=UTC) - local_shift(task.network)
        telemetry = Measured(_measured(task.network, begin, days, number))
        known = _known(outlook_ahead(task.network, telemetry, begin, 24, planned=task.network, now=begin))
        propose = _relief(task.network, known, POLICY)
        yield task._replace(name=f"{days} days of {task.name}", known=known, propose=propose)


def _measured(network: Network, begin: datetime, days: int, seed: int) -> TrafficSamples:
    """Half hours of demands that end with what is carried now: a day, a level that wanders, and noise of each."""
    rng, step = np.random.default_rng(seed), 1800.0
    clock = begin.timestamp() - step * np.arange(round(days * 86_400 / step))[::-1]
    hour = (clock + local_shift(network).total_seconds()) / 3600 % 24
    shape = np.interp(hour, np.arange(25), [*DAY, DAY[0]])
    level = np.exp(np.cumsum(0.004 * rng.standard_normal(clock.size))[::-1])
    source, target = np.nonzero(network.demands)
    own = np.exp(0.05 * rng.standard_normal((clock.size, source.size)))
    rates = network.demands[source, target] * (shape / shape[-1] * level)[:, None] * own
    pairs = np.tile(source, clock.size), np.tile(target, clock.size)
    return TrafficSamples(np.repeat(clock, source.size), *pairs, rates.ravel())


def sleep_tasks(count: int) -> Iterator[Task]:
    """Nights of several loads, with plans that stay and plans that end by the morning."""
    for number in range(count):
        name, peak = NETWORKS[number % len(NETWORKS)], (1.0, 0.8, 0.6, 0.45)[number // len(NETWORKS) % 4]
        day = load_network(name, seed=number)
        night = day.with_demands(day.demands * peak * DAY[2])
        outlook = _ahead(night, 2)
        until = outlook.hours[(1, 4, 8)[number // 2 % 3]].begins if number % 3 else None

        known = _known(outlook)

        def propose(x: Network = night, told: Context = known, end: datetime | None = until) -> Sequence[Proposal]:
            return holding(
                lambda state, policy: _ending(plan_for(state, policy, Purpose("sleep")), state, end), x, POLICY, told
            )

        def tries(x: Network = night) -> Iterator[tuple[Change, ...]]:
            single = [SleepLink(circuit=name) for name in x.circuits]
            return iter([*((s,) for s in single), *combinations(single, 2)])

        ends = f" until {until:%H}" if until else " stays"
        yield Task(f"sleep {name} x{peak:g}{ends}", night, "sleep", known, until, propose, tries)


def _ending(proposals: Sequence[Proposal], state: Network, until: datetime | None) -> Sequence[Proposal]:
    if until is None:
        return proposals
    return tuple(replace(x, plan=x.plan.ending(state, until)) if x.plan else x for x in proposals)


def endings_tasks(count: int) -> Iterator[Task]:
    """Faults that harm somebody on small networks of the suite `endings`."""
    drawn = 0
    for case in (x for split in ("dev", "held-out") for x in islice(endings.SUITE.draw(split), 211)):
        if drawn == count:
            return
        if case.kind == "healthy" or len(load_network(case.network).nodes) > LARGEST:
            continue
        with tempfile.TemporaryDirectory() as folder:
            place = Workplace(Path(folder), Path(folder))
            try:
                incident = endings.stage(case, place).incident
            except TwinError:
                continue
            state, faults = known_state(incident), tuple(x.fault for x in incident.live.faults_struck)
            if simulate(state).harm(POLICY.max_utilisation).routable <= 2e-3 * state.offered.sum():
                continue
            drawn += 1
            towards = [x.target for x in faults if x.target and "node/" in x.target]

            def propose(
                x: Network = state, known: tuple[Fault, ...] = faults, told: Context = told_of(incident, state)
            ) -> Sequence[Proposal]:
                return holding(lambda y, z: relieve(y, z, faults=known, reference=told.declared), x, POLICY, told)

            told, ahead = f"endings {case.kind} {case.network} {case.seed}", told_of(incident, state)
            yield Task(told, state, "relieve", ahead, None, propose, _relieving(state, towards))


class Tally(NamedTuple):
    """How many cases the search solves, of these the planners, and how many the planners alone."""

    searched: int = 0
    both: int = 0
    alone: int = 0

    def plus(self, found: Found) -> "Tally":
        """Count one more."""
        both = bool(found.searched and found.planned)
        return Tally(self.searched + bool(found.searched), self.both + both, self.alone + bool(found.planned) - both)

    @property
    def share(self) -> float:
        """Of what the search solves, how much the planners do."""
        return self.both / self.searched if self.searched else 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is missed, and a line for each family; 1 where less than nine in ten are solved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--te", type=int, default=16)
    parser.add_argument("--sleep", type=int, default=20)
    parser.add_argument("--window", type=int, default=12)
    parser.add_argument("--history", type=int, default=24)
    parser.add_argument("--endings", type=int, default=12)
    options, worst = parser.parse_args(arguments), 1.0
    families = (
        ("te", te_tasks),
        ("sleep", sleep_tasks),
        ("window", window_tasks),
        ("history", history_tasks),
        ("endings", endings_tasks),
    )
    for family, tasks in families:
        begun, tally = time.process_time(), Tally()
        for task in tasks(getattr(options, family)):
            found = solve(task)
            tally = tally.plus(found)
            if found.searched and not found.planned:
                print(f"  missed: {task.name}: {found.searched} | {found.reason}"[:1500], flush=True)
        worst, spent = min(worst, tally.share), time.process_time() - begun
        told = f"{tally.both} of {tally.searched} that a search of short plans solves ({tally.share:.1%})"
        print(f"{family}: {told}, {tally.alone} that it does not; {spent:.0f} s of CPU", flush=True)
    return int(worst < LEAST)


if __name__ == "__main__":
    sys.exit(main())
