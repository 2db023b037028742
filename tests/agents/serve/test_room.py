"""The room on a network that lives: it is killed and goes on, its agents work, its calendar keeps its hours."""

import os
import random
import shutil
import tarfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

import agents.serve.demo as directing
from agents.record.history import read_history
from agents.serve.backup import BackedUp, back_up, restore
from agents.serve.emulated import LivingNetwork
from agents.serve.ledger import LOG, Ledger
from agents.serve.place import lease
from agents.serve.room import Room
from agents.serve.settings import Settings
from tests.agents.record.test_full_disk import full_for_one_write
from tests.agents.serve.killed_room import SITE, kill_after, place, processes
from twin.append_log import read_lines
from twin.errors import FormatError, InputError, StoreError
from twin.faults import Fault, FaultKind
from twin.observe.alarms.anomaly import Detector
from twin.store.archive import SAMPLES, parts_of

T0 = datetime(2026, 3, 2, 18, tzinfo=UTC)
KILLS = int(os.environ.get("TWINOPS_KILLS", "1"))
HOUR = timedelta(hours=1)
FLAPPING = "link/CHINng:IPLSng--IPLSng:CHINng"


@pytest.fixture
def room(tmp_path):
    opened = Room(place(tmp_path), Settings(agents=False))
    yield opened
    opened.stop()


def struck_at(folder, *faults):
    """Let faults strike some samples after the network begins, and leave that on its record."""
    live = LivingNetwork.open(SITE, folder / "room")
    for samples, kind, element in faults:
        live.strike(Fault(kind=kind, element=element, onset=live.now + samples * timedelta(seconds=300)))


