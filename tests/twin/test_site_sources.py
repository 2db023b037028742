"""Every source of a site is tried by itself: one that is broken, late or half empty says so, and hides no other."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import here
from twin.site import read_site
from twin.site_sources import TriedSource, try_live, try_site
from twin.site_state import history, keep, take_look

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own-network"
SITE = """
clock = "{clock}"

[sources]
topology = "topology.json"
traffic = "traffic.csv"
interfaces = "interfaces.csv"
counters = "counters.csv"
flows = "flows.csv"

[routers]
dialect = "iosxr"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "site.toml").write_text(SITE.format(clock="newest"))
    return tmp_path


def rewritten(path: Path, keep: Callable[[int], bool]) -> None:
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(x for i, x in enumerate(rows) if keep(i))]) + "\n")


def tried(folder: Path, now: datetime = datetime(2026, 12, 1, tzinfo=UTC)) -> dict[str, TriedSource]:
    return {x.name: x for x in try_site(read_site(folder), lambda: now)}


def test_what_is_whole_is_ok_and_what_is_not_named_says_what_one_goes_without(folder: Path) -> None:
    found = tried(folder)
    assert {x for x, y in found.items() if y.state == "ok"} == {
        "topology",
        "interfaces",
        "counters",
        "flows",
        "actuator",
    }
    assert found["topology"].got == "8 nodes, 13 circuits"
    assert found["counters"].complete == 1.0
    assert found["counters"].age_s == 0.0
    assert (found["probes"].state, found["logs"].state) == ("not named", "not named")
    assert "iosxr" in found["actuator"].got


def test_probes_and_logs_are_sources_by_themselves(folder: Path) -> None:
    times = sorted({x.split(",")[0] for x in (folder / "counters.csv").read_text().splitlines()[1:]})
    rows = [f"{x},core1.bcn,core1.lis,0.0,{delay}" for x in times for delay in (7.5, 8.5)]
    (folder / "probes.csv").write_text("\n".join(["time,source,target,loss,rtt_ms", *rows, ""]))
    (folder / "now.log").write_text("<189>1 2026-11-29T01:05:00Z core1.mad rpd - - - nothing that anybody knows\n")
    named = 'probes = "probes.csv"\nlogs = "now.log"\n\n[routers]'
    (folder / "site.toml").write_text(SITE.format(clock="newest").replace("[routers]", named))
    found = tried(folder)
    assert (found["probes"].state, found["probes"].complete) == ("ok", 1.0)
    assert found["logs"].got == "1 lines, 0 of them understood"
    telemetry = read_site(folder).look(lambda: datetime(2026, 12, 1, tzinfo=UTC)).telemetry
    assert telemetry.probes.delay_ms.tolist() == [4.0] * len(times)  # two readings of one time are one


def test_every_second_row_that_is_missing_is_half_of_the_completeness(folder: Path) -> None:
    whole = tried(folder)["counters"]
    rewritten(folder / "counters.csv", lambda i: i % 2 == 0)
    half = tried(folder)["counters"]
    assert whole.complete is not None
    assert half.complete == pytest.approx(whole.complete / 2, abs=0.1)


def test_measurements_that_stopped_are_late_by_the_wall_clock_and_say_by_how_much(folder: Path) -> None:
    (folder / "site.toml").write_text(SITE.format(clock="wall"))
    site = read_site(folder)
    read = site.measurements("counters", lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert read is not None
    soon, late = read.now + timedelta(seconds=30), read.now + timedelta(hours=2)
    assert tried(folder, soon)["counters"].state == "ok"
    found = tried(folder, late)["counters"]
    assert (found.state, found.age_s) == ("late", 7200.0)
    assert "7,200 s old" in found.fix
    found = tried(folder, read.now - timedelta(hours=2))["counters"]
    assert found.state == "broken"
    assert "`zone`" in found.fix


def test_history_that_files_no_longer_hold_is_what_the_twin_file_kept(folder: Path) -> None:
    site, now = read_site(folder), datetime(2026, 12, 1, tzinfo=UTC)
    whole = site.look(lambda: now).telemetry
    keep(site, take_look(site, lambda: now))
    for name in ("counters.csv", "flows.csv"):
        rows = len((folder / name).read_text().splitlines()) - 1
        rewritten(folder / name, lambda i, rows=rows: i >= rows // 2)
    assert site.look(lambda: now).telemetry.links.time.size < whole.links.time.size
    found = history(site, lambda: now).telemetry
    for kept, was in ((found.links, whole.links), (found.traffic, whole.traffic)):
        assert sorted(kept.time.tolist()) == sorted(was.time.tolist())


def test_a_file_of_a_folder_that_cannot_be_read_is_named_and_the_others_count(folder: Path) -> None:
    (folder / "export").mkdir()
    shutil.move(folder / "flows.csv", folder / "export" / "flows.csv")
    (folder / "export" / "README").write_text("what the collector drops")
    (folder / "site.toml").write_text(SITE.format(clock="newest").replace('"flows.csv"', '"export"'))
    found = tried(folder)["flows"]
    assert found.state == "ok"
    assert "README" in found.fix


def test_a_source_that_cannot_be_read_hides_no_other_and_fails_the_command(folder: Path) -> None:
    (folder / "counters.csv").write_text("nothing,that,is\nknown,1,2\n")
    found = tried(folder)
    assert found["counters"].state == "broken"
    assert found["counters"].got
    assert found["flows"].state == "ok"
    done = here("doctor", "--site", folder / "site.toml", "--json")
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]
    assert [x["name"] for x in findings if x["state"] == "broken"] == ["counters"]


def test_without_a_topology_that_is_all_there_is_to_say(folder: Path) -> None:
    (folder / "topology.json").unlink()
    found = tried(folder)
    assert list(found) == ["topology"]
    assert found["topology"].state == "broken"


def test_a_live_network_that_does_not_run_is_a_finding() -> None:
    (only,) = try_live("lab:nobody", lambda: datetime.now(UTC))
    assert (only.state, only.fix) == ("broken", "twinops lab up")
