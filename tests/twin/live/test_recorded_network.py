"""An emulated network that outlives its process: the same network again, and nothing happens to it twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.live_incident import inventory
from twin.errors import ExecutionError, StoreError
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.recorded import Applied, RecordedNetwork, Waited, read_record
from twin.live.surprises import ByOthers, Healing
from twin.plan import DrainLink, SetCapacity, SetWeight, UndrainLink

START = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)
NETWORK = inventory()
CUT = Fault(kind=FaultKind.LINK_DOWN, element=next(iter(NETWORK.circuits)))
CHANGES = (
    SetWeight(link="A->B", weight=15),
    DrainLink(circuit=list(NETWORK.circuits)[1]),
    UndrainLink(circuit=list(NETWORK.circuits)[1]),
)


def staged(path: Path | None = None) -> RecordedNetwork:
    live = RecordedNetwork(NETWORK, seed=3, start=START)
    live.wait(3)
    live.inject(CUT)
    live.wait(1)
    live.staged()
    if path is not None:
        live.keep(path)
    return live


def act(live: RecordedNetwork) -> None:
    for change in CHANGES:
        live.apply(change)
        live.wait(1)


def measured(live: RecordedNetwork | EmulatedNetwork) -> list[np.ndarray]:
    telemetry = live.read_telemetry(START - timedelta(hours=1))
    return [*telemetry.links, *telemetry.probes, *telemetry.traffic]


def assert_same(one: RecordedNetwork, other: RecordedNetwork | EmulatedNetwork) -> None:
    assert one.now == other.now
    assert one.read_topology().id == other.read_topology().id
    for mine, theirs in zip(measured(one), measured(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    since = START - timedelta(hours=1)
    assert one.read_telemetry(since).events == other.read_telemetry(since).events


def test_a_recorded_network_is_the_emulated_one():
    plain = EmulatedNetwork(NETWORK, seed=3, start=START)
    plain.wait(3)
    plain.inject(CUT)
    plain.wait(1)
    recorded = staged()
    assert_same(recorded, plain)
    for change in CHANGES:
        plain.apply(change)
        plain.wait(1)
    act(recorded)
    assert_same(recorded, plain)


def test_it_is_found_again_exactly_as_it_was_left(tmp_path: Path):
    live = staged(tmp_path / "network.jsonl")
    act(live)
    again = RecordedNetwork.restore(tmp_path / "network.jsonl", NETWORK)
    assert_same(again, staged())
    assert [entry.did for entry in again.ahead] == ["apply", "wait"] * 3
    again.catch_up()
    assert_same(again, live)
    assert again.ahead == ()


@settings(max_examples=12)
@given(done=st.integers(0, 6))
def test_doing_what_was_done_already_does_nothing_to_it(tmp_path_factory: pytest.TempPathFactory, done: int):
    path = tmp_path_factory.mktemp("net") / "network.jsonl"
    first = staged(path)
    act(first)
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[: 5 + done]))
    again = RecordedNetwork.restore(path, NETWORK)
    act(again)
    assert path.read_text() == whole
    assert list(again.effects) == list(first.effects)
    assert len(first.effects) == 3


def test_somebody_who_does_something_else_is_told_of_the_real_past(tmp_path: Path):
    act(staged(tmp_path / "network.jsonl"))
    again = RecordedNetwork.restore(tmp_path / "network.jsonl", NETWORK)
    with pytest.raises(ExecutionError, match="the network's own record says"):
        again.apply(SetWeight(link="A->B", weight=16))


def test_a_line_that_was_cut_off_never_happened(tmp_path: Path):
    path = tmp_path / "network.jsonl"
    act(staged(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    again = RecordedNetwork.restore(path, NETWORK)
    assert path.read_bytes() == whole[: whole.rstrip().rfind(b"\n") + 1]
    act(again)
    assert path.read_bytes() == whole


def test_a_change_that_the_network_refuses_is_not_on_its_record(tmp_path: Path):
    live = staged(tmp_path / "network.jsonl")
    before = (tmp_path / "network.jsonl").read_text()
    with pytest.raises(ExecutionError, match="capacity is built"):
        live.apply(SetCapacity(circuit=next(iter(NETWORK.circuits)), capacity=1e5))
    assert (tmp_path / "network.jsonl").read_text() == before
    assert live.effects == ()


def test_a_rehearsal_leaves_the_file_alone(tmp_path: Path):
    path = tmp_path / "network.jsonl"
    staged(path)
    before = path.read_bytes()
    act(RecordedNetwork.restore(path, NETWORK, keep=False))
    assert path.read_bytes() == before


def test_time_and_faults_come_from_outside_while_nobody_works_on_it(tmp_path: Path):
    path = tmp_path / "network.jsonl"
    live = staged(path)
    live.elapse(2)
    live.inject(Fault(kind=FaultKind.LINK_DOWN, element=list(NETWORK.circuits)[2]))
    live.apply(CHANGES[0])
    again = RecordedNetwork.restore(path, NETWORK)
    again.catch_up_outside()
    assert [entry.did for entry in again.ahead] == ["apply"]
    again.apply(CHANGES[0])
    assert_same(again, live)


def test_every_line_names_what_happened_and_when(tmp_path: Path):
    path = tmp_path / "network.jsonl"
    act(staged(path))
    entries = read_record(path)
    assert [json.loads(line)["did"] for line in path.read_text().splitlines()] == [entry.did for entry in entries]
    assert [x.effect for x in entries if isinstance(x, Applied)] == [1, 2, 3]
    waits = [x for x in entries if isinstance(x, Waited)]
    assert [x.time for x in waits] == sorted(x.time for x in waits)


@pytest.mark.parametrize("content", ["", "nonsense\n", '{"did":"wait"}\n', '{"did":"apply"}\n'])
def test_what_is_no_record_of_this_network_is_one_clear_error(tmp_path: Path, content: str):
    path = tmp_path / "network.jsonl"
    path.write_text(content)
    with pytest.raises(StoreError):
        RecordedNetwork.restore(path, NETWORK)


def test_the_record_of_another_network_is_refused(tmp_path: Path):
    staged(tmp_path / "network.jsonl")
    other = NETWORK.with_demands(NETWORK.demands * 2)
    with pytest.raises(StoreError, match="is not the record of network"):
        RecordedNetwork.restore(tmp_path / "network.jsonl", other)
    with pytest.raises(StoreError, match="cannot read"):
        RecordedNetwork.restore(tmp_path / "none.jsonl", NETWORK)


def test_a_record_is_never_overwritten(tmp_path: Path):
    staged(tmp_path / "network.jsonl")
    with pytest.raises(StoreError, match="cannot write"):
        staged(tmp_path / "network.jsonl")


def test_what_was_announced_happens_by_itself_and_happens_again(tmp_path: Path):
    live, drained = staged(), CHANGES[1]
    live.announce(Healing(CUT, live.now + timedelta(minutes=5)))
    live.announce(ByOthers(drained, live.now + timedelta(minutes=10)))
    live.keep(tmp_path / "network.jsonl")
    up = [all(x.up for x in live.truth.links)]
    for _ in range(3):
        live.wait(1)
        up.append(all(x.up for x in live.truth.links))
    assert up == [False, False, True, True]
    assert [x.drained for x in live.read_topology().links if x.circuit == drained.circuit] == [True, True]
    assert live.effects == ()  # no run did that
    again = RecordedNetwork.restore(tmp_path / "network.jsonl", NETWORK, keep=False)
    again.catch_up()
    assert_same(live, again)
