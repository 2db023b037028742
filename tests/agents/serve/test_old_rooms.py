"""Folders of rooms that earlier versions wrote: they open, go on, and what is of a later version is told as such.

The logs in `tests/golden/rooms` were written by the code of the commit in their name: one event of every kind that it
knew, once as they came and once after the log was written anew.
"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agents.serve.demand_history import BIN_S, FILE, DemandHistory, decoded
from agents.serve.ledger import FORMAT, LOG, Ledger
from agents.serve.record import Remarked
from twin.append_log import read_lines
from twin.errors import StoreError
from twin.files import parse_json
from twin.formats.load import load_network
from twin.live.emulated import EmulatedNetwork

OLD = Path(__file__).parents[2] / "golden" / "rooms"
T0 = datetime(2026, 3, 2, 20, tzinfo=UTC)


def remark(words="it goes on"):
    return Remarked(time=T0, id="I-0001", who="ada", words=words)


@pytest.mark.parametrize("old", sorted(OLD.glob("*.jsonl")), ids=lambda x: x.stem)
def test_a_log_of_an_earlier_version_opens_with_all_that_it_holds_and_goes_on(tmp_path, old):
    shutil.copy(old, tmp_path / LOG)
    ledger = Ledger(tmp_path)
    board = ledger.board
    incident, part = board.incidents["I-0001"], board.incidents["I-0002"]
    assert (incident.state, incident.owner, incident.run) == ("acknowledged", "ada", "abilene-s0-1")
    assert (incident.outcome, incident.elements) == ("awaiting approval", ("link/A--B", "link/B--C"))
    assert (part.parent, len(incident.returns)) == ("I-0001", 1)
    assert [x.state for x in board.messages.values()] == ["delivered", "dead", "waiting"]
    assert board.calendar["C-0001"].state == "in place"
    assert board.calendar["C-0001"].scheduled.plan.steps
    assert (board.silences[0].element, board.audit[0].what) == ("link/A--B", "read the policy")
    ledger.write(remark())
    after, head, seq = ledger.board, ledger.head, ledger.seq
    ledger.close()
    again = Ledger(tmp_path, large=1)
    assert (again.board, again.head, again.seq) == (after, head, seq)
    assert again.tidy(T0)
    again.close()
    last = Ledger(tmp_path)
    assert last.board == after
    last.close()


def test_every_process_states_the_format_on_the_first_line_that_it_writes(tmp_path):
    shutil.copy(OLD / "events-9bb6b35.jsonl", tmp_path / LOG)
    before = len(read_lines(tmp_path / LOG).whole)
    for _ in range(2):
        ledger = Ledger(tmp_path)
        ledger.write(remark(), remark("and on"))
        ledger.close()
    stated = [json.loads(x).get("format") for x in read_lines(tmp_path / LOG).whole]
    assert stated == [*[None] * before, FORMAT, None, FORMAT, None]


def test_a_log_of_a_later_version_is_one_line_that_names_both_and_nothing_is_written(tmp_path):
    shutil.copy(OLD / "tidied-9bb6b35.jsonl", tmp_path / LOG)
    line = {"format": FORMAT + 1, "seq": 99, "event": {"did": "paged", "time": T0.isoformat()}}
    with (tmp_path / LOG).open("a") as file:
        file.write(json.dumps(line) + "\n")
    before = (tmp_path / LOG).read_bytes()
    with pytest.raises(StoreError, match=rf"is of format {FORMAT + 1}, this version reads up to {FORMAT}") as raised:
        Ledger(tmp_path)
    assert "version of twinops that wrote it" in raised.value.fix
    assert (tmp_path / LOG).read_bytes() == before
    assert isinstance(parse_json(before.splitlines()[-1]), dict)


@pytest.fixture(scope="module")
def measured():
    network = load_network("sndlib/abilene")
    live = EmulatedNetwork(network, seed=3, start=T0, interval_s=300.0)
    live.wait(48)
    return network, live.read_telemetry(datetime(1970, 1, 1, tzinfo=UTC))


def bins_of(telemetry, n):
    """The means of whole quarters of an hour, as anybody would take them from the samples."""
    traffic = telemetry.traffic
    ends = np.ceil(traffic.time / BIN_S) * BIN_S
    found = {}
    for end in np.unique(ends)[:-1]:
        total, count = np.zeros((n, n)), np.zeros((n, n))
        rows = (ends == end) & np.isfinite(traffic.mbps)
        np.add.at(total, (traffic.source[rows], traffic.target[rows]), traffic.mbps[rows])
        np.add.at(count, (traffic.source[rows], traffic.target[rows]), 1)
        found[float(end)] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def kept_in(folder):
    with np.load(folder / FILE, allow_pickle=False) as file:
        matrices = np.full((len(file["times"]), int(file["nodes"]) ** 2), np.nan)
        matrices[:, file["pairs"]] = decoded(file["codes"])
        return dict(zip(file["times"], matrices.reshape(len(matrices), *(int(file["nodes"]),) * 2), strict=True))


def test_demands_are_kept_to_two_hundredths_of_a_per_cent_and_found_again(tmp_path, measured):
    network, telemetry = measured
    history = DemandHistory(tmp_path)
    history.take(network, telemetry)
    history.keep()
    expected = bins_of(telemetry, len(network.nodes))
    assert kept_in(tmp_path).keys() == expected.keys()
    for end, mbps in kept_in(tmp_path).items():
        np.testing.assert_allclose(mbps, expected[end], rtol=2.2e-4)
    before = (tmp_path / FILE).read_bytes()
    DemandHistory(tmp_path).keep()
    assert (tmp_path / FILE).read_bytes() == before


def test_demands_that_an_earlier_version_kept_are_taken_up_and_a_file_that_is_none_is_not(tmp_path, measured):
    network, telemetry = measured
    expected = bins_of(telemetry, len(network.nodes))
    kept = {"times": np.array(list(expected)), "bins": np.array(list(expected.values())), "last": np.array(0.0)}
    np.savez_compressed(tmp_path / FILE, **kept)
    DemandHistory(tmp_path).keep()
    np.testing.assert_allclose(np.array(list(kept_in(tmp_path).values())), kept["bins"], rtol=2.2e-4)
    np.savez_compressed(tmp_path / FILE, **{**kept, "codes": np.zeros((len(expected), 12), np.uint16)})
    assert len(DemandHistory(tmp_path)) == 0


def test_a_pair_that_sends_for_the_first_time_was_not_measured_before(tmp_path, measured):
    network, telemetry = measured
    traffic, pair = telemetry.traffic, telemetry.traffic.source * len(network.nodes) + telemetry.traffic.target
    first, second = np.unique(pair)[:2]
    late = (pair != first) | (traffic.time > np.median(traffic.time))
    history, parts = DemandHistory(tmp_path), np.unique(traffic.time)[[10, 30, -1]]
    for until in parts:
        seen = late & (traffic.time <= until) & ((pair != second) | (traffic.time <= parts[0]))
        history.take(network, replace(telemetry, traffic=type(traffic)(*(x[seen] for x in traffic))))
    history.keep()
    kept = late & ((pair != second) | (traffic.time <= parts[0]))
    expected = bins_of(replace(telemetry, traffic=type(traffic)(*(x[kept] for x in traffic))), len(network.nodes))
    assert kept_in(tmp_path).keys() == expected.keys()
    for end, mbps in kept_in(tmp_path).items():
        np.testing.assert_allclose(mbps, expected[end], rtol=2.2e-4)


def test_demands_of_large_networks_stay_below_their_bound(tmp_path, measured):
    network, telemetry = measured
    pairs = len({*zip(telemetry.traffic.source.tolist(), telemetry.traffic.target.tolist(), strict=True)})
    assert pairs < len(network.nodes) ** 2
    small = DemandHistory(tmp_path, most_bytes=14 * 2 * pairs)
    small.take(network, telemetry)
    assert len(small) == 14
    assert small.newest is not None
