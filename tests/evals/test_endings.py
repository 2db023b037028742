"""Which endings are right is worked out by hand here, on a square of four routers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.run.request import LaterEvent
from evals.cases import surprises
from evals.cases.case import Case
from evals.cases.incident import shows, stage_incident
from evals.cases.suite import Workplace
from evals.oracle.endings import DOES, Struck, accepted, blind_to, could_be_carried, recommends
from evals.oracle.exhaustive import short_plan
from evals.oracle.traces import MOVED, recorded
from evals.suites.endings import SUITE, draw, must_act
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.harm import Harm
from twin.live.emulated import EmulatedNetwork
from twin.live.sensors import Noise
from twin.model import Link, Network, Node
from twin.plan import Change, DrainLink, SetTunnel, SetWeight, apply

K = FaultKind


def square(demand: float) -> Network:
    names = "abcd"
    nodes = tuple(Node(x, float(i), 0.0) for i, x in enumerate(names))
    pairs = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    links = tuple(Link(x, y, 100.0, 10) for one, two in pairs for x, y in ((one, two), (two, one)))
    demands = np.zeros((4, 4))
    demands[0, 2] = demand
    return Network("square", nodes, links, demands)


def struck(fault: Fault | None, harm: Harm, *, demand: float = 100.0, visible: bool = True) -> Struck:
    faults = (fault,) if fault else ()
    return Struck(square(demand), faults, faults if visible else (), harm, harm, harm, harm)


def right(*args: object, **kwargs: object):
    return accepted(struck(*args, **kwargs), limit=0.8, noise=1.0)  # pyright: ignore[reportArgumentType]


def test_a_healthy_network_is_left_alone():
    found = right(None, Harm())
    assert (found.outcomes, found.act) == (frozenset({"healthy"}), False)


def test_where_usual_traffic_harms_and_no_fault_shows_a_run_may_end_without_a_plan_and_not_as_healthy():
    hidden = Fault(kind=K.STALE_CONFIGURATION, element="node/a")
    for found in (right(None, Harm(overload=9)), right(hidden, Harm(overload=9), visible=False)):
        assert found.outcomes == {"resolved", "relieved", "needs a person", "no safe plan"}
    shown = right(Fault(kind=K.SURGE, element="node/c", severity=3.0), Harm(overload=9))
    assert "no safe plan" not in shown.outcomes


def test_a_capacity_is_contradicted_by_the_loads_of_its_own_circuit_alone():
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    live = EmulatedNetwork(square(150.0), seed=1, start=start, noise=Noise.off())
    live.wait(3)
    wrong = replace(square(150.0), links=tuple(x._replace(capacity=50.0) for x in square(150.0).links))
    telemetry = live.read_telemetry(start)
    assert recorded(wrong, telemetry, "link/a:b--b:a") > MOVED
    assert recorded(wrong, telemetry, "link/c:d--d:c") == 0  # flows of one demand went the other way
    assert recorded(square(150.0), telemetry, "link/a:b--b:a") == 0


def test_where_nobody_is_harmed_nothing_is_changed_and_what_shows_is_not_called_healthy():
    fault = Fault(kind=K.STUCK_COUNTER, element="interface/a/b")
    assert right(fault, Harm()).outcomes == {"no action needed"}
    assert right(fault, Harm(), visible=False).outcomes == {"no action needed", "healthy"}
    assert right(fault, Harm()).act is False


def test_harm_of_what_moves_no_reading_may_be_left_and_that_of_what_shows_beside_it_may_not():
    narrow, lossy = (
        Fault(kind=K.CAPACITY, element="link/a:b--b:a", severity=0.9),
        Fault(kind=K.SILENT_LOSS, element="interface/c/d", severity=0.1),
    )
    harmed, calm = right(narrow, Harm(overload=9), visible=False, demand=60.0), right(None, Harm())
    alone = blind_to(harmed, calm)
    assert (alone.outcomes, alone.act) == (harmed.outcomes | {"healthy"}, None)
    assert (alone.unknown, must_act(alone, 9.0, 1.0, searched=True)) == ({"healthy"}, None)
    beside = blind_to(harmed, right(lossy, Harm(silent=5), demand=60.0))
    assert (beside.outcomes, beside.act, beside.unknown) == (harmed.outcomes, True, frozenset())


def test_what_is_severed_is_for_a_person_and_what_could_be_carried_has_to_be():
    down = Fault(kind=K.DEVICE_DOWN, element="node/d")
    assert right(down, Harm(severed=50)).outcomes == {"needs a person"}
    lossy = Fault(kind=K.SILENT_LOSS, element="interface/a/b", severity=0.1)
    found = right(lossy, Harm(silent=5), demand=60.0)
    assert found.act is True
    assert "no action needed" not in found.outcomes


def test_without_a_routing_within_the_limits_not_acting_is_no_mistake():
    lossy = Fault(kind=K.SILENT_LOSS, element="interface/a/b", severity=0.1)
    assert right(lossy, Harm(silent=5), demand=150.0).act is None


def test_a_plan_that_gains_leaves_no_choice_where_the_flow_programme_says_nothing():
    lossy = Fault(kind=K.SILENT_LOSS, element="interface/a/b", severity=0.1)
    unsaid = right(lossy, Harm(silent=5), demand=150.0)
    assert must_act(unsaid, 4.0, 1.0, searched=False) is True
    assert must_act(unsaid, 1.5, 1.0, searched=False) is None
    said = right(lossy, Harm(silent=5), demand=60.0)
    assert [must_act(said, 0.5, 1.0, searched=x) for x in (False, True)] == [True, None]
    heals, cuts = LaterEvent(after=1, heals=lossy), LaterEvent(after=1, strikes=lossy)
    later = [surprises.accepted_with(said, x) for x in (heals, cuts)]
    assert [must_act(x, 4.0, 1.0, searched=True) for x in later] == [None, True]
    assert must_act(right(lossy, Harm()), 4.0, 1.0, searched=False) is False  # what comes later is another incident


@pytest.mark.parametrize(("demand", "fits"), [(79.0, True), (81.0, False)])
def test_what_could_be_carried_is_what_the_rest_of_the_network_holds(demand: float, fits: bool):
    lossy = Fault(kind=K.CORRUPTION, element="link/a:b--b:a", severity=0.1)
    assert could_be_carried(square(demand), (lossy,), 0.8) == fits


def test_harm_that_comes_or_goes_leaves_both_endings_right():
    fault = Fault(kind=K.LINK_DOWN, element="link/a:b--b:a")
    full, none = Harm(overload=50), Harm()
    for harm in ((full, none, none, full), (none, none, none, full)):
        found = accepted(Struck(square(60.0), (fault,), (fault,), *harm), limit=0.8, noise=1.0)
        assert {"no action needed", "resolved", "needs a person"} <= found.outcomes
        assert found.act is None
    hardly = (none, none, none, Harm(overload=0.9))
    found = accepted(Struck(square(60.0), (fault,), (fault,), *hardly), limit=0.8, noise=1.0)
    assert (found.outcomes, found.act) == ({"no action needed"}, False)


def test_every_fault_needs_its_own_recommendation_at_its_element():
    cut, dark = Fault(kind=K.LINK_DOWN, element="link/a:b--b:a"), Fault(kind=K.DEVICE_DOWN, element="node/d")
    assert recommends(square(60.0), (cut, dark), [("repair circuit", "link/a:b--b:a"), ("restore router", "node/d")])
    assert recommends(square(60.0), (cut,), [("restore interface", "interface/b/a")])
    assert not recommends(square(60.0), (cut, dark), [("repair circuit", "link/a:b--b:a")])
    assert not recommends(square(60.0), (cut,), [("repair circuit", "link/b:c--c:b")])


def test_kinds_that_no_measurement_tells_apart_end_with_either_remedy():
    attack = Fault(kind=K.WEB_DOS, element="node/d", severity=3.0)
    assert recommends(square(60.0), (attack,), [("find the senders", "node/d")])


def test_a_filter_at_the_only_next_hop_is_ended_at_its_router_and_one_of_two_is_not():
    only, either = (Fault(kind=K.DATA_ACL, element="interface/a/b", target=f"node/{x}") for x in "bc")
    assert recommends(square(60.0), (only,), [("remove filter", "node/a")])
    assert not recommends(square(60.0), (either,), [("remove filter", "node/a")])
    assert not recommends(square(60.0), (only,), [("remove filter", "node/c")])


def test_one_mistake_at_every_interface_of_a_router_is_ended_at_the_router():
    faults = tuple(Fault(kind=K.MTU, element=x) for x in ("interface/a/b", "interface/a/d"))
    assert recommends(square(60.0), faults, [("fix MTU", "node/a")])
    assert not recommends(square(60.0), faults[:1], [("fix MTU", "node/a")])
    assert not recommends(square(60.0), faults, [("fix MTU", "node/b")])


def test_what_another_fault_hides_has_not_to_be_named():
    cut = Fault(kind=K.LINK_DOWN, element="link/a:b--b:a")
    lossy = Fault(kind=K.ONE_WAY, element="interface/a/b", severity=0.5)
    both = Struck(square(60.0), (cut, lossy), (cut,), *(Harm(overload=50),) * 4)
    assert accepted(both, limit=0.8, noise=1.0).faults == (cut,)


def test_every_kind_has_something_that_a_person_does_about_it():
    assert set(DOES) == set(FaultKind)


def test_the_slice_holds_every_kind_of_fault_and_every_form_that_the_suite_has():
    kinds = {x.kind for x in SUITE.take("dev", cases=SUITE.slice)}
    assert kinds == {x.kind for x in SUITE.take("dev")}
    assert set(map(str, FaultKind)) < kinds
    assert {"physical and telemetry", "triple", "router-wide mtu_mismatch", "healthy", "surprise heal"} <= kinds
    assert len({x.network for x in SUITE.take("dev")}) >= 12
    assert {x.interval_s for x in SUITE.take("dev")} == {300.0, 60.0, 30.0}


def test_faults_of_a_pair_are_of_its_families_and_at_two_places():
    network = load_network("sndlib/polska")
    one, two = draw("physical and telemetry", network, 5)
    assert one.element != two.element
    wide = draw("router-wide mtu_mismatch", network, 5)
    assert len(wide) >= 2
    assert len({x.element.split("/")[1] for x in wide}) == 1


def test_every_short_plan_is_walked_and_only_what_the_gate_takes_is_found():
    nodes = tuple(Node(x, float(i), 0.0) for i, x in enumerate("abcd"))
    pairs = (("a", "b", 10), ("b", "d", 10), ("a", "c", 15), ("c", "d", 15))
    links = tuple(Link(x, y, 100.0, w) for one, two, w in pairs for x, y in ((one, two), (two, one)))
    demands = np.zeros((4, 4))
    demands[0, 1], demands[0, 3] = 60.0, 60.0
    live = EmulatedNetwork(Network("square", nodes, links, demands), seed=1, start=datetime(2026, 3, 2, 20, tzinfo=UTC))
    live.wait(2)
    before = live.true_harm(0.8).total
    assert before > 5
    found = short_plan(live, 0.8, towards=(), least=1.0, accepts=lambda _: True)
    assert found
    assert live.true_harm(0.8).total == before
    for mode in ("igp", "blackhole"):  # whichever of the two the gate takes under failures is found

        def takes(steps: tuple[Change, ...], mode: str = mode) -> bool:
            return all(isinstance(x, SetTunnel) and x.tunnel.on_invalid == mode for x in steps)

        steered = short_plan(live, 0.8, towards=(), least=1.0, accepts=takes)
        assert steered
        assert takes(steered)
        assert live.true_harm_after(steered, 0.8).total < before - 1
    live.apply(found[0])
    assert live.true_harm(0.8).total < before - 1
    assert short_plan(live, 0.8, towards=(), least=1.0, accepts=lambda _: False) == ()


@pytest.mark.parametrize("kind", surprises.KINDS)
def test_what_happens_later_is_drawn_elsewhere_and_always_alike(kind: str):
    network = load_network("sndlib/polska")
    (fault,) = draw(kind, network, 7)
    event = surprises.draw_later(kind, network, fault, 7)
    assert event == surprises.draw_later(kind, network, fault, 7)
    assert [event.strikes is not None, event.heals == fault, event.others is not None].count(True) == 1
    assert fault.element not in str(event.strikes)
    assert kind in {x.kind for x in SUITE.take("dev")}


def test_only_what_a_run_can_have_seen_has_to_be_told_and_what_healed_has_not():
    fault, began = Fault(kind=K.LINK_DOWN, element="link/a:b--b:a"), datetime(2026, 3, 2, 20, tzinfo=UTC)
    cut = Fault(kind=K.LINK_DOWN, element="link/c:d--d:c")

    def told(event: LaterEvent, samples: int) -> tuple[Fault, ...]:
        return surprises.to_be_told((fault,), event, began, began + samples * timedelta(minutes=1), 60.0)

    assert told(LaterEvent(after=2, strikes=cut), 3) == (fault,)
    assert told(LaterEvent(after=2, strikes=cut), 4) == (fault, cut)
    assert told(LaterEvent(after=2, heals=fault), 1) == (fault,)
    assert told(LaterEvent(after=2, heals=fault), 2) == ()
    right = accepted(struck(fault, Harm(overload=50)), limit=0.8, noise=1.0)
    assert "healthy" not in surprises.accepted_with(right, LaterEvent(after=1, strikes=cut)).outcomes
    assert {"healthy", "resolved"} <= surprises.accepted_with(right, LaterEvent(after=1, heals=fault)).outcomes


def test_what_others_configured_is_still_so_or_not():
    drained = LaterEvent(after=1, others=DrainLink(circuit="link/a:b--b:a"))
    heavier = LaterEvent(after=1, others=SetWeight(link="a->b", weight=70))
    for event in (drained, heavier):
        assert not surprises.still_configured(square(10.0), event)
        assert event.others is not None
        assert surprises.still_configured(apply(square(10.0), event.others), event)


@pytest.mark.parametrize(("lost", "seen"), [(0.01, False), (0.95, True)])
def test_a_capacity_that_no_load_comes_near_moves_no_reading(lost: float, seen: bool, tmp_path: Path):
    network = load_network("sndlib/abilene")
    fault = Fault(kind=K.CAPACITY, element=network.links[0].circuit, severity=lost)
    case = Case(suite="incident", kind="written", network=network.name, seed=3, split="dev", faults=(fault,))
    incident = stage_incident(case, Workplace(tmp_path, tmp_path))
    assert shows(incident, fault) is seen
