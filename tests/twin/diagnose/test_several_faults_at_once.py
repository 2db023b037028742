from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.twin.observe.incidents import NOBEL, network, run
from twin.diagnose import Diagnosis, diagnose
from twin.diagnose.diagnose import ABSTAIN_BELOW
from twin.faults import Fault, FaultKind, interfaces
from twin.live.emulated import EmulatedNetwork
from twin.model import Network, RiskGroup
from twin.observe import Observation, observe

K = FaultKind
HUB = "node/Frankfurt"


def seen(*faults: Fault, whole: Network | None = None, seed: int = 3, deaf: bool = False) -> Observation:
    live: EmulatedNetwork = run(whole or network(NOBEL), seed=seed, after=0).live
    for fault in faults:
        live.inject(fault)
    live.wait(3)
    telemetry = live.read_telemetry(live.now - timedelta(days=1))
    return observe(live.read_topology(), replace(telemetry, events=()) if deaf else telemetry, now=live.now)


def named(found: Diagnosis) -> set[str]:
    return set(map(str, found.best.faults))


def cuts(number: int, seed: int) -> list[Fault]:
    circuits = np.random.default_rng(seed).choice(list(network(NOBEL).circuits), number, replace=False)
    return [Fault(kind=K.LINK_DOWN, element=str(x)) for x in circuits]


@pytest.mark.parametrize("number", [3, 4, 6])
def test_every_cut_is_named_however_many_there_are(number: int):
    faults = cuts(number, seed=number)
    found = diagnose(seen(*faults))
    assert named(found) == set(map(str, faults))
    assert found.best.confidence > 0.9


def test_cuts_are_found_beside_what_no_device_reports():
    faults = [*cuts(2, seed=5), Fault(kind=K.SURGE, element="node/Muenchen", severity=3.0)]
    assert named(diagnose(seen(*faults))) == set(map(str, faults))


def test_a_cut_is_named_beside_a_weight_that_moves_far_more_traffic():
    faults = [Fault(kind=K.WEIGHT, element="interface/R01/R06", severity=1590.0)]
    faults.append(Fault(kind=K.LINK_DOWN, element="link/R03:R06--R06:R03"))
    found = diagnose(seen(*faults, whole=network("synthetic/16-4101")))
    assert named(found) == set(map(str, faults))
    assert found.best.confidence > 0.9


THREE = (
    Fault(kind=K.WEIGHT, element="interface/Berlin/Hannover", severity=30_000.0),
    Fault(kind=K.SILENT_LOSS, element="interface/Koeln/Frankfurt", severity=0.1),
    Fault(kind=K.SURGE, element="node/Muenchen", severity=3.0),
)
"""None of which any device reports, at places of their own."""


def test_a_third_fault_is_still_looked_for_once_two_are_found():
    found = diagnose(seen(*THREE))
    assert named(found) == set(map(str, THREE))
    assert found.best.confidence > 0.9


def test_a_third_fault_that_is_not_found_takes_confidence_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("twin.diagnose.search._MOST", 2)
    found = diagnose(seen(*THREE))
    assert len(found.best.faults) == 2
    assert named(found) < set(map(str, THREE))
    assert found.best.confidence < ABSTAIN_BELOW
    assert found.doubt is not None


def test_an_interface_that_is_down_and_left_out_is_never_left_out_with_confidence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("twin.diagnose.search._MOST", 2)
    found = diagnose(seen(*cuts(4, seed=9)))
    assert len(found.best.faults) == 2
    assert found.best.confidence < ABSTAIN_BELOW
    assert found.abstains
    assert "down" in (found.doubt or "")


ROUTER_WIDE = [K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU, K.AREA, K.ROUTING_DOWN]


@pytest.mark.parametrize("kind", ROUTER_WIDE, ids=str)
def test_a_mistake_at_all_of_a_router_is_named_as_the_router_s(kind: K):
    found = diagnose(seen(Fault(kind=kind, element=HUB)))
    assert named(found) == {f"{kind} at {HUB}"}
    assert found.best.confidence > ABSTAIN_BELOW


@pytest.mark.parametrize("kind", [K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU], ids=str)
def test_the_same_mistake_at_each_interface_is_the_router_s(kind: K):
    whole = Fault(kind=kind, element=HUB)
    single = [whole.model_copy(update={"element": x}) for x in interfaces(network(NOBEL), whole)]
    assert len(single) > 3
    assert named(diagnose(seen(*single))) == {str(whole)}


@pytest.mark.parametrize("kind", [K.NEIGHBOUR_MISSING, K.ACL_BLOCK], ids=str)
def test_a_mistake_at_both_ends_is_told_from_one_at_one_end(kind: K):
    circuit = "link/Berlin:Hamburg--Hamburg:Berlin"
    for element in (circuit, "interface/Berlin/Hamburg", "interface/Hamburg/Berlin"):
        assert named(diagnose(seen(Fault(kind=kind, element=element)))) == {f"{kind} at {element}"}


def test_a_wrong_area_at_one_interface_is_not_the_router_s():
    fault = Fault(kind=K.AREA, element="interface/Berlin/Hamburg")
    assert named(diagnose(seen(fault))) == {str(fault)}


def test_without_a_log_the_mistakes_that_take_a_router_s_neighbours_are_one_answer():
    best = diagnose(seen(Fault(kind=K.ACL_BLOCK, element=HUB), deaf=True)).best
    assert {best.name, *best.alike} >= {f"{kind} at {HUB}" for kind in ROUTER_WIDE}
    assert best.confidence > 0.9


def test_a_filter_at_all_of_a_router_is_alike_with_one_at_its_only_next_hop():
    fault = Fault(kind=K.DATA_ACL, element=HUB, target="node/Berlin")
    best = diagnose(seen(fault)).best
    assert str(fault) in (best.name, *best.alike)


def test_one_weight_for_all_of_a_router_is_one_mistake():
    fault = Fault(kind=K.WEIGHT, element=HUB, severity=65_535.0)
    assert named(diagnose(seen(fault))) == {str(fault)}


def in_groups(**groups: tuple[str, ...]) -> Network:
    return replace(network(NOBEL), risk_groups=tuple(RiskGroup(name, circuits) for name, circuits in groups.items()))


def test_a_conduit_that_was_cut_is_one_cause_and_part_of_one_is_its_circuits():
    cut = [x.element for x in cuts(3, seed=2)]
    declared = in_groups(duct=tuple(cut), other=tuple(x.element for x in cuts(3, seed=20)))
    conduit = Fault(kind=K.LINK_DOWN, element="risk-group/duct")
    assert named(diagnose(seen(conduit, whole=declared))) == {str(conduit)}
    assert named(diagnose(seen(*cuts(3, seed=2), whole=declared))) == {str(conduit)}
    assert named(diagnose(seen(*cuts(3, seed=2)[:2], whole=declared))) == set(map(str, cuts(3, seed=2)[:2]))


def test_a_line_card_that_is_gone_is_one_cause():
    own = tuple(x.circuit for x in network(NOBEL).links if x.tail == "Frankfurt")[:3]
    card = Fault(kind=K.DETACH, element="risk-group/card")
    assert named(diagnose(seen(card, whole=in_groups(card=own)))) == {str(card)}
