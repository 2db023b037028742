"""What daemons print and take, without any daemon: configurations, logs, samples, the vty's line protocol."""

import json
import math
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.square import square
from twin.errors import ExecutionError, InputError
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.load import load_network
from twin.formats.provision import in_small
from twin.live.effects import EffectRecord
from twin.live.lab.bgp import DISCARD, read_claims, read_path
from twin.live.lab.exits import stubs_of
from twin.live.lab.frr import adjacent_devices, by_process_first, igp_configuration, read_configuration
from twin.live.lab.layout import Igp, design_of, routers_of
from twin.live.lab.lies import missing, scaled, stuck, swapped
from twin.live.lab.logs import LogFiles, read_line
from twin.live.lab.polling import decode, encode
from twin.live.lab.vty import Vty
from twin.live.network import Event
from twin.live.peerings import NOBODY, REASONS, PeeringSamples, claimants
from twin.live.sensors import Sample
from twin.model import Link, Network, Node
from twin.observe.readings.syslog import read_events
from twin.plan import SetWeight


def _network(*names: str, weight: int = 10) -> Network:
    pairs = list(zip(names, (*names[1:], names[0]), strict=True))
    links = [Link(a, b, 10.0, weight) for x, y in pairs for a, b in ((x, y), (y, x))]
    nodes = tuple(Node(x, 0.0, 0.0) for x in names)
    return Network("ring", nodes, tuple(links), np.zeros((len(names), len(names))))


def test_every_router_has_an_address_and_every_circuit_a_pair_of_them() -> None:
    routers = routers_of(design_of(_network("A", "B", "C"), name="x", igp="isis", seed=1))
    loopbacks = [x.loopback for x in routers.values()]
    assert loopbacks == ["10.255.0.1", "10.255.0.2", "10.255.0.3"]
    addresses = [port.address for x in routers.values() for port in x.ports]
    assert len(set(addresses)) == 6
    for router in routers.values():
        for port in router.ports:
            far = [x for x in routers[port.peer].ports if x.device == port.peer_device]
            assert [(x.peer, x.peer_device) for x in far] == [(router.name, port.device)]


@pytest.mark.parametrize("name", ["all", "lo", "a-name-longer-than-fifteen", "Zürich", "R+1"])
def test_a_neighbour_whose_name_no_interface_can_have_gets_a_number(name: str) -> None:
    routers = routers_of(design_of(_network("A", name, "C"), name="x", igp="isis", seed=1))
    device = next(port.device for port in routers["A"].ports if port.peer == name)
    assert device.isascii()
    assert len(device) <= 15
    assert device not in ("all", "lo")


def test_a_metric_that_the_protocol_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="more than ospf takes"):
        design_of(_network("A", "B", "C", weight=70_000), name="x", igp="ospf", seed=1)


def test_isis_is_told_of_wide_metrics_before_the_first_metric_and_of_its_name_last() -> None:
    design = design_of(_network("A", "B", "C"), name="x", igp="isis", seed=1)
    lines = igp_configuration(design, routers_of(design)["A"], "/run/lab/A").splitlines()
    at = {
        word: next(i for i, x in enumerate(lines) if x.strip().startswith(word))
        for word in ("metric-style", "lsp-timers", "net ", "isis metric")
    }
    assert at["metric-style"] < at["lsp-timers"] < at["net "] < at["isis metric"]


ISIS = """
Current configuration:
!
frr version 8.4.4
hostname A
!
interface B
 ip router isis core
 isis metric 77
exit
!
interface C
 ip router isis core
exit
!
router isis core
 is-type level-2-only
 net 49.0001.0000.0000.0001.00
 metric-style wide
 set-overload-bit
exit
!
end
"""


def test_a_running_configuration_says_metrics_and_overload_and_the_default_where_nothing_is_said() -> None:
    said = read_configuration("isis", ISIS, ("B", "C"))
    assert said.weights == {"B": 77, "C": 10}
    assert said.overloaded
    assert not read_configuration("isis", ISIS.replace(" set-overload-bit\n", ""), ("B", "C")).overloaded


