"""What is no fault and still not ordinary: crowds, maintenance, weekends, clocks, replayed traffic, old readbacks."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder, last, live, same
from twin.errors import InputError, UnknownElementError
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.formats.traffic import read_traffic
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Filter, StaticRoute
from twin.live.replay import Replay
from twin.live.sensors import Noise
from twin.live.surprises import FlashCrowd, Maintenance, draw_surprises
from twin.live.traffic import WEEKEND, week_profile
from twin.model import Link, Network, Node
from twin.plan import DrainLink, SetWeight

K = FaultKind
CIRCUIT = "link/a1:a2--a2:a1"
GEANT = (
    Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "geant" / "traffic.parquet"
)


def test_a_crowd_comes_and_goes_and_only_towards_its_node():
    well, crowded = live(noise=Noise.off()), live(noise=Noise.off())
    crowded.schedule([FlashCrowd("b3", 1.4, START + timedelta(minutes=30), timedelta(hours=2))])
    before, after = last(well, 36).traffic, last(crowded, 36).traffic
    ratio = (after.mbps / before.mbps).reshape(36, -1)
    to = before.target[: ratio.shape[1]] == ladder().node("b3")
    assert np.allclose(ratio[:, ~to], 1)
    course = ratio[:, to].mean(axis=1)
    assert course.max() == pytest.approx(1.4)
    assert course[[0, 5, 31, 35]].tolist() == pytest.approx([1, 1, 1, 1])
    assert np.abs(np.diff(course)).max() < 0.15
    assert crowded.truth == ladder()


def test_maintenance_is_drained_before_and_given_back_after_and_both_are_logged():
    network = live(noise=Noise.off())
    network.schedule([Maintenance(CIRCUIT, START + timedelta(minutes=10), timedelta(minutes=20))])
    both = list(ladder().circuit(CIRCUIT))
    drained: list[bool] = []
    carries: list[bool] = []
    for _ in range(9):
        got = last(network)
        drained.append(all(network.read_topology().links[i].drained for i in both))
        carries.append(bool(got.links.out_mbps[both].all()))
        assert got.links.up.all()
    assert drained == [False] * 2 + [True] * 4 + [False] * 3
    assert carries == [not x for x in drained]
    commits = [event for event in network.read_telemetry(START).events if "ommit" in event.message]
    assert sorted(event.node for event in commits) == ["a1", "a1", "a2", "a2"]
    assert network.faults == ()
    assert network.true_harm(1.0).total == 0


def test_maintenance_leaves_alone_what_others_have_drained():
    network = live()
    network.schedule([Maintenance(CIRCUIT, START + timedelta(minutes=5), timedelta(minutes=10))])
    network.apply(DrainLink(circuit=CIRCUIT))
    network.wait(6)
    assert all(network.read_topology().links[i].drained for i in ladder().circuit(CIRCUIT))


def test_maintenance_of_a_dead_router_is_put_off():
    network = live()
    network.schedule([Maintenance(CIRCUIT, START + timedelta(minutes=5), timedelta(minutes=10))])
    network.inject(Fault(kind=K.DEVICE_DOWN, element="node/a1"))
    network.wait(6)
    assert network.read_topology() == ladder()


def test_surprises_must_be_of_this_network():
    with pytest.raises(UnknownElementError):
        live().schedule([FlashCrowd("zz", 1.2, START, timedelta(hours=1))])
    with pytest.raises(UnknownElementError):
        live().schedule([Maintenance("link/a0:a3--a3:a0", START, timedelta(hours=1))])


def test_drawn_surprises_are_moderate_and_never_cut_the_network():
    network = load_network("sndlib/nobel-eu")
    found = [x for seed in range(40) for x in draw_surprises(network, seed, start=START, days=7)]
    assert found == [x for seed in range(40) for x in draw_surprises(network, seed, start=START, days=7)]
    crowds = [x for x in found if isinstance(x, FlashCrowd)]
    works = [x for x in found if isinstance(x, Maintenance)]
    assert len(crowds) == pytest.approx(40 * 7, rel=0.25)
    assert len(works) == pytest.approx(40 * 3.5, rel=0.25)
    assert all(1.1 < x.factor < 1.5 for x in crowds)
    assert all(START <= x.begin <= START + timedelta(days=9) for x in found)
    cut = Network("y", tuple(Node(x, 0, 0) for x in "abc"), chain("ab", "bc"), np.ones((3, 3)) - np.eye(3))
    assert not [x for x in draw_surprises(cut, 1, start=START, days=30) if isinstance(x, Maintenance)]


def chain(*pairs: str) -> tuple[Link, ...]:
    return tuple(Link(s, t, 10_000.0, 10) for pair in pairs for s, t in (pair, pair[::-1]))


def test_weekends_are_quieter_and_the_week_has_no_jumps():
    hours = np.arange(0, 168, 0.25)
    profile = week_profile(hours)
    assert profile[(hours >= 3) & (hours < 120)].min() == 1
    assert profile[hours >= 123].tolist() == [WEEKEND] * len(profile[hours >= 123])
    assert np.abs(np.diff(np.append(profile, profile[0]))).max() < 0.03
    monday, saturday = (
        EmulatedNetwork(ladder(), seed=1, start=datetime(2026, 3, day, 12, tzinfo=UTC), noise=Noise.off())
        for day in (2, 7)
    )
    one, two = last(monday).traffic.mbps, last(saturday).traffic.mbps
    assert np.allclose(two / one, WEEKEND)


def test_clocks_run_ahead_by_little_in_the_log_and_hardly_in_the_counters():
    def network(skew: float) -> EmulatedNetwork:
        made = live(noise=replace(Noise(), clock_skew_s=skew, chatter_per_day=0))
        made.inject(Fault(kind=K.AREA, element="node/a1"))
        return made

    right, ahead = last(network(0.0), 10), last(network(5.0), 10)
    shift: dict[str, set[float]] = {}
    assert len(right.events) == len(ahead.events)
    for x in right.events:
        (y,) = [y for y in ahead.events if (y.node, y.message) == (x.node, x.message)]
        shift.setdefault(x.node, set()).add(round(y.time - x.time, 6))
    assert all(len(found) == 1 for found in shift.values())
    assert len({next(iter(found)) for found in shift.values()}) == len(shift)
    assert all(0 < next(iter(found)) < 20 for found in shift.values())
    apart = np.abs(ahead.links.out_mbps - right.links.out_mbps) / np.maximum(right.links.out_mbps, 1)
    assert 0 < np.nanmax(apart) < 0.03


def test_configuration_is_read_back_late():
    network = live(noise=replace(Noise(), configuration_every_s=900))
    network.inject(Fault(kind=K.WEIGHT, element="interface/a1/a2", severity=77))
    weight = lambda: network.read_configuration().network.links[ladder().link("a1->a2")].weight  # noqa: E731
    seen: list[int] = []
    for _ in range(4):
        seen.append(weight())
        network.wait()
    assert [*seen, weight()] == [10, 10, 10, 77, 77]
    assert network.read_configuration().taken == START + timedelta(seconds=900)
    network.apply(SetWeight(link="a1->a2", weight=10))
    network.wait(3)
    assert weight() == 10


def test_configuration_shows_drains_routes_and_filters_but_no_failure():
    network = live(noise=replace(Noise(), configuration_every_s=300))
    network.inject(Fault(kind=K.STALE_TOPOLOGY, element=CIRCUIT))
    network.inject(Fault(kind=K.LINK_DOWN, element="link/b0:b1--b1:b0"))
    network.inject(Fault(kind=K.STATIC_ROUTE, element="interface/a1/a0", target="node/a3"))
    network.inject(Fault(kind=K.DATA_ACL, element="interface/b1/b2", target="node/b3"))
    network.inject(Fault(kind=K.ACL_BLOCK, element="interface/b2/b3"))
    network.wait()
    got = network.read_configuration()
    assert all(got.network.links[i].drained for i in ladder().circuit(CIRCUIT))
    assert all(link.up for link in got.network.links)
    assert got.routes == (StaticRoute("a1", "a3", "a1->a0"),)
    assert got.filters == (Filter("b1", "b1->b2", "b3"), Filter("b2", "b2->b3", None))


@pytest.mark.parametrize("kind", [K.STALE_CONFIGURATION, K.DEVICE_DOWN])
def test_a_router_that_lies_or_is_dead_is_read_back_as_it_was(kind: FaultKind):
    network = live(noise=replace(Noise(), configuration_every_s=300))
    network.inject(Fault(kind=K.WEIGHT, element="interface/a1/a2", severity=50))
    network.wait()
    network.inject(Fault(kind=kind, element="node/a1"))
    network.inject(Fault(kind=K.WEIGHT, element="interface/a1/a2", severity=60))
    network.inject(Fault(kind=K.WEIGHT, element="interface/a2/a3", severity=70))
    network.wait(2)
    read = network.read_configuration().network
    assert [read.links[ladder().link(x)].weight for x in ("a1->a2", "a2->a3")] == [50, 70]


def test_replayed_traffic_is_what_flow_export_sees():
    rng = np.random.default_rng(1)
    matrices = rng.uniform(10, 100, (4, 8, 8)) * (1 - np.eye(8))
    replay = Replay(matrices, 600.0, START)
    network = live(replay.provisioned(ladder()), noise=Noise.off())
    network.play(replay)
    traffic = last(network, 10).traffic
    found = traffic.mbps.reshape(10, -1)
    at = [0, 0, 1, 1, 2, 2, 3, 3, 0, 0]
    expected = np.array([matrices[i][traffic.source[:56], traffic.target[:56]] for i in at])
    assert np.allclose(found, expected)


def test_a_surge_grows_replayed_traffic_too():
    replay = Replay(np.full((2, 8, 8), 50.0) * (1 - np.eye(8)), 600.0, START)
    network = live(replay.provisioned(ladder()), noise=Noise.off())
    network.play(replay)
    network.inject(Fault(kind=K.SURGE, element="node/b3", severity=3))
    traffic = last(network).traffic
    assert np.allclose(traffic.mbps, np.where(traffic.target == ladder().node("b3"), 150, 50))


@pytest.mark.parametrize(
    "replay",
    [
        Replay(np.ones((2, 3, 3)), 600.0, START),
        Replay(np.zeros((0, 8, 8)), 600.0, START),
        Replay(np.zeros((2, 8, 8)), 0.0, START),
        Replay(np.zeros((2, 8, 8)), 600.0, START.replace(tzinfo=None)),
        Replay(np.ones((2, 8, 8)), 600.0, START),  # a demand of a node to itself is provisioned nowhere
    ],
)
def test_a_replay_that_does_not_fit_is_refused(replay: Replay):
    network = live()
    with pytest.raises(InputError):
        network.play(replay)


@pytest.mark.skipif(not GEANT.exists(), reason=f"no measured traffic: {GEANT} is absent, set TWINOPS_DATA")
def test_measured_matrices_of_geant_can_be_replayed():
    names = [str(i) for i in range(22)]
    links = tuple(Link(names[i], names[(i + s) % 22], 10_000.0, 10) for i in range(22) for s in (1, -1, 5, -5))
    bare = Network("geant", tuple(Node(x, 0, 0) for x in names), links, np.zeros((22, 22)))
    traffic = read_traffic(GEANT, bare)
    replay = Replay(traffic.demands, 900.0, START)
    network = EmulatedNetwork(replay.provisioned(bare), seed=1, start=START, noise=Noise.off())
    network.play(replay)
    got = last(network, 12).traffic
    carried = got.mbps.reshape(12, -1).sum(axis=1)
    assert np.allclose(carried, np.repeat(traffic.demands[:4].sum(axis=(1, 2)), 3), rtol=1e-6)


def test_surprises_do_not_touch_the_noise():
    one, two = live(), live()
    two.schedule([FlashCrowd("b3", 1.4, START + timedelta(hours=5), timedelta(hours=2))])
    assert same(last(one, 5), last(two, 5))
