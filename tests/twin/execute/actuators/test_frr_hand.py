"""A hand over SSH to a real FRR: typed on trial, read back, kept; and typed back by the router when nobody keeps it."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.twin.execute.actuators.servers import Server, frr_server
from tests.twin.execute.actuators.test_netconf_hand import NAMES, look, network
from twin.errors import ExecutionError
from twin.execute.actuators.acting import ActingNetwork
from twin.execute.actuators.hand import Order, RouterState
from twin.execute.actuators.made import MadeByHand
from twin.execute.actuators.ssh import FrrHand
from twin.execute.render import Inventory
from twin.execute.routers import Routers
from twin.plan import DrainNode, SetWeight, UndrainNode

KNOWN = Inventory(NAMES, Routers(dialect="frr", process="core"))


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Generator[FrrHand]:
    with frr_server(tmp_path_factory.mktemp("frr"), dict.fromkeys(NAMES.values(), 10)) as (server, vtysh):
        yield hand_of(server, vtysh)


def hand_of(server: Server, vtysh: str) -> FrrHand:
    return FrrHand(server.access(dict.fromkeys("ABC", f"127.0.0.1:{server.port}")), "isis", 2, vtysh)


def acting(hand: FrrHand, folder: Path, trial_s: int = 30) -> ActingNetwork:
    return ActingNetwork(look, hand, KNOWN, MadeByHand(folder), trial_s=trial_s)


def test_weights_and_overload_bits_are_typed_read_back_and_kept(hand: FrrHand, tmp_path: Path) -> None:
    live = acting(hand, tmp_path)
    for change in (SetWeight(link="A->B", weight=33), DrainNode(node="B"), UndrainNode(node="B")):
        live.apply(change)
        live.confirm_change()
        after = live.read_topology()
        if not isinstance(change, DrainNode):  # one FRR plays all three routers here, and is overloaded as a whole
            assert live.read_router(after.nodes[0].name).network == after
    for change in (SetWeight(link="A->B", weight=10), DrainNode(node="A", mode="cost_out"), UndrainNode(node="A")):
        live.apply(change)
        live.confirm_change()
        all_of_it = {"a-b": 16_777_214, "a-c": 16_777_214} if isinstance(change, DrainNode) else {"a-b": 10, "a-c": 10}
        assert hand.read("A", ["a-b", "a-c"]).metrics == all_of_it
    assert live.drift() == ((), ())
    assert live.read_topology() == network()


def test_what_is_not_kept_is_typed_back_by_the_router_itself(hand: FrrHand, tmp_path: Path) -> None:
    acting(hand, tmp_path, trial_s=8).apply(SetWeight(link="A->C", weight=71))  # which has read 71 back itself
    end = time.monotonic() + 60
    while hand.read("A", ["a-c"]).metrics != {"a-c": 10} and time.monotonic() < end:
        time.sleep(0.3)
    live = acting(hand, tmp_path)
    assert live.read_topology() == network()
    with pytest.raises(ExecutionError, match="did not stay"):
        live.confirm_change()
    live.apply(SetWeight(link="A->C", weight=72))
    live.apply(SetWeight(link="A->C", weight=10))  # its undoing ends the trial at once
    assert live.drift() == ((), ())


def test_a_line_that_frr_does_not_know_is_refused_in_the_rehearsal(hand: FrrHand) -> None:
    state = RouterState({"a-b": 10})
    good = Order("A", state, state, ("configure terminal", "interface a-b", " isis metric level-2 12", "end"), ())
    hand.rehearse(good)
    with pytest.raises(ExecutionError, match="says no"):
        hand.rehearse(good._replace(lines=("configure terminal", "interface a-b", " isis metrics 12", "end")))
    assert hand.read("A", ["a-b"]).metrics == {"a-b": 10}