@pytest.mark.parametrize(
    ("igp", "was", "now", "what"),
    [
        ("isis", " isis hello-interval 1\n", " isis hello-interval 1\n isis passive\n", "routing"),
        ("isis", " ip router isis core\n", "", "routing"),
        ("isis", " isis hello-interval 1\n", " isis hello-interval 1\n isis password md5 other\n", "routing"),
        ("ospf", " ip ospf area 0\n", " ip ospf area 1\n", "area"),
        ("ospf", " ip ospf area 0\n", "", "routing"),
        ("ospf", " ip ospf hello-interval 1\n", " ip ospf hello-interval 3\n", "routing"),
        ("ospf", " ip ospf area 0\n", " ip ospf area 0\n ip ospf authentication message-digest\n", "routing"),
    ],
)
def test_an_interface_that_is_configured_otherwise_than_all_others_is_told_apart(
    igp: Igp, was: str, now: str, what: str
) -> None:
    design = design_of(_network("A", "B", "C"), name="x", igp=igp, seed=1)
    router = routers_of(design)["A"]
    text, devices = igp_configuration(design, router, "/run/x"), tuple(x.device for x in router.ports)
    assert read_configuration(igp, text, devices).mismatches == {}
    assert was in text
    first = router.ports[0].device
    head, _, rest = text.partition(f"interface {first}\n")
    found = read_configuration(igp, f"{head}interface {first}\n{rest.replace(was, now, 1)}", devices)
    assert found.mismatches == {first: what}


def test_a_saved_configuration_is_turned_so_that_the_daemon_can_start_with_it() -> None:
    lines = by_process_first("isis", ISIS).splitlines()
    assert lines.index(" metric-style wide") < lines.index(" net 49.0001.0000.0000.0001.00")
    assert lines.index("exit") < lines.index("interface B")
    assert read_configuration("isis", "\n".join(lines), ("B", "C")) == read_configuration("isis", ISIS, ("B", "C"))


@given(st.text(max_size=300))
def test_whatever_a_daemon_answers_nothing_is_adjacent_that_it_does_not_name(text: str) -> None:
    assert adjacent_devices("isis", text) == frozenset()
    assert adjacent_devices("ospf", text) == frozenset()


def test_neighbours_are_read_from_the_json_of_both_protocols() -> None:
    isis = {"areas": [{"circuits": [{"interface": "B", "state": "Up"}, {"interface": "C", "state": "Initializing"}]}]}
    ospf = {
        "neighbors": {
            "10.255.0.2": [{"nbrState": "Full/-", "ifaceName": "B:10.64.0.0"}],
            "10.255.0.3": [{"nbrState": "ExStart/-", "ifaceName": "C:10.64.0.2"}],
        }
    }
    assert adjacent_devices("isis", json.dumps(isis)) == {"B"}
    assert adjacent_devices("ospf", json.dumps(ospf)) == {"B"}


