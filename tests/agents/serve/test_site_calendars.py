"""Work that others plan, in a room: what follows from it calls nobody, and a calendar that cannot be read is seen."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra `console` is not installed")
from agents.serve.room import Room
from agents.serve.settings import Member, Settings
from agents.serve.site_calendars import AGAIN, CalendarsRead, SiteCalendars
from tests.agents.serve.killed_room import place
from tests.agents.serve.served import Served
from twin.planned import PlannedWork
from twin.site import read_site

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-network"
PEOPLE = tuple(Member(name=x, role=x) for x in ("viewer", "operator"))
CIRCUIT = "link/ATLAng:IPLSng--IPLSng:ATLAng"


def site_with(folder, calendar):
    for file in EXAMPLE.iterdir():
        shutil.copy(file, folder)
    sources = ("topology.json", "traffic.csv", "interfaces.csv", "counters.csv", "flows.csv")
    lines = "".join(f'{x.partition(".")[0]} = "{x}"\n' for x in sources)
    (folder / "site.toml").write_text(f'clock = "newest"\n[sources]\n{lines}calendar = "{calendar}"\n')
    return str(folder / "site.toml")


def test_what_is_down_because_it_is_planned_is_no_incident_until_the_work_is_over(tmp_path):
    room = Room(place(tmp_path), Settings(agents=False))
    room.step()
    ends = room.now + timedelta(minutes=31)
    work = PlannedWork(name="CHG-7", elements=(CIRCUIT,), begins=room.now, ends=ends, who="the carrier")
    room.calendars.newest = CalendarsRead(works=(work,))
    room.live.strike("link_down@ATLAng--IPLSng")
    while room.now < ends - timedelta(minutes=5):
        room.step()
        assert room.board.incidents == {}
    assert [x.kind for x in room.watch.latest.anomalies]  # it is seen, and known to be planned
    for _ in range(3):
        room.step()
    (incident,) = [x for x in room.board.alive if room.board.is_root(x)]
    assert (incident.source, incident.kind) == (CIRCUIT, "down")
    room.stop()


def test_a_calendar_that_cannot_be_read_is_seen_on_every_screen_and_read_again_when_somebody_asks(tmp_path):
    here = place(tmp_path, site_with(tmp_path, "changes.csv"))
    settings = Settings(agents=False, proxy_header="X-Remote-User", members=PEOPLE)
    with Served(here, settings) as served:
        served.room.step()
        network, now = served.room.watch.latest.network, served.room.now
        served.room.calendars.read(network, now)
        for path in ("/", "/approvals", "/history", "/health"):
            page = served.ask("GET", path, who="viewer")[2].decode()
            assert "A calendar cannot be read since" in page, path
            assert "no file matches changes.csv" in page
        assert "Read them now" not in page  # a viewer may look
        figures = served.ask("GET", "/metrics")[2].decode()
        assert 'twinops_calendars{state="broken"} 1' in figures
        circuit = next(iter(network.circuits))
        times = f"{now + timedelta(hours=1):%FT%T},{now + timedelta(hours=3):%FT%T}"
        (tmp_path / "changes.csv").write_text(f"element,begins,ends,name,who\n{circuit},{times},CHG-7,Carrier\n")
        headers = {"X-CSRF-Token": served.token("viewer"), "Content-Length": "0"}
        assert served.ask("POST", "/health/calendars", who="viewer", headers=headers)[0] == 403
        headers = {"X-CSRF-Token": served.token("operator"), "Content-Length": "0"}
        assert served.ask("POST", "/health/calendars", who="operator", headers=headers)[0] == 303
        page = served.ask("GET", "/health", who="operator")[2].decode()
        assert "cannot be read" not in page
        assert "1 work" in page
        wall = served.ask("GET", "/", who="viewer")[2].decode()
        assert "Work of Carrier at" in wall
        told = json.loads(served.ask("GET", "/api/v1/health", who="viewer")[2])
        assert told["troubles"] == []
        assert [(x["name"], x["state"], x["works"]) for x in told["calendars"]] == [("changes.csv", "read", "1 work")]


def test_a_broken_calendar_is_tried_again_soon_and_ever_later_and_a_read_one_at_its_time(tmp_path):
    site = read_site(site_with(tmp_path, "changes.csv"))
    moment = datetime(2026, 11, 30, 12, tzinfo=UTC)
    calendars, network = SiteCalendars(site, lambda: moment), site.reading().network
    waits = [(calendars.read(network, moment).again - moment) / timedelta(minutes=1) for _ in range(5)]
    assert waits == [1, 2, 4, 5, 5]
    (tmp_path / "changes.csv").write_text("element,begins,ends\n")
    found = calendars.read(network, moment)
    assert (found.failing, found.broken, found.again) == (None, (), moment + AGAIN)
