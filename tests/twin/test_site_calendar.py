"""The calendar of one's own network: from its site file into the gate."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from twin.formats.load import read_explained
from twin.gate.outlook import local_shift
from twin.policy import Policy
from twin.site import read_site
from twin.site_sources import try_site
from twin.site_state import coming_to

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own-network"
NOW = datetime(2026, 11, 29, 18, tzinfo=UTC)


def test_a_site_names_its_calendar_and_what_providers_call_its_circuits(tmp_path):
    shutil.copy(EXAMPLE / "topology.json", tmp_path)
    network = read_explained(tmp_path / "topology.json", None).network
    circuit = next(iter(network.circuits))
    (tmp_path / "site.toml").write_text(
        'zone = "Europe/Madrid"\n[sources]\ntopology = "topology.json"\ncalendar = "*.csv"\nobjects = "names.txt"\n'
    )
    (tmp_path / "changes.csv").write_text(
        "element,begins,ends,name\nIC-1,2026-11-30T02:00,2026-11-30T04:00,CHG1\nIC-2,2026-11-30T02:00,2026-11-30T04:00,CHG2\n"
    )
    (tmp_path / "names.txt").write_text(f"object,element\nIC-1,{circuit}\n")
    found = read_site(tmp_path).calendar(network, NOW)
    assert [(x.name, x.elements, x.begins) for x in found.works] == [
        ("CHG1", (circuit,), datetime(2026, 11, 30, 1, tzinfo=UTC))
    ]
    assert "CHG2" in found.questions[0]


def test_a_window_ahead_is_judged_by_the_traffic_of_its_own_hours(tmp_path):
    for name in ("topology.json", "counters.csv", "flows.csv"):
        shutil.copy(EXAMPLE / name, tmp_path)
    text = 'clock = "newest"\n[sources]\ntopology = "topology.json"\ncounters = "counters.csv"\nflows = "flows.csv"\n'
    day = [round(0.5 + 0.02 * hour, 2) for hour in range(24)]
    text += f"[instruments]\nday = {day}\n"
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    site = read_site(tmp_path)
    look = site.look(lambda: NOW)
    starts = (look.now + timedelta(hours=7)).replace(minute=0, second=0, microsecond=0)
    coming = coming_to(site, look.network, Policy(horizon_hours=6), look.now, starts=starts).context
    assert coming.starts == starts
    assert coming.declared == site.reading().network
    first = coming.outlook.hours[0]
    assert starts - timedelta(hours=1) < first.begins <= starts
    shift = local_shift(look.network)
    was, then = ((x.astimezone(UTC) + shift).hour for x in (look.now, starts))
    np.testing.assert_allclose(first.demands, look.network.demands * day[then] / day[was])
    plain = coming_to(site, look.network, Policy(horizon_hours=6), look.now).context.outlook
    assert plain.hours[0].begins < first.begins


def test_each_calendar_is_tried_by_itself_and_a_note_in_one_takes_back_what_another_plans(tmp_path):
    shutil.copy(EXAMPLE / "topology.json", tmp_path)
    network = read_explained(tmp_path / "topology.json", None).network
    first, second = list(network.circuits)[:2]
    sources = '["a.ics", "b.ics", "broken.csv", "gone.ics"]'
    (tmp_path / "site.toml").write_text(f'[sources]\ntopology = "topology.json"\ncalendar = {sources}\n')

    def note(circuit, sequence, status):
        lines = (f"UID:{circuit}", f"SEQUENCE:{sequence}", f"RESOURCES:{circuit}", f"STATUS:{status}")
        times = ("DTSTART:20261130T010000Z", "DTEND:20261130T030000Z")
        return "\r\n".join(("BEGIN:VEVENT", *lines, *times, "END:VEVENT"))

    def calendar(*notes):
        return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *notes, "END:VCALENDAR", ""))

    (tmp_path / "a.ics").write_text(calendar(note(first, 1, "CONFIRMED"), note(second, 1, "CONFIRMED")))
    (tmp_path / "b.ics").write_text(calendar(note(first, 2, "CANCELLED")))
    (tmp_path / "broken.csv").write_text("nothing,of,it\n1,2,3\n")
    site = read_site(tmp_path)
    found = site.calendars(network, NOW)
    assert [(x.name, x.works, bool(x.failed)) for x in found.each] == [
        ("a.ics", 2, False),
        ("b.ics", 0, False),
        ("broken.csv", 0, True),
        ("gone.ics", 0, True),
    ]
    assert [x.elements for x in found.works] == [(second,)]
    told = [(x.state, x.got) for x in try_site(site, lambda: NOW) if x.name == "calendar"]
    assert [x for x, _ in told] == ["ok", "ok", "broken", "broken"]
    assert "gone.ics" in told[3][1]
