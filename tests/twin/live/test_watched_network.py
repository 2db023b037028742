"""A watched network is found again as it was, asks the network what nobody confirmed, and does nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.twin.square import square
from twin.errors import ExecutionError, StoreError
from twin.live.emulated import EmulatedNetwork
from twin.live.samples_file import pack, unpack
from twin.live.watch_record import SAMPLES, Intended, read_watch
from twin.live.watched import WatchedNetwork
from twin.plan import SetWeight, apply

SQUARE = square(5.0)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = SetWeight(link=SQUARE.links[0].name, weight=77)


class Real(EmulatedNetwork):
    """A real network: it goes on whatever a run does, and counts what it is asked to do."""

    changes = 0

    def look_again(self) -> None:
        self.wait(1)

    def apply(self, change, *, recorded=None):
        self.changes += 1
        super().apply(change, recorded=recorded)


class KilledError(Exception):
    """The process is killed here."""


@pytest.fixture
def real():
    network = Real(SQUARE, seed=3, start=START)
    network.wait(6)
    return network


def same(a, b):
    columns = zip((*a.links, *a.traffic, *a.nodes, *a.probes), (*b.links, *b.traffic, *b.nodes, *b.probes), strict=True)
    return all(np.array_equal(x, y, equal_nan=True) for x, y in columns) and a.events == b.events


def watched(real, folder):
    network = WatchedNetwork.watch(real)
    network.keep(folder / "network.jsonl")
    return network


def test_time_stands_still_between_two_looks(real, tmp_path):
    network = watched(real, tmp_path)
    before = network.now, network.read_telemetry(START)
    real.wait(3)
    assert network.now == before[0]
    assert same(network.read_telemetry(START), before[1])
    network.wait(1)
    assert network.now > before[0]
    assert network.read_telemetry(START).links.time.size > before[1].links.time.size


def test_it_is_found_again_and_goes_the_same_way_without_asking_the_network(real, tmp_path):
    network = watched(real, tmp_path)
    network.apply(CHANGE)
    network.wait(2)
    again = WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: pytest.fail("asked"), keep=False)
    again.apply(CHANGE)
    again.wait(2)
    assert (again.now, again.read_topology()) == (network.now, network.read_topology())
    assert same(again.read_telemetry(START), network.read_telemetry(START))
    assert real.changes == 1
    assert [x.change for x in again.effects] == [CHANGE]


def test_what_lies_ahead_can_be_caught_up_with(real, tmp_path):
    network = watched(real, tmp_path)
    network.apply(CHANGE)
    network.catch_up_outside()
    again = WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: real)
    again.catch_up()
    assert (again.now, again.read_topology()) == (network.now, network.read_topology())
    assert real.changes == 1


def test_whoever_does_something_else_is_refused(real, tmp_path):
    watched(real, tmp_path).apply(CHANGE)
    again = WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: real)
    with pytest.raises(ExecutionError, match="record says"):
        again.apply(CHANGE.model_copy(update={"weight": 78}))
    assert real.changes == 1


@pytest.mark.parametrize("made", [True, False])
def test_after_a_kill_between_announcement_and_confirmation_the_network_is_asked(real, tmp_path, made, monkeypatch):
    network = watched(real, tmp_path)

    def killed(change, **_):
        if made:
            Real.apply(real, change)
        raise KilledError

    monkeypatch.setattr(real, "apply", killed)
    with pytest.raises(KilledError):
        network.apply(CHANGE)
    monkeypatch.undo()
    assert isinstance(read_watch(tmp_path / "network.jsonl")[-1], Intended)
    again = WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: real)
    assert again.effects == ()
    again.apply(CHANGE)
    assert real.changes == 1
    assert [x.change for x in again.effects] == [CHANGE]
    assert again.read_topology() == real.read_topology() == apply(SQUARE, CHANGE)


def test_a_refusal_stays_a_refusal_and_no_effect(real, tmp_path, monkeypatch):
    def refuse(_, **_more):
        raise ExecutionError("not on my watch")

    network = watched(real, tmp_path)
    monkeypatch.setattr(real, "apply", refuse)
    with pytest.raises(ExecutionError, match="not on my watch"):
        network.apply(CHANGE)
    again = WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: pytest.fail("asked"), keep=False)
    with pytest.raises(ExecutionError, match="not on my watch"):
        again.apply(CHANGE)
    assert network.effects == again.effects == ()
    assert network.read_topology() == SQUARE


def test_an_inventory_that_is_another_now_ends_the_watch(real, tmp_path):
    network = watched(real, tmp_path)
    real.apply(CHANGE)
    with pytest.raises(ExecutionError, match="the inventory is"):
        network.wait(1)


@pytest.mark.parametrize("harm", ["gone", "altered", "cut"])
def test_samples_that_are_not_those_that_were_looked_at_are_refused(real, tmp_path, harm):
    watched(real, tmp_path)
    file = tmp_path / SAMPLES / "00001.npz"
    content = file.read_bytes()
    file.unlink()
    if harm != "gone":
        file.write_bytes(content[:-9] if harm == "cut" else content.replace(b"links", b"knils", 1))
    with pytest.raises(StoreError):
        WatchedNetwork.restore(tmp_path / "network.jsonl", SQUARE, lambda: real)


def test_the_record_of_another_network_is_refused(real, tmp_path):
    watched(real, tmp_path)
    with pytest.raises(StoreError, match="not the record"):
        WatchedNetwork.restore(tmp_path / "network.jsonl", apply(SQUARE, CHANGE), lambda: real)


def test_telemetry_comes_back_as_it_went_down_and_nothing_else_does(real):
    measured = real.read_telemetry(START)
    assert same(unpack(pack(measured), SQUARE, measured.declared), measured)
    assert pack(measured) == pack(measured)
    stray = replace(measured, links=measured.links._replace(link=measured.links.link + 1_000))
    for content in (pack(stray), b"", b"PK\x03\x04", pack(measured)[:200]):
        with pytest.raises(StoreError):
            unpack(content, SQUARE, measured.declared)
