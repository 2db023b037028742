"""Moving one demand, by superposition, against a sweep of the changed network from scratch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.optimise.networks import random_network
from tests.twin.sim.test_succession import Many
from twin.model import Network, SegmentList, Tunnel
from twin.sim.simulate import simulate, single_failures
from twin.sim.superposed import Superposition
from twin.sim.tunnelled import TunnelledStates


def a_move(network: Network, rng: np.random.Generator, *, split: bool) -> tuple[int, int, Tunnel]:
    source, target = (int(x) for x in rng.choice(np.argwhere(network.offered > 0)))
    others = [node.name for i, node in enumerate(network.nodes) if i not in (source, target)]
    names = [str(x) for x in rng.choice(others, 2, replace=False)]
    one = (SegmentList(via=(names[0],)),)
    paths = (SegmentList(via=(names[0],), share=0.3), SegmentList(via=(names[1],), share=0.7)) if split else one
    ends = network.nodes[source].name, network.nodes[target].name
    return source, target, Tunnel(name="moved", source=ends[0], target=ends[1], paths=paths, on_invalid="igp")


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), split=st.booleans(), lossy=st.booleans(), steered=st.booleans())
def test_moving_one_demand_equals_a_sweep_of_the_changed_network(seed, split, lossy, steered):
    rng = np.random.default_rng(seed)
    network = random_network(seed, nodes=7, extra=4)
    if lossy:
        links = list(network.links)
        links[0] = links[0]._replace(loss=0.2)
        network = replace(network, links=tuple(links))
    source, target, tunnel = a_move(network, rng, split=split)
    before = replace(network, tunnels=(a_move(network, rng, split=False)[2],)) if steered else network
    if any((x.source, x.target) == (tunnel.source, tunnel.target) for x in before.tunnels):
        before = network
    failures = single_failures(before)
    demands = Superposition(before, failures)
    off, onto = (demands.alone(source, target, x) for x in (None, tunnel))
    total = demands.total()
    assert [x.tobytes() for x in demands.total(Many())] == [x.tobytes() for x in total]
    moved = total.moved(off, onto, float(before.offered[source, target]))
    found = demands.sweep(moved)
    renamed = tunnel.model_copy(update={"name": "moved.2"})
    changed = simulate(replace(before, tunnels=(*before.tunnels, renamed)), failures=failures)
    assert changed.sweep is not None
    for field in ("max_utilisation", "lost", "severed", "overload", "worst_utilisation"):
        assert getattr(found, field) == pytest.approx(getattr(changed.sweep, field), abs=1e-6), field
    assert (found.worst_failure >= 0).sum() == (changed.sweep.worst_failure >= 0).sum()
    chosen = rng.permutation(len(failures))[: 1 + len(failures) // 2]
    some = demands.sweep(moved, rows=chosen)
    for field in ("max_utilisation", "busiest", "lost", "severed", "overload", "excess", "dropped"):
        assert getattr(some, field).tolist() == getattr(found, field)[chosen].tolist(), field
    known = TunnelledStates(before, failures)
    added = known.sweep(replace(before, tunnels=(*before.tunnels, renamed)), 0.7, factor=1.3)
    grown = replace(before, tunnels=(*before.tunnels, renamed), demands=before.demands * 1.3)
    again = simulate(grown, failures=failures, limit=0.7).sweep
    assert added is not None
    assert again is not None
    for field in ("max_utilisation", "lost", "severed", "overload", "excess", "dropped", "worst_utilisation"):
        assert getattr(added, field) == pytest.approx(getattr(again, field), abs=1e-6), field
    links = (before.links[0]._replace(weight=before.links[0].weight + 1), *before.links[1:])
    assert known.sweep(replace(before, links=links), 0.7) is None
    assert known.sweep(grown, 0.7) is None
