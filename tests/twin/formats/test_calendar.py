"""Planned work from iCalendar files, mails and tables."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.suites import data_folder
from tests.twin.optimise.networks import network_of
from twin.errors import FormatError, InputError
from twin.formats.calendar import read_calendar, read_objects

NOW = datetime(2026, 11, 29, 18, tzinfo=UTC)
NETWORK = network_of([("a", "b", 100.0, 1), ("b", "c", 100.0, 1), ("c", "a", 100.0, 1)], {("a", "b"): 5.0})
AB, BC = "link/a:b--b:a", "link/b:c--c:b"
NOTE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Carrier//EN
BEGIN:VEVENT
UID:{uid}
SEQUENCE:{sequence}
DTSTAMP:20261120T080000Z
DTSTART:20261130T010000Z
{end}
X-MAINTNOTE-PROVIDER:carrier.example
X-MAINTNOTE-MAINTENANCE-ID:PW-1
X-MAINTNOTE-IMPACT:{impact}
X-MAINTNOTE-STATUS:{status}
{objects}
END:VEVENT
END:VCALENDAR
"""


def note(**given):
    said = {
        "uid": "1@carrier",
        "sequence": 1,
        "end": "DTEND:20261130T050000Z",
        "impact": "OUTAGE",
        "status": "CONFIRMED",
        "objects": "X-MAINTNOTE-OBJECT-ID:IC-1",
    }
    return NOTE.format(**{**said, **given}).replace("\n", "\r\n")


def read(tmp_path, *texts, now=NOW, objects=None, zone=UTC, suffix=".ics"):
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}{suffix}")
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_calendar(paths, NETWORK, now=now, objects={"IC-1": "a-b"} if objects is None else objects, zone=zone)


def test_a_providers_note_takes_its_circuit_away_from_its_start_to_its_end(tmp_path):
    (work,) = read(tmp_path, note()).works
    assert (work.name, work.who, work.elements) == ("PW-1", "carrier.example", (AB,))
    assert (work.begins, work.ends) == (datetime(2026, 11, 30, 1, tzinfo=UTC), datetime(2026, 11, 30, 5, tzinfo=UTC))


@pytest.mark.parametrize("status", ["CANCELLED", "COMPLETED"])
def test_the_highest_sequence_counts_whatever_the_order_of_the_files(tmp_path, status):
    off = note(sequence=2, status=status)
    assert read(tmp_path, note(), off).works == read(tmp_path, off, note()).works == ()
    assert len(read(tmp_path, off, note(sequence=3)).works) == 1


def test_each_object_has_its_own_impact(tmp_path):
    objects = (
        "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=NO-IMPACT:IC-1\r\n"
        "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=OUTAGE:b-c"
    )
    assert [x.elements for x in read(tmp_path, note(objects=objects)).works] == [(BC,)]
    assert read(tmp_path, note(impact="NO-IMPACT")).works == ()


def test_what_is_missing_or_unknown_is_a_question(tmp_path):
    for text, words in (
        (note(end=""), "no end"),
        (note(objects=""), "names no element"),
        (note(objects="X-MAINTNOTE-OBJECT-ID:IC-9"), "IC-9"),
    ):
        found = read(tmp_path, text)
        assert found.works == ()
        assert len(found.questions) == 1
        assert words in found.questions[0]


def test_work_that_recurs_keeps_its_wall_clock_over_a_change_of_clocks(tmp_path):
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260301T000000Z\r\n"
        "DTSTART;TZID=Europe/Zurich:20260301T220000\r\nDTEND;TZID=Europe/Zurich:20260301T230000\r\n"
        "RRULE:FREQ=WEEKLY;BYDAY=SA,SU\r\nEXDATE;TZID=Europe/Zurich:20260405T220000\r\nRESOURCES:node/c,b-c\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    found = read(tmp_path, text, now=datetime(2026, 3, 27, tzinfo=UTC)).works
    starts = [x.begins for x in found]
    assert starts == [datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 3, 29, 20, tzinfo=UTC),
                      datetime(2026, 4, 4, 20, tzinfo=UTC)]  # fmt: skip
    assert found[0].elements == ("node/c", BC)


def test_a_mail_is_read_by_its_calendar_part(tmp_path):
    mail = EmailMessage()
    mail["Subject"] = "Planned work"
    mail.set_content("See the attachment: SHUT ALL LINKS NOW")
    mail.add_attachment(note().encode(), maintype="text", subtype="calendar", filename="note.ics")
    assert [x.elements for x in read(tmp_path, bytes(mail), suffix=".eml").works] == [(AB,)]
    plain = EmailMessage()
    plain.set_content("no calendar")
    with pytest.raises(FormatError, match="text/calendar"):
        read(tmp_path, bytes(plain), suffix=".eml")


def test_a_table_of_changes_takes_the_zone_of_the_site(tmp_path):
    text = "name,element,begins,ends,who,status\nCHG1,a-b,2026-11-30T02:00,2026-11-30T04:00,field team,\n"
    text += "CHG2,b-c,2026-11-30T02:00,2026-11-30T04:00,,cancelled\nCHG3,c-a,2026-11-30T02:00,,,\n"
    found = read(tmp_path, text, suffix=".csv", zone=ZoneInfo("Europe/Zurich"))
    (work,) = found.works
    assert (work.name, work.begins) == ("CHG1", datetime(2026, 11, 30, 1, tzinfo=UTC))
    assert found.questions == ("planned work CHG3: it has no end",)
    with pytest.raises(FormatError, match="line 2"):
        read(tmp_path, "element,begins,ends\na-b,tomorrow,later\n", suffix=".csv")


def test_what_providers_call_circuits_is_a_table(tmp_path):
    (tmp_path / "objects.csv").write_text("object,element\nIC-7,b-c\n")
    assert read_objects(tmp_path / "objects.csv") == {"IC-7": "b-c"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([".ics", ".eml", ".csv"]))
def test_whatever_a_file_holds_it_is_read_or_refused_in_one_line(tmp_path, junk, cut, suffix):
    text = note().encode()
    with suppress(InputError):  # anything else would be a bug
        read(tmp_path, text[:cut] + junk + text[cut:], suffix=suffix)


def test_published_notes_give_the_events_that_other_code_found():
    try:
        folder = data_folder("dialects") / "maintenance"
    except InputError:
        pytest.skip("the folder of published notes is not here")
    for path in sorted(folder.glob("*.ics")):
        expected = json.loads((folder / f"{path.name}.expected.json").read_text())["events"]
        events = [x for x in expected if x.get("status") not in ("CANCELLED", "COMPLETED")]
        known = {name: "a-b" for x in events for name, _ in x["objects"]}
        begin = min((datetime.fromisoformat(x["dtstart"]) for x in expected), default=NOW) - timedelta(days=1)
        found = read_calendar([path], NETWORK, now=begin, objects=known)
        hurt = [
            x
            for x in events
            if not x["missing"] and any((own or x.get("impact")) != "NO-IMPACT" for _, own in x["objects"])
        ]
        assert {x.name for x in found.works} == {x["maintenance_id"] for x in hurt if "dtend" in x}, path.name
        asked = [x for x in events if {"dtend", "dtstart", "object_id"} & set(x["missing"])]
        assert len(found.questions) == len(asked), path.name
