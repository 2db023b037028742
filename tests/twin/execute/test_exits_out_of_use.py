"""A state in which an exit is out of use is the live one while its router has no route, whatever light it has."""

from dataclasses import replace

import pytest

from tests.twin.live.beyond_exits import EVER, FIRST, NETWORK, OUT, START, WAYLESS
from twin.diagnose.likelihood import planned
from twin.errors import ExecutionError
from twin.execute.actions import Unwritten, actions_of
from twin.execute.deviation import Baseline, news, states
from twin.execute.preflight import find
from twin.execute.running import read_running
from twin.faults import ENDED, HANGS, Fault, FaultKind, with_fault
from twin.live.emulated import EmulatedNetwork
from twin.observe import observe
from twin.observe.alarms.symptoms import find_symptoms
from twin.plan import DrainLink, SetWeight, UndrainLink, apply
from twin.sim.simulate import simulate


def diagnosed(fault):
    """A network that a fault has struck, what is seen of it, and the state that the right diagnosis makes of that."""
    live = EmulatedNetwork(NETWORK, seed=5, start=START)
    live.wait(4)
    live.inject(fault)
    live.wait(3)
    seen = observe(NETWORK, live.read_telemetry(EVER))
    return live, seen, planned(seen, (fault,))


@pytest.mark.parametrize("kind", [*OUT, FaultKind.BGP_NEXT_HOP])
def test_the_live_network_is_in_the_diagnosed_state_until_the_routes_are_back(kind):
    fault = Fault(kind=kind, element=FIRST)
    live, seen, believed = diagnosed(fault)
    assert states(replace(seen, network=believed)) is None
    assert not find(believed, live, replace(seen, network=believed), NETWORK).moved
    live.clear(live.faults[0])
    live.wait(3)
    back = replace(observe(NETWORK, live.read_telemetry(EVER)), network=believed)
    found = states(back)
    assert found is not None
    assert found.element == NETWORK.links[NETWORK.link(FIRST)].circuit
    assert find(believed, live, back, NETWORK).moved


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(kind=x, element=FIRST) for x in (*OUT, FaultKind.BGP_NEXT_HOP)),
        *(
            Fault(kind=FaultKind.BGP_PROCESS, element=f"node/{NETWORK.links[NETWORK.link(FIRST)].tail}", severity=x)
            for x in (ENDED, HANGS)
        ),
    ],
    ids=str,
)
def test_a_plan_is_made_for_the_loads_that_the_fault_leaves_those_by_its_own_router_too(fault):
    live, seen, believed = diagnosed(fault)
    assert simulate(believed).load == pytest.approx(simulate(with_fault(seen.network, fault)).load)
    assert [x.drained for x in believed.links] == [x.drained for x in NETWORK.links]
    assert states(replace(seen, network=believed)) is None
    assert not find(believed, live, replace(seen, network=believed), NETWORK).moved


@pytest.mark.parametrize("preference", [50, 200])
def test_an_exit_that_is_preferred_wrongly_moves_what_is_believed_of_all_exits_and_no_router_says_otherwise(preference):
    fault = Fault(kind=FaultKind.BGP_PREFERENCE, element=FIRST, severity=preference)
    live, seen, believed = diagnosed(fault)
    assert believed.links != NETWORK.links
    found = find(believed, live, replace(seen, network=believed), NETWORK)
    assert (found.foreign, found.moved) == ((), False)


def test_nobody_is_asked_for_what_lies_beyond_the_exits_and_nobody_is_missed_there():
    live = EmulatedNetwork(NETWORK, seed=5, start=START)
    with pytest.raises(ExecutionError, match="internet does not answer"):
        live.read_router("internet")
    running = read_running(live, NETWORK)
    assert running is not None
    assert (running.unread, running.network) == ((), NETWORK)


@pytest.mark.parametrize("change", [DrainLink, UndrainLink])
def test_a_hand_is_told_in_words_what_to_do_at_an_exit_and_sets_no_metric_there(change):
    link = NETWORK.links[NETWORK.link(FIRST)]
    told = actions_of(NETWORK, change(circuit=link.circuit), "isis")
    assert isinstance(told, Unwritten)
    assert f"at {link.tail}" in told.because
    assert "in BGP" in told.because
    assert isinstance(actions_of(NETWORK, SetWeight(link=link.name, weight=2), "isis"), Unwritten)
    drained = apply(NETWORK, DrainLink(circuit=NETWORK.links[0].circuit))
    inner = NETWORK if change is DrainLink else drained
    assert not isinstance(actions_of(inner, change(circuit=NETWORK.links[0].circuit), "isis"), Unwritten)


@pytest.mark.parametrize("kind", WAYLESS)
def test_an_exit_that_loses_its_routes_on_the_way_of_a_plan_is_news_once(kind):
    live = EmulatedNetwork(NETWORK, seed=5, start=START)
    live.wait(6)
    quiet = observe(NETWORK, live.read_telemetry(EVER))
    before = Baseline(1.0, 1.0, frozenset((x.kind, x.element) for x in find_symptoms(quiet)), {}, frozenset())
    assert news(quiet, before) is None
    live.inject(Fault(kind=kind, element=FIRST))
    live.wait(3)
    seen = observe(NETWORK, live.read_telemetry(EVER))
    found = news(seen, before)
    assert found is not None
    assert (found.what, found.element) == ("routes", FIRST)
    assert str(found).endswith("predicted one, observed none")
    logged = frozenset((x.kind, x.element) for x in seen.events)
    known = before._replace(symptoms=before.symptoms | {("no_routes", FIRST)}, logged=logged)
    assert news(seen, known) is None
