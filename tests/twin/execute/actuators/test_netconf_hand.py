"""A hand over a real NETCONF server: made on trial, read back, kept; taken back when its process is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.twin.execute.actuators.servers import METRIC, Server, jump_host, netconf_server
from twin.errors import ExecutionError, InputError
from twin.execute.actuators.acting import ActingNetwork
from twin.execute.actuators.made import MadeByHand
from twin.execute.actuators.netconf import NetconfHand
from twin.execute.render import Inventory
from twin.execute.routers import Routers
from twin.live.files import Look
from twin.live.network import (
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from twin.model import Link, Network, Node
from twin.plan import DrainLink, SetWeight, UndrainLink

NAMES = {"A->B": "a-b", "B->A": "b-a", "B->C": "b-c", "C->B": "c-b", "A->C": "a-c", "C->A": "c-a"}
KNOWN = Inventory(NAMES, Routers(dialect="junos"))


def network() -> Network:
    links = tuple(Link(x[0], x[3], 1000.0, 10) for x in NAMES)
    return Network("three", tuple(Node(x, 0.0, 0.0) for x in "ABC"), links, np.full((3, 3), 90.0) * (1 - np.eye(3)))


def look() -> Look:
    no, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    never = np.zeros(0, dtype=np.bool_)
    telemetry = Telemetry(
        LinkSamples(no, none, no, no, no, never), NodeSamples(no, none, never), ProbeSamples(no, none, none, no, no),
        TrafficSamples(no, none, none, no), (), InterfaceSamples(no, none, no, never),
        FlowSamples(no, none, none, no, no),
    )  # fmt: skip
    return Look(network(), telemetry, datetime.now(UTC))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with netconf_server(tmp_path_factory.mktemp("nc"), dict.fromkeys(NAMES.values(), 10)) as running:
        yield running


def acting(server: Server, folder: Path, *, trial_s: int = 30, others: dict[str, str] | None = None) -> ActingNetwork:
    here = dict.fromkeys("ABC", f"127.0.0.1:{server.port}") | (others or {})
    hand = NetconfHand(server.access(here), METRIC)
    return ActingNetwork(look, hand, KNOWN, MadeByHand(folder), trial_s=trial_s)


def runs(live: ActingNetwork, link: str) -> int:
    found = live.read_router(link[0]).network
    return found.links[found.link(link)].weight


def test_a_change_is_in_running_on_trial_and_stays_once_it_is_kept(server: Server, tmp_path: Path) -> None:
    live = acting(server, tmp_path)
    assert live.read_telemetry(live.now).declared.makes == NetconfHand(server.access({}), METRIC).makes
    live.apply(SetWeight(link="A->B", weight=33))
    assert runs(live, "A->B") == 33
    with pytest.raises(ExecutionError, match="still on trial"):
        live.apply(SetWeight(link="B->C", weight=9))
    live.confirm_change()
    assert acting(server, tmp_path).read_topology().links[0].weight == 33
    live.apply(SetWeight(link="A->B", weight=10))
    live.confirm_change()
    assert runs(live, "A->B") == 10
    assert live.read_topology() == network()


def test_a_router_behind_a_jump_host_is_changed_through_it(server: Server, tmp_path: Path) -> None:
    with jump_host(tmp_path / "jump", server) as jump:
        here = dict.fromkeys("ABC", f"127.0.0.1:{server.port}")
        hand = NetconfHand(server.access(here)._replace(jump=jump), METRIC)
        live = ActingNetwork(look, hand, KNOWN, MadeByHand(tmp_path), trial_s=30)
        live.apply(SetWeight(link="A->B", weight=33))
        assert runs(live, "A->B") == 33
        live.apply(SetWeight(link="A->B", weight=10))  # it ends the trial
        assert runs(live, "A->B") == 10
        hand.close()


def test_undoing_a_change_on_trial_cancels_it_at_once(server: Server, tmp_path: Path) -> None:
    live = acting(server, tmp_path)
    live.apply(SetWeight(link="A->C", weight=44))
    live.apply(SetWeight(link="A->C", weight=10))
    assert runs(live, "A->C") == 10
    assert live.read_topology() == network()
    live.confirm_change()  # nothing waits


def test_a_router_that_runs_something_else_takes_no_change_and_is_named_as_drift(
    server: Server, tmp_path: Path
) -> None:
    live, other = acting(server, tmp_path / "one"), acting(server, tmp_path / "other")
    other.apply(SetWeight(link="B->A", weight=70))
    other.confirm_change()
    found, silent = live.drift()
    assert [(x.item.element, x.expected, x.found) for x in found] == [("interface/B/A", 10, 70)]
    assert silent == ()
    with pytest.raises(ExecutionError, match="not run what is on record"):
        live.apply(SetWeight(link="B->A", weight=20))
    assert runs(live, "B->A") == 70
    other.apply(SetWeight(link="B->A", weight=10))
    other.confirm_change()


def test_what_one_of_two_routers_refuses_is_made_at_neither(server: Server, tmp_path: Path) -> None:
    live = acting(server, tmp_path)  # both are one server, which takes one confirmed commit at a time
    with pytest.raises(ExecutionError, match="says no"):
        live.apply(DrainLink(circuit=network().links[0].circuit))
    assert live.read_topology() == network()
    assert {runs(live, x) for x in NAMES} == {10}
    assert live.drift() == ((), ())


def test_a_circuit_is_drained_at_both_its_routers_and_given_back(server: Server, tmp_path: Path) -> None:
    with netconf_server(tmp_path / "b", {"b-a": 10, "b-c": 10}) as second:
        (server.folder / "known_hosts").write_text(
            (server.folder / "known_hosts").read_text() + (second.folder / "known_hosts").read_text()
        )
        with (second.folder / "authorized_keys").open("a") as keys:
            keys.write((server.folder / "client.pub").read_text())
        live = acting(server, tmp_path, others={"B": f"127.0.0.1:{second.port}"})
        circuit = network().links[0].circuit
        live.apply(DrainLink(circuit=circuit))
        assert live.read_router("A").network.links[0].drained
        assert live.read_router("B").network.links[1].drained
        live.confirm_change()
        live.apply(UndrainLink(circuit=circuit))
        live.confirm_change()
        assert live.drift() == ((), ())


CHILD = """
import os, signal, sys, time
from pathlib import Path
from tests.twin.execute.actuators.servers import Server
from tests.twin.execute.actuators.test_netconf_hand import acting, runs
from twin.plan import SetWeight
folder, port, record, kept, trial = sys.argv[1:]
live = acting(Server(Path(folder), int(port), []), Path(record), trial_s=int(trial))
live.apply(SetWeight(link="C->A", weight=55))
if kept == "kept":
    live._hand.keep("C", __import__("twin.execute.actuators.made", fromlist=["x"]).token_of(live._trial.effect))
