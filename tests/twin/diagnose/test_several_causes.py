from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.twin.observe.incidents import NOBEL, network, run, struck
from twin.diagnose import diagnose, diagnosed_network
from twin.diagnose.effects import HINT_BOUND, Candidate
from twin.diagnose.prior import log_prior
from twin.faults import Fault, FaultKind
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Event, Flags, Telemetry
from twin.live.surprises import FlashCrowd
from twin.observe import Observation, observe

K = FaultKind


def both(*faults: Fault, seed: int = 1) -> Observation:
    whole = network(NOBEL)
    live = run(whole, seed=seed, after=0).live
    for fault in faults:
        live.inject(fault)
    live.wait(3)
    return observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), now=live.now)


PAIRS = [
    (K.LINK_DOWN, K.SILENT_LOSS),
    (K.AREA, K.SURGE),
    (K.CORRUPTION, K.LATENCY),
    (K.WEIGHT, K.DETACH),
]


@pytest.mark.parametrize("kinds", PAIRS, ids=str)
def test_two_faults_at_once_are_both_named_and_both_in_the_state_that_planning_gets(kinds: tuple[K, K]):
    one, other = (draw_fault(network(NOBEL), 3 + i, kinds=[kind]) for i, kind in enumerate(kinds))
    seen = both(one, other)
    best = diagnose(seen).best
    assert best.name == " and ".join(sorted(map(str, (one, other))))
    assert len(best.faults) == 2
    planned = diagnosed_network(seen, best)
    alone = [diagnosed_network(seen, best.model_copy(update={"faults": (fault,)})) for fault in best.faults]
    shown = [state for state in alone if state != seen.network]
    assert shown
    assert (planned in shown) == (len(shown) == 1)


@pytest.mark.parametrize("kind", [K.LINK_DOWN, K.CORRUPTION, K.WEIGHT])
def test_one_fault_is_not_explained_by_two(kind: K):
    incident = struck(NOBEL, kind, seed=5)
    assert [str(x) for x in diagnose(incident.observation).best.faults] == [str(incident.fault)]


def test_an_attack_and_a_surge_are_one_answer_with_both_names():
    best = diagnose(struck(NOBEL, K.WEB_DOS, seed=4).observation).best
    names = {best.name, *best.alike}
    assert {name.split(" at ")[0] for name in names} == {K.SURGE, K.WEB_DOS}
    assert best.confidence > 0.5


@pytest.mark.parametrize(
    "pair", [(K.NEIGHBOUR_MISSING, K.MTU), (K.NEIGHBOUR_MISSING, K.ACL_BLOCK), (K.ROUTING_DOWN, K.AREA)]
)
def test_without_their_lines_the_kinds_of_lost_neighbours_are_named_together(pair: tuple[K, K]):
    incident = struck(NOBEL, pair[0], seed=2)
    deaf = observe(network(NOBEL), replace(incident.telemetry, events=()), now=incident.live.now)
    best = diagnose(deaf).best
    names = {name.split(" at ")[0] for name in (best.name, *best.indistinguishable)}
    assert set(pair) <= names


def test_forged_lines_shift_a_prior_within_its_bound():
    whole = network(NOBEL)
    fault = Fault(kind=K.AREA, element=whole.nodes[0].id)
    plain, told = (log_prior(whole, (Candidate(fault, hint=hint),)) for hint in (0.0, 1e9))
    assert told - plain == pytest.approx(HINT_BOUND)


def test_a_whole_log_of_forged_lines_makes_no_fault():
    incident = run(network(NOBEL))
    link, end = network(NOBEL).links[0], float(incident.telemetry.links.time[-1])
    name = link.interface.rsplit("/", 1)[1]
    lines = (
        "init: routing (PID 4711) terminated by signal number 9. Core dumped!",
        f"%PKT_INFRA-LINK-3-UPDOWN : Interface {name}, changed state to Down",
        f"%PKT_INFRA-LINK-3-UPDOWN : Interface {name}, changed state to Up",
        f"rpd[4711]: OSPF packet ignored: MTU mismatch from {link.head} on intf {name} area 0.0.0.0",
    )
    forged = tuple(Event(end - 300 + i, link.tail, 3, text) for i, text in enumerate(lines * 10))
    seen = observe(network(NOBEL), replace(incident.telemetry, events=(*incident.telemetry.events, *forged)))
    assert len(seen.events) >= 40
    assert diagnose(seen).best.faults == ()


def test_more_users_than_usual_are_no_fault_and_an_attack_is():
    whole = network(NOBEL)
    busy = whole.nodes[int(np.argmax(whole.demands.sum(axis=0)))].name
    crowded = EmulatedNetwork(whole, seed=1, start=datetime(2026, 3, 2, 19, tzinfo=UTC))
    crowded.schedule([FlashCrowd(busy, 1.4, crowded.now + timedelta(minutes=30), timedelta(hours=2))])
    crowded.wait(18)
    assert diagnose(_seen(crowded)).best.faults == ()
    attack = Fault(kind=K.WEB_DOS, element=f"node/{busy}", severity=2.0)
    assert [x.element for x in diagnose(run(whole, attack).observation).best.faults] == [attack.element]


def _seen(live: EmulatedNetwork) -> Observation:
    return observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), now=live.now)


def bare(telemetry: Telemetry) -> Telemetry:
    """Counters, polls, probes and flow export, and nothing that is optional."""
    return Telemetry(telemetry.links, telemetry.nodes, telemetry.probes, telemetry.traffic, ())


@pytest.mark.parametrize("kind", [None, K.LINK_DOWN, K.DEVICE_DOWN, K.SILENT_LOSS, K.SURGE, K.WEIGHT])
def test_without_optional_telemetry_what_counters_show_is_still_found(kind: K | None):
    incident = struck(NOBEL, kind, seed=1) if kind else run(network(NOBEL))
    best = diagnose(observe(network(NOBEL), bare(incident.telemetry), now=incident.live.now)).best
    assert best.name == (str(incident.fault) if incident.fault else "healthy")


def test_without_error_counters_loss_and_corruption_both_stay_possible():
    incident = struck(NOBEL, K.CORRUPTION, seed=1)
    found = diagnose(observe(network(NOBEL), bare(incident.telemetry), now=incident.live.now))
    names = [name for x in found.hypotheses[:3] for name in (x.name, *x.indistinguishable)]
    assert str(incident.fault) in names
    assert any(K.SILENT_LOSS in name for name in names)


def test_a_reading_that_nothing_explains_leaves_a_doubt():
    incident = run(network(NOBEL))
    links, position = incident.telemetry.links, 7
    rng = np.random.default_rng(3)
    odd: Flags = (links.link % 5 == position % 5) & (links.time > np.unique(links.time)[-4])
    strayed = links.out_mbps * np.where(odd, rng.uniform(0.2, 4, odd.size), 1.0)
    nonsense = links._replace(out_mbps=strayed)
    found = diagnose(observe(network(NOBEL), replace(incident.telemetry, links=nonsense)))
    assert found.abstains
    assert found.doubt
