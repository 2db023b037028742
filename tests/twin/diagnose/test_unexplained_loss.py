"""Traffic that surely gets lost is never answered with "nothing is wrong", whatever the prior says of its causes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.observe.incidents import GERMANY, NOBEL, network, run, struck
from twin.diagnose import diagnose
from twin.diagnose.lost import unexplained_loss
from twin.diagnose.search import GROSS, Search
from twin.faults import FaultKind
from twin.live.network import Telemetry
from twin.observe import Observation, observe

K = FaultKind


def lost_to_a_healthy_network(seen: Observation) -> set[str]:
    """Quantities that speak against nothing being wrong."""
    return {quantity for quantity, _ in unexplained_loss(Search(seen).healthy.judged, 2 * GROSS)}


@pytest.mark.parametrize("kind", [K.BLACKHOLE, K.DATA_ACL, K.ONE_WAY])
@pytest.mark.parametrize("name", [NOBEL, GERMANY])
def test_what_a_router_swallows_shows_in_what_leaves_it_or_in_probes(name, kind):
    assert lost_to_a_healthy_network(struck(name, kind, seed=2).observation)


@pytest.mark.parametrize("seed", range(4))
def test_a_network_that_loses_nothing_shows_no_loss(seed):
    assert not lost_to_a_healthy_network(run(network(GERMANY), seed=seed, hour=6 * seed).observation)


def test_a_surge_that_loses_nothing_shows_no_loss():
    assert not lost_to_a_healthy_network(struck(NOBEL, K.SURGE).observation)


def losing(telemetry: Telemetry, pairs: int, share: float) -> Telemetry:
    """Have some of the probed pairs, here and there, lose a share of their packets in the newest samples."""
    probes = telemetry.probes
    chosen = np.unique(probes.source * 1000 + probes.target)[:: len(np.unique(probes.source)) + 1][:pairs]
    late = probes.time > np.unique(probes.time)[-4]
    odd = late & np.isin(probes.source * 1000 + probes.target, chosen)
    return replace(telemetry, probes=probes._replace(loss=np.where(odd, share, probes.loss)))


def test_probes_that_lose_a_little_without_a_cause_are_no_healthy_network():
    """No single one of them is odd enough to call for a cause: a few packets of a hundred."""
    calm = run(network(NOBEL))
    seen = observe(network(NOBEL), losing(calm.telemetry, pairs=1, share=0.05), now=calm.live.now)
    found = diagnose(seen)
    assert found.best.faults == ()
    assert found.finding == "unknown"
    assert [x.quantity for x in found.lost] == ["probe_loss"]
    assert "gets lost" in (found.doubt or "")


def test_a_cause_that_holds_the_loss_is_an_answer():
    found = diagnose(struck(NOBEL, K.BLACKHOLE, seed=1).observation)
    assert found.finding == "cause"
    assert not found.lost