LINES = {
    "ISIS: [Q7SVW-YVKRH] %ADJCHANGE: Adjacency to 0000.0000.0002 (B) for level-2 changed from Up to Down, "
    "holding time expired": ("neighbour_timeout", "interface/A/B"),
    "ISIS: [Q7SVW-YVKRH] %ADJCHANGE: Adjacency to B (B) for level-2 changed from Up to Down, "
    "circuit is being brought down": ("neighbour_down", "interface/A/B"),
    "ISIS: [Q7SVW-YVKRH] %ADJCHANGE: Adjacency to B (B) for level-2 changed from Initializing to Up, unspecified": (
        "neighbour_up",
        "interface/A/B",
    ),
    "OSPF: [Y05P2-YJVXY] AdjChg: Nbr 10.255.0.2, NbrIP 10.64.0.1 (default) on B:10.64.0.0: Full -> Deleted (KillNbr)": (
        "neighbour_down",
        "interface/A/B",
    ),
    "OSPF: [Y05P2-YJVXY] AdjChg: Nbr 10.255.0.2, NbrIP 10.64.0.1 (default) on B:10.64.0.0: "
    "Full -> Init (1-WayReceived)": ("neighbour_one_way", "interface/A/B"),
    "OSPF: [XZZ9Y-NNTMQ][EC 134217741] Packet[DD]: Neighbor 10.255.0.2 MTU 1500 is larger than "
    "[B:10.64.0.0]'s MTU 600": (
        "mtu_refused",
        "interface/A/B",
    ),
    "OSPF: [HM9XG-ZNDRK][EC 134217741] interface B:10.64.0.1: ospf_read invalid Area ID 0.0.0.1": (
        "area_refused",
        "interface/A/B",
    ),
    "ZEBRA: [N5M5Y-J5BPG][EC 4043309121] client 24 disconnected 5 isis routes removed from the rib": (
        "process_ended",
        "node/A",
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_daemons_log_becomes_a_fact_with_the_time_it_says(line: str) -> None:
    event = read_line("A", f"2026/11/29 15:23:59.748 {line}")
    assert event is not None
    assert math.isclose(event.time, 1795965839.748)
    (fact,) = read_events(_network("A", "B", "C"), [event])
    assert (fact.kind, fact.element) == LINES[line]


@given(st.text(max_size=200))
def test_any_other_line_is_no_event_or_an_event_without_a_fact(line: str) -> None:
    event = read_line("A", line)
    assert event is None or read_events(_network("A", "B", "C"), [event]) == ()


def test_logs_are_read_as_they_grow_and_half_a_line_waits(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    file = tmp_path / "A" / "isisd.log"
    file.write_text("2026/11/29 15:23:59.748 ISIS: one (p3) there\n2026/11/29 15:24:00 ISIS: tw")
    logs = LogFiles(tmp_path, {"A": {"p3": "Zürich"}})
    assert [x.message for x in logs.new()] == ["ISIS: one (Zürich) there"]
    with file.open("a") as more:
        more.write("o\nrubbish\n")
    assert [x.message for x in logs.new()] == ["ISIS: two"]
    assert logs.new() == []
    assert isinstance(logs.new(), list)


def _sample(values: list[float]) -> Sample:
    rates, flags = np.array(values), np.array([x > 0 for x in values])
    return Sample(1795965839.5, rates, rates, rates, flags, flags, rates, rates, rates, rates, flags, rates)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=6))
def test_a_sample_is_read_as_it_was_written(values: list[float]) -> None:
    written, link = _sample(values), np.arange(len(values))
    said, at = np.array(values), np.full(len(values), written.time)
    peerings = PeeringSamples(at, link, said, link % len(REASONS), said, said, said, said, said, said, link)
    read = decode(encode(written))
    assert read.peerings is None
    for one, other in zip(written[:-1], read[:-1], strict=True):
        assert np.allclose(one, other, atol=1e-6, equal_nan=True)
    read = decode(encode(written._replace(peerings=peerings)))
    assert read.peerings is not None
    for one, other in zip(peerings, read.peerings, strict=True):
        assert one.dtype == other.dtype
        assert np.allclose(one, other, atol=1e-6, equal_nan=True)


def _told(peer: str, *hops: dict[str, object]) -> str:
    return json.dumps({"paths": [{"peer": {"peerId": "10.255.0.9"}}, {"peer": {"peerId": peer}, "nexthops": hops}]})


@pytest.mark.parametrize(
    ("text", "reachable", "discards"),
    [
        (_told("10.255.0.2", {"ip": "10.255.0.2", "accessible": True}), True, False),
        (_told("10.255.0.2", {"ip": "10.64.0.13", "accessible": False}), False, False),
        (_told("10.255.0.2", {"ip": DISCARD, "accessible": True}), True, True),
        (_told("10.255.0.3", {"ip": "10.255.0.3", "accessible": True}), None, None),
        ("", None, None),
        ("no json", None, None),
        ("[]", None, None),
    ],
)
def test_another_router_says_whether_it_can_use_the_path_by_an_exit(
    text: str, reachable: bool | None, discards: bool | None
) -> None:
    assert read_path(text, "10.255.0.2") == (reachable, discards)


def test_the_whole_table_of_a_router_says_who_else_announces_a_group() -> None:
    network = with_drawn_exits(load_network("synthetic/8-3"), seed=1, capacity=10.0)
    design = design_of(in_small(network, capacity=10.0, peak_utilisation=0.5), name="told", igp="isis", seed=1)
    routers = routers_of(design)
    stubs = stubs_of(design, routers)
    inventory = design.inventory
    transit = next(x for x in stubs if x.outer.router == "R6")  # without an exit of content
    content = next(x for x in stubs if x.group == "content")
    prefix = f"{content.prefixes[0]}/24"

    def path(peer: str, numbers: str) -> dict[str, object]:
        return {"peerId": peer, "path": numbers}

    def told(*paths: dict[str, object], at: str = prefix, witness: str = "R1") -> int:
        true = [path(routers[x.outer.router].loopback, f"{x.number}") for x in stubs if x.group == "content"]
        table = {prefix: true, f"{transit.prefixes[0]}/24": [], "0.0.0.0/0": [path("10.9.9.9", "1")], "junk": []}
        table[at] = [*table.get(at, []), *paths]
        return read_claims(json.dumps({"routes": table}), witness, stubs, routers, inventory)["content"]

    assert told() == NOBODY
    outside, inside = path(routers["R6"].loopback, f"{transit.number}"), path(routers["R2"].loopback, "")
    assert claimants(inventory)[told(outside)] == "R6->transit"
    assert claimants(inventory)[told(path(transit.port.address, f"{transit.number}"), witness="R6")] == "R6->transit"
    assert claimants(inventory)[told(inside)] == "node/R2"
    assert claimants(inventory)[told(path("(unspec)", ""), witness="R5")] == "node/R5"
    assert claimants(inventory)[told(inside, at=f"{content.prefixes[0]}/25")] == "node/R2"
    assert told(path("10.9.9.9", "64999"), path(routers["R6"].loopback, "64999")) == NOBODY  # not ours to say
    assert [read_claims(x, "R1", stubs, routers, inventory) for x in ("", "no json", "[]", '{"routes": []}')] == [
        {}
    ] * 4


def test_counters_can_lie_in_four_ways() -> None:
    first, later = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
    lie = stuck([1])
    assert [lie(first)[1], lie(first)[1], lie(first)[1]] == [2.0, 2.0, 2.0]
    assert list(lie(later)) == [10.0, 2.0, 30.0]
    assert list(scaled([0], 0.5)(later)) == [5.0, 20.0, 30.0]
    assert list(swapped(0, 2)(later)) == [30.0, 20.0, 10.0]
    assert np.isnan(missing([2], 1.0, 1)(later)[2])
    assert list(later) == [10.0, 20.0, 30.0]


def _daemon(path: Path, answers: dict[str, bytes]) -> threading.Thread:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        with server, server.accept()[0] as one:
            pending = b""
            while part := one.recv(4096):
                pending += part
                while b"\0" in pending:
                    command, _, pending = pending.partition(b"\0")
                    answer = answers.get(command.decode(), b"\0\0\0\0")
                    if answer == b"hang up":
                        return
                    for byte in (answer[:3], answer[3:]):  # in pieces, as a busy daemon writes
                        one.sendall(byte)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_a_refused_line_names_the_line_and_what_the_daemon_said(tmp_path: Path) -> None:
    _daemon(tmp_path / "isisd.vty", {"isis metric 99999999": b"% value out of range\n\0\0\0\x02"})
    with Vty(tmp_path / "isisd.vty") as vty, pytest.raises(ExecutionError, match="value out of range"):
        vty.configure(["interface B", "isis metric 99999999"])


def test_a_daemon_that_hangs_up_or_says_nothing_is_an_error_in_time(tmp_path: Path) -> None:
    _daemon(tmp_path / "isisd.vty", {"show": b"hang up", "wait": b"no end"})
    with Vty(tmp_path / "isisd.vty") as vty, pytest.raises(ExecutionError, match="hung up"):
        vty.show("show")
    _daemon(tmp_path / "ospfd.vty", {"wait": b"no end"})
    with Vty(tmp_path / "ospfd.vty", timeout_s=0.2) as vty, pytest.raises(ExecutionError, match="does not answer"):
        vty.show("wait")
    with pytest.raises(ExecutionError, match="zebra of"):
        Vty(tmp_path / "zebra.vty")


def test_text_with_zeros_inside_is_one_answer(tmp_path: Path) -> None:
    _daemon(tmp_path / "isisd.vty", {"show": b"a b\0\0\0\0"})
    with Vty(tmp_path / "isisd.vty") as vty:
        assert vty.show("show") == "a b"


def test_an_effect_is_open_from_its_intent_to_its_outcome_also_for_whoever_comes_next(tmp_path: Path) -> None:
    now, path = datetime(2026, 3, 2, tzinfo=UTC), tmp_path / "effects.jsonl"
    record = EffectRecord.open(path)
    one, two = SetWeight(link="A->B", weight=3), SetWeight(link="B->A", weight=4)
    record.confirm(record.intend(one, now), "read back", now)
    record.intend(two, now)
    again = EffectRecord.open(path)
    assert [x.change for x in again.made] == [one]
    assert again.open_effect is not None
    assert again.open_effect.change == two
    again.deny(2, "found not in force", now)
    assert EffectRecord.open(path).open_effect is None
    assert [x.change for x in EffectRecord.open(path).made] == [one]


def test_half_a_line_of_a_killed_writer_never_happened(tmp_path: Path) -> None:
    now, path = datetime(2026, 3, 2, tzinfo=UTC), tmp_path / "effects.jsonl"
    record = EffectRecord.open(path)
    record.intend(SetWeight(link="A->B", weight=3), now)
    with path.open("ab") as file:
        file.write(b'{"did":"made","ti')
    again = EffectRecord.open(path)
    assert again.open_effect is not None
    again.confirm(1, "found in force", now)
    assert len(path.read_bytes().splitlines()) == 2


def test_the_square_is_a_design_and_back() -> None:
    small = replace(square(), tunnels=())
    design = design_of(small, name="x", igp="isis", seed=1)
    assert design.inventory.links == small.links
    assert np.allclose(design.inventory.demands, small.demands)


def test_events_of_unknown_routers_stay_unread() -> None:
    assert read_events(_network("A", "B", "C"), [Event(1.0, "elsewhere", 5, "ISIS: anything")]) == ()
