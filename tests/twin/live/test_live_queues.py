import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import networks
from twin.live.forwarding import Paths, draw_flows, router_salts
from twin.live.plane import data_plane
from twin.live.probes import probe_flows
from twin.live.queues import BUFFER_MS, carry, queueing_ms
from twin.model import Network


def line(*capacities: float) -> Paths:
    """One path over as many links."""
    hops = np.arange(len(capacities))[None, :]
    return Paths(np.zeros(1, int), np.ones(1), hops, np.ones(1, bool), np.ones(1, int), *2 * (np.zeros(1, int),))


def test_the_first_narrow_link_drops_and_the_next_ones_are_relieved():
    got = carry(line(1, 2, 3, 4), np.array([100.0]), np.array([200.0, 80.0, 50.0, 60.0]), np.zeros(4))
    assert np.allclose(got.arrived, [100, 100, 80, 50])
    assert np.allclose(got.sent, [100, 80, 50, 50])
    assert np.allclose(got.leaving, 50)


def test_a_full_link_drops_from_all_paths_in_proportion():
    paths = Paths(
        np.arange(2), np.ones(2), np.zeros((2, 1), int), np.ones(2, bool), np.ones(2, int), *2 * (np.arange(2),)
    )
    assert np.allclose(carry(paths, np.array([90.0, 30.0]), np.array([60.0]), np.zeros(1)).leaving, [45, 15])


def test_the_wire_loses_after_the_queue():
    got = carry(line(1), np.array([100.0]), np.array([80.0]), np.array([0.25]))
    assert np.allclose([got.sent[0], got.received[0], got.leaving[0]], [80, 60, 60])


def test_links_that_feed_each_other_settle():
    """Three paths round a triangle, each over two links: all full, the same share of each gets through twice."""
    hops = np.array([[0, 1], [1, 2], [2, 0]])
    paths = Paths(np.arange(3), np.ones(3), hops, np.ones(3, bool), np.ones(3, int), *2 * (np.arange(3),))
    got = carry(paths, np.full(3, 100.0), np.full(3, 60.0), np.zeros(3))
    share = (-1 + np.sqrt(1 + 4 * 0.6)) / 2  # x + x² = 60/100: what passes on the first hop, and on both
    assert np.allclose(got.passed, share)
    assert np.allclose(got.leaving, 100 * share**2)


@settings(max_examples=60)
@given(networks(), st.floats(0.1, 20), st.integers(-1, 6))
def test_nothing_is_made_or_forgotten_and_no_link_sends_more_than_it_can(network: Network, factor: float, lossy: int):
    flows = draw_flows(network.demands, 1)
    plane = data_plane(network, flows, probe_flows(network, 1), router_salts(len(network.nodes), 1))
    entering = plane.entering(network.demands * factor)
    got = plane.carry(entering)
    assert np.isclose(entering.sum(), got.leaving.sum() + (got.arrived - got.received).sum())
    assert (got.sent <= plane.capacity * (1 + 1e-8)).all()
    assert (got.received <= got.sent).all()
    rate = entering.ravel()[plane.paths.pair] * plane.paths.share
    loss = np.where(np.arange(plane.capacity.size) % 7 == lossy, 0.1, plane.loss)
    alike = (carry(plane.paths, rate, plane.capacity, loss, many=x) for x in (1, plane.paths.pair.size + 1))
    for some, every in zip(*alike, strict=True):
        assert np.allclose(some, every, rtol=1e-8, atol=1e-8)


def test_waiting_grows_with_the_load_as_in_an_m_d_1_queue_up_to_a_full_buffer():
    capacity = np.array([10.0] * 4)
    rates = np.array([0.0, 5.0, 9.0, 12.0])
    paths = Paths(
        np.arange(4), np.ones(4), np.arange(4)[:, None], np.ones(4, bool), np.ones(4, int), *2 * (np.arange(4),)
    )
    wait = queueing_ms(carry(paths, rates, capacity, np.zeros(4)), capacity)
    assert np.allclose(wait, [0, 0.4, 3.6, BUFFER_MS])  # 0.8 ms a packet; rho / (2 (1 - rho)) of it


def test_a_routing_loop_fills_its_links_and_no_more():
    """Sixty-four hops back and forth over two links: what one packet of traffic adds is 32 times its size."""
    paths = line(*[1] * 64)._replace(hops=np.tile([0, 1], 32)[None, :])
    for rate in (1.0, 20.0, 100.0, 1000.0):
        got = carry(paths, np.array([rate]), np.array([500.0, 700.0]), np.zeros(2))
        assert (got.sent <= np.array([500.0, 700.0]) * (1 + 1e-8)).all()
        assert np.isclose(got.sent[0], min(500, 32 * rate))