print(runs(live, "C->A"), flush=True)
time.sleep(60)
"""


def killed(server: Server, record: Path, *, kept: str, trial_s: int) -> None:
    words = [sys.executable, "-c", CHILD, str(server.folder), str(server.port), str(record), kept, str(trial_s)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"55\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_what_a_killed_process_had_on_trial_takes_itself_back_though_nobody_comes(
    server: Server, tmp_path: Path
) -> None:
    killed(server, tmp_path, kept="no", trial_s=8)  # which read 55 itself: a busy machine may take seconds to come here
    live, end = acting(server, tmp_path), time.monotonic() + 60
    while runs(live, "C->A") != 10:
        assert time.monotonic() < end, "the router never took it back"
        time.sleep(3)  # the server looks at its timer only when nobody asks
    assert live.read_topology() == network()
    with pytest.raises(ExecutionError, match="did not stay"):
        live.confirm_change()
    assert live.drift() == ((), ())


def test_whoever_acts_next_ends_the_trial_of_a_killed_process_as_the_router_says(
    server: Server, tmp_path: Path
) -> None:
    killed(server, tmp_path, kept="kept", trial_s=60)
    live = acting(server, tmp_path)
    live.apply(SetWeight(link="B->C", weight=12))  # and is left on trial, as by a process that is gone
    assert (runs(live, "C->A"), runs(live, "B->C")) == (55, 12)
    live = acting(server, tmp_path)
    live.apply(SetWeight(link="C->A", weight=10))
    assert (runs(live, "C->A"), runs(live, "B->C")) == (10, 10)
    live.confirm_change()
    assert live.drift() == ((), ())


def test_a_router_that_is_not_known_is_not_spoken_to(server: Server, tmp_path: Path) -> None:
    known = server.folder / "known_hosts"
    text = known.read_text()
    try:
        known.write_text(text.replace("127.0.0.1", "127.0.0.9"))
        with pytest.raises(ExecutionError, match="has no key of"):
            acting(server, tmp_path).read_router("A")
    finally:
        known.write_text(text)
    with pytest.raises(InputError, match="not known: the interface of A->B"):
        ActingNetwork(
            look, NetconfHand(server.access({}), METRIC), Inventory({}, Routers()), MadeByHand(tmp_path), trial_s=9
        ).apply(SetWeight(link="A->B", weight=3))