def test_a_watch_that_is_killed_anywhere_loses_no_incident_and_opens_none_twice(tmp_path):
    faults = [(12, FaultKind.LINK_DOWN, FLAPPING), (30, FaultKind.DEVICE_DOWN, "node/SNVAng")]
    struck_at(tmp_path, *faults)
    rng = random.Random(5)
    with processes() as begin:
        leads = begin(tmp_path, 1_000)
        for done in range(KILLS):
            until = time.monotonic() + 60
            while not (tmp_path / "leads").exists() and time.monotonic() < until:
                time.sleep(0.01)
            last = begin(tmp_path, 20 if done == KILLS - 1 else 1_000)  # stands by
            kill_after(leads, tmp_path / "room" / "network.jsonl", rng.randint(100, 4_400 // KILLS))
            leads = last
        last.join()
        assert last.exitcode == 0
    ledger = Ledger(tmp_path / "room")
    ledger.close()
    roots = [x.source for x in ledger.board.incidents.values() if not x.parent]
    assert sorted(roots) == [FLAPPING, "node/SNVAng"]


def test_the_agents_work_on_what_the_watch_opens_and_the_room_says_how_it_ended(tmp_path):
    room = Room(place(tmp_path), Settings(vision=True))
    room.start()
    for _ in range(8):
        room.step()
    room.live.strike(f"link_down@{'ATLAng--IPLSng'}")
    for _ in range(6):
        room.step()
    room.settle(60)
    copy = BackedUp(tmp_path / "again" / "home", tmp_path / "again" / "room", tmp_path / "again" / "runs")
    made = back_up(tmp_path / "all.tar.gz", BackedUp(tmp_path / "home", tmp_path / "room", tmp_path / "runs"), now=T0)
    room.stop()
    assert not [x for x in made.left_out if not x.endswith("lock")]
    assert restore(tmp_path / "all.tar.gz", copy).files == made.files
    (run,) = copy.runs.iterdir()
    assert read_history(run).reading.head == read_history(tmp_path / "runs" / run.name).reading.head
    assert read_history(run).started.vision
    ledger = Ledger(copy.room)
    ledger.close()
    assert ledger.board.incidents == room.board.incidents
    assert ledger.head == room.ledger.head
    with pytest.raises(InputError, match="is not empty"):
        restore(tmp_path / "all.tar.gz", copy)
    (incident,) = [x for x in room.board.incidents.values() if not x.parent]
    assert incident.source == "link/ATLAng:IPLSng--IPLSng:ATLAng"
    assert incident.runs == 1
    assert (tmp_path / "runs" / incident.run / "report.html").exists()
    assert incident.outcome in ("resolved", "relieved", "no action needed", "needs a person")
    assert [x.words for x in incident.timeline][:2] == ["opened", "the agents begin"]


@pytest.mark.parametrize("name", ["../out", "/etc/x", "home/../../x", "else/x", "room/x"])
def test_what_is_no_whole_backup_is_not_put_back(tmp_path, name):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(FormatError):
        restore(tmp_path / "bad.tar.gz", BackedUp(tmp_path / "a", tmp_path / "b", tmp_path / "c"))
    assert [x.name for x in tmp_path.iterdir()] == ["bad.tar.gz"]


def test_a_detector_goes_on_where_another_one_was(room):
    for _ in range(30):
        room.step()
    ((times, rows),) = room.watch.samples.rows("SELECT count(DISTINCT time), count(*) FROM link_sample")
    assert times >= 30
    assert rows == times * len(room.live.read_topology().links)
    assert parts_of(room.place.folder / SAMPLES)
    learned = room.watch.detector
    copy = Detector(interval_s=300)
    copy.unpack(learned.pack())
    room.live.strike(f"link_down@{'ATLAng--IPLSng'}")
    room.live.wait(30)
    later = room.live.read_telemetry(room.now - timedelta(seconds=300 * 31))
    network = room.live.read_topology()
    assert copy.update(network, later) == learned.update(network, later) != ()
    assert copy.open == learned.open
    assert copy.thresholds == learned.thresholds
    with pytest.raises(InputError, match="no detector that can go on here"):
        Detector(interval_s=60).unpack(learned.pack())
    with pytest.raises(InputError, match="no detector that can go on here"):
        Detector(interval_s=300).unpack(b"PK\x03\x04 and nothing else")


def test_a_source_that_falls_silent_is_an_incident_and_the_old_picture_stays(room, monkeypatch):
    for _ in range(3):
        room.step()
    seen = room.watch.latest

    def broken(*_):
        raise InputError("the site file is broken", fix="correct it")

    then = room.now
    monkeypatch.setattr(LivingNetwork, "read_topology", broken)
    monkeypatch.setattr(LivingNetwork, "now", property(lambda _: then + timedelta(hours=1)))
    room.step()
    assert room.watch.failed[1] == "the site file is broken"
    assert room.watch.latest is seen
    assert [(x.source, x.kind) for x in room.board.alive] == [("network/sndlib/abilene", "unread")]


def test_a_disk_that_is_full_is_told_in_a_line_and_the_watch_goes_on_and_loses_nothing(tmp_path, monkeypatch):
    refused = full_for_one_write(monkeypatch, b'"did":"began"')
    room = Room(place(tmp_path), Settings(agents=False))
    room.step()
    room.live.strike("link_down@ATLAng--IPLSng")
    while not refused:
        room.step()
    (trouble,) = room.troubles
    assert (trouble.what, trouble.grave) == ("Nothing can be written", True)
    assert "No space left on device" in trouble.line
    assert "\n" not in trouble.line
    assert room.board.alive == ()  # what is not on the log has not happened
    room.step()
    assert room.troubles == ()
    (incident,) = [x for x in room.board.alive if room.board.is_root(x)]
    assert incident.source == "link/ATLAng:IPLSng--IPLSng:ATLAng"
    room.stop()
    assert not read_lines(tmp_path / "room" / LOG).torn
    again = Ledger(tmp_path / "room")
    again.close()
    assert again.board == room.board


def test_samples_that_cannot_be_kept_are_told_in_a_line_and_kept_again_from_the_next_look_with_space(room):
    room.step()
    folder = room.place.folder / SAMPLES
    room.watch.samples.close()
    folder.rename(folder.with_name("gone"))
    folder.write_text("no folder")
    room.step()
    (trouble,) = room.troubles
    assert (trouble.what, trouble.grave) == ("Samples are not kept", False)
    assert "\n" not in trouble.line
    folder.unlink()
    folder.with_name("gone").rename(folder)
    room.step()
    assert room.troubles == ()
    ((times,),) = room.watch.samples.rows("SELECT count(DISTINCT time) FROM link_sample")
    assert times >= 3  # the last samples are read again at each look


def test_a_network_whose_record_was_never_begun_begins_anew(tmp_path):
    (tmp_path / "network.jsonl").touch()
    assert LivingNetwork.open(SITE, tmp_path).now == T0


def test_a_site_file_that_is_broken_while_it_is_watched_keeps_the_last_picture_until_it_is_mended(tmp_path):
    for file in (Path(__file__).parents[3] / "examples" / "own-network").iterdir():
        shutil.copy(file, tmp_path)
    sources = ("topology.json", "traffic.csv", "interfaces.csv", "counters.csv", "flows.csv")
    lines = "".join(f'{x.partition(".")[0]} = "{x}"\n' for x in sources)
    (tmp_path / "site.toml").write_text(f'clock = "newest"\n[sources]\n{lines}')
    room = Room(place(tmp_path, str(tmp_path / "site.toml")), Settings(agents=False))
    room.step()
    seen, whole = room.watch.latest, (tmp_path / "topology.json").read_text()
    (tmp_path / "topology.json").write_text(whole[: len(whole) // 2])
    room.step()
    assert room.watch.latest is seen
    assert "topology.json" in room.watch.failed[1]
    assert "\n" not in room.watch.failed[1]
    (tmp_path / "topology.json").write_text(whole)
    room.step()
    assert room.watch.failed is None
    assert room.watch.latest is not seen
    room.stop()


@pytest.mark.parametrize("folder", ["file", "file/room"])
def test_a_folder_that_cannot_be_had_is_one_line(tmp_path, folder):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot use") as caught, lease(tmp_path / folder):
        pass
    assert "--room" in caught.value.fix


def test_the_demo_lets_something_fail_in_the_evening_that_ends_once_nobody_works_on_it_and_goes_on_when_begun_again(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(directing, "FAULTS", ("link_down@ATLAng--IPLSng", "link_down@CHINng--IPLSng"))
    for name, value in {"_LASTS": 4, "_EVENING": (20, 21), "_NIGHT": 2}.items():
        monkeypatch.setattr(directing, name, value)
    found = []
    for waits in (4, 16):  # the second process finds the first fault in place
        room = Room(place(tmp_path, f"{SITE},interval=3600"), Settings(agents=False))
        demo = directing.Demo(room)
        for _ in range(waits):
            demo._next()
            room.live.wait(1)
            found.append((room.now, [x.element for x in room.live.faults]))
        room.stop()
    changes = [(when, faults) for (_, before), (when, faults) in pairwise(found) if faults != before]
    assert [faults for _, faults in changes] == [["link/ATLAng:IPLSng--IPLSng:ATLAng"], [], [FLAPPING]]
    assert [(when - HOUR).hour in (20, 21) for when, faults in changes if faults] == [True, True]
    assert changes[2][0] - changes[0][0] > timedelta(hours=20)


def test_two_rooms_on_one_folder_are_refused_and_a_network_that_is_none_is_named(tmp_path):
    with lease(tmp_path), pytest.raises(StoreError, match="another process serves"), lease(tmp_path):
        pass
    with pytest.raises(InputError, match="names no emulated network"):
        Room(place(tmp_path, "emulated:sndlib/abilene,speed=2"), Settings())
