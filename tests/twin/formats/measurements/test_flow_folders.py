"""Folders that collectors fill: each octet counts once, whatever lies among them, and what was left out is said."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from twin.errors import FormatError, InputError
from twin.formats.measurements.folders import NOT_READ
from twin.formats.measurements.part import Options
from twin.formats.measurements.prefixes import read_prefixes
from twin.formats.measurements.read import combine, read_parts
from twin.model import Network, Node

HOUR = Path(__file__).with_name("hour.nfcapd")
"""Twelve flows of 2026-11-29 03:00 to 04:00 UTC as nfcapd 1.7.1 writes them, by IPFIX, of IPv4 and IPv6."""
NAMES = ("a", "b", "c", "d")
NETWORK = Network("four", tuple(Node(x, float(i), 0.0) for i, x in enumerate(NAMES)), (), np.zeros((4, 4)))
PREFIXES = "prefix,node\n" + "".join(f"10.{i}.0.0/16,{x}\n2001:db8:{i + 1}::/48,{x}\n" for i, x in enumerate(NAMES))
HEADER = "ts,te,sa,da,sp,dp,pr,ibyt,ra,sampling_rate\n"
nfdump = pytest.mark.skipif(shutil.which("nfdump") is None, reason="nfdump is not installed")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flows").mkdir()
    return tmp_path / "flows"


def read(folder, **said):
    path = folder.parent / "prefixes.csv"
    path.write_text(PREFIXES)
    options = Options(prefixes=read_prefixes(str(path), NETWORK), **said)
    return combine(read_parts([folder], NETWORK, options), NETWORK, options)


def mbit(found):
    traffic, totals = found.telemetry.traffic, dict[tuple[str, str], float]()
    for s, t, mbps in zip(traffic.source, traffic.target, traffic.mbps, strict=True):
        totals[NAMES[s], NAMES[t]] = totals.get((NAMES[s], NAMES[t]), 0.0) + float(mbps) * 300
    return {pair: round(total, 6) for pair, total in totals.items()}


def flow(minutes, octets=125_000, *, port=1, exporter="192.0.2.1", sampling=1, day="2026-01-13"):
    first, last = (f"{day} {x // 60:02d}:{x % 60:02d}:00" for x in minutes)
    return f"{first},{last},10.0.0.1,10.1.0.1,{port},443,6,{octets},{exporter},{sampling}\n"


def notes(found, became="not modelled"):
    return " | ".join(str(x) for account in found.accounts for x in account.fields if x.became == became)


def test_a_sample_of_which_two_files_tell_has_what_both_hold(folder):
    (folder / "flows-202601130000.csv").write_text(HEADER + flow((1, 4)) + flow((3, 6), port=2))
    (folder / "flows-202601130005.csv").write_text(HEADER + flow((2, 7), 250_000, port=3))
    found = read(folder)
    assert mbit(found) == {("a", "b"): 4.0}
    assert len(found.telemetry.traffic.time) == 2  # a row of each sample, for whoever keeps one


def test_files_of_two_exporters_are_one_stretch_in_which_a_flow_counts_once(folder):
    for exporter in ("192.0.2.1", "192.0.2.2"):
        for minute in (0, 5):
            path = folder / exporter / f"nfcapd-20260113000{minute}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text(HEADER + flow((minute + 1, minute + 2), exporter=exporter))
    found = read(folder)
    assert mbit(found) == {("a", "b"): 2.0}
    assert "second exporter" in notes(found)


def test_folders_by_day_are_read_and_the_newest_files_are_those_of_the_last(folder):
    for day in ("20260113", "20260114"):
        (folder / day).mkdir()
        (folder / day / "0000.csv").write_text(HEADER + flow((1, 2), day=f"{day[:4]}-{day[4:6]}-{day[6:]}"))
    assert mbit(read(folder)) == {("a", "b"): 2.0}
    options = Options(prefixes=read_prefixes(str(folder.parent / "prefixes.csv"), NETWORK))
    newest = combine(read_parts([folder], NETWORK, options, most=1), NETWORK, options)
    assert newest.now == datetime(2026, 1, 14, 0, 5, tzinfo=UTC)
    assert "older than the newest 1" in notes(newest)


def test_copies_links_and_files_that_are_being_written_count_for_nothing(folder):
    whole = HEADER + flow((1, 2))
    for name in ("flows-202601130000.csv", "flows-202601130000 (1).csv", "flows-202601130005.csv.part"):
        (folder / name).write_text(whole)
    (folder / "nfcapd.current.4711").write_bytes(HOUR.read_bytes())
    (folder / "latest.csv").symlink_to(folder / "flows-202601130000.csv")
    (folder / "flows-202601130010.csv").write_text(HEADER + flow((11, 12)) + flow((12, 13), 99_000)[:-18])
    found = read(folder)
    assert mbit(found) == {("a", "b"): 2.0}
    assert "copies of others" in notes(found)
    assert "still writing" in notes(found)


def test_what_cannot_be_read_among_others_is_left_out_and_said(folder):
    (folder / "flows-202601130000.csv").write_text(HEADER + flow((1, 2)))
    (folder / "flows-202601130005.csv").write_text("")
    (folder / "flows-202601130010.csv").write_text(HEADER)
    (folder / "README").write_text("flows of the core")
    found = read(folder)
    assert mbit(found) == {("a", "b"): 1.0}
    (left_out,) = (x for x in found.accounts if x.format == NOT_READ)
    assert left_out.fields[0].count == 2


def test_a_folder_of_which_nothing_can_be_read_is_an_error(folder):
    (folder / "README").write_text("flows of the core")
    with pytest.raises(InputError, match="README"):
        read(folder)


def test_each_flow_counts_by_the_rate_that_it_was_sampled_at(folder):
    (folder / "flows-202601130000.csv").write_text(HEADER + flow((1, 2), 125, sampling=1000))
    (folder / "flows-202601130005.csv").write_text(HEADER + flow((6, 7), 250, sampling=500))
    found = read(folder)
    assert mbit(found) == {("a", "b"): 2.0}
    assert "500 to 1000" in notes(found, "assumed")


def test_flows_of_a_clock_that_jumped_are_left_out_and_those_after_a_pause_are_not(folder):
    rows = [flow((x, x + 1), port=x) for x in range(20)]
    wrong = [flow((1, 2), day="1970-01-02"), flow((1, 2), day="2036-02-07", port=2)]
    (folder / "flows-202601130000.csv").write_text(HEADER + "".join(rows + wrong))
    after = [flow((x, x + 1), port=x, day="2026-01-17") for x in range(90)]
    (folder / "flows-202601170000.csv").write_text(HEADER + "".join(after))
    found = read(folder, now=datetime(2026, 1, 17, 2, tzinfo=UTC))
    assert mbit(found) == {("a", "b"): 110.0}
    assert found.now == datetime(2026, 1, 17, 1, 35, tzinfo=UTC)
    assert "clock is wrong" in notes(found)


@nfdump
def test_files_of_nfcapd_are_read_by_nfdump_whatever_the_zone(folder, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    shutil.copy(HOUR, folder / "nfcapd.202611290300")
    found = read(folder)
    assert len(mbit(found)) == 12
    assert mbit(found)["c", "d"] == pytest.approx(55208317264 * 8e-6)  # octets as nfdump prints them
    times = found.telemetry.traffic.time
    assert datetime.fromtimestamp(times[0], UTC) == datetime(2026, 11, 29, 3, 5, tzinfo=UTC)
    assert datetime.fromtimestamp(times[-1], UTC) == datetime(2026, 11, 29, 4, 0, tzinfo=UTC)


@nfdump
def test_a_file_of_nfcapd_that_was_cut_is_no_quiet_hour(folder):
    (folder / "nfcapd.202611290300").write_bytes(HOUR.read_bytes()[:700])
    with pytest.raises(FormatError, match="nfdump says"):
        read(folder)


def test_without_nfdump_its_files_say_what_to_install(folder, monkeypatch):
    shutil.copy(HOUR, folder / "nfcapd.202611290300")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(InputError, match="nfdump alone") as refused:
        read(folder)
    assert "install nfdump" in refused.value.fix
