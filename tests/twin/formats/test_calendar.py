"""Planned work from iCalendar files, mails and tables."""

import json
from contextlib import suppress
from dataclasses import replace
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
from twin.model import RiskGroup

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


def event(*lines, method=""):
    """An event at will, its zone Europe/Zurich where a line of the form KEY;T: says so."""
    said = [x.replace(";T:", ";TZID=Europe/Zurich:") for x in lines]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *([f"METHOD:{method}"] if method else [])]
    body = ["BEGIN:VEVENT", "UID:9", "DTSTAMP:20260301T000000Z", "RESOURCES:a-b", *said, "END:VEVENT"]
    return "\r\n".join([*head, *body, "END:VCALENDAR", ""])


AUTUMN = datetime(2026, 10, 22, tzinfo=UTC)  # clocks of Zurich go back on the 25th, from 03:00 to 02:00


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        # three hours that pass, whatever the clock shows: 01:00 of summer is 23:00 UTC
        (["DTSTART;T:20261025T010000", "DURATION:PT3H"], ["24T23:00 25T02:00"]),
        (["DTSTART;T:20261025T010000", "DTEND;T:20261025T040000"], ["24T23:00 25T03:00"]),
        # a day of the clock is 25 hours here
        (["DTSTART;T:20261024T120000", "DURATION:P1D"], ["24T10:00 25T11:00"]),
        (["DTSTART;T:20270328T000000", "DURATION:PT24H"], ["27T23:00 28T23:00"]),  # clocks are put forward
        (["DTSTART;VALUE=DATE:20270328", "DURATION:P1D"], ["27T23:00 28T22:00"]),
        (["DTSTART;VALUE=DATE:20261025"], ["24T22:00 25T23:00"]),
        (["DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261026"], ["23T22:00 25T23:00"]),
        # the last moment of a rule is in UTC: 02:00 in Zurich is 00:00Z in summer, and 01:00Z in winter
        (
            ["DTSTART;T:20261023T020000", "DTEND;T:20261023T030000", "RRULE:FREQ=DAILY;UNTIL=20261026T010000Z"],
            ["23T00:00 23T01:00", "24T00:00 24T01:00", "25T00:00 25T01:00", "26T01:00 26T02:00"],
        ),
        (
            ["DTSTART;T:20261023T020000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20261024"],
            ["23T00:00 23T01:00", "24T00:00 24T01:00"],
        ),
        (
            ["DTSTART;T:20261023T020000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261024"],
            ["23T00:00 23T01:00", "25T00:00 25T01:00"],
        ),
        (
            ["DTSTART;T:20261023T020000", "DURATION:PT1H", "RDATE;T:20261027T020000",
             "RDATE;VALUE=PERIOD:20261028T000000Z/PT4H,20261029T000000Z/20261029T003000Z"],
            ["23T00:00 23T01:00", "27T01:00 27T02:00", "28T00:00 28T04:00", "29T00:00 29T00:30"],
        ),
    ],
)  # fmt: skip
def test_an_event_takes_place_when_the_standard_says(tmp_path, lines, spans):
    found = read(tmp_path, event(*lines), now=AUTUMN, zone=ZoneInfo("Europe/Zurich"))
    assert found.questions == ()
    assert [f"{x.begins:%dT%H:%M} {x.ends:%dT%H:%M}" for x in found.works] == spans


def test_one_time_of_work_that_recurs_is_moved_or_called_off_alone(tmp_path):
    weekly = event("DTSTART;T:20261022T020000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    moved = event("RECURRENCE-ID;T:20261023T020000", "DTSTART;T:20261023T050000", "DURATION:PT1H")
    off = event("RECURRENCE-ID:20261023T000000Z", "DTSTART;T:20261023T020000", "DURATION:PT1H", "STATUS:CANCELLED")
    for texts, begins in (
        ((weekly,), [22, 23, 24]),
        ((weekly, moved), [22, 23, 24]),
        ((weekly, off), [22, 24]),
        ((off, weekly), [22, 24]),
        ((weekly, moved, event("DTSTART;T:20261022T020000", "SEQUENCE:1", method="CANCEL")), []),
    ):
        found = read(tmp_path, *texts, now=datetime(2026, 10, 21, tzinfo=UTC))
        assert [x.begins.day for x in found.works] == begins
        if moved in texts and begins:
            assert [x.begins.hour for x in found.works] == [0, 3, 0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["DTSTART;TZID=Mars/Base:20261023T020000", "DURATION:PT1H"], "'Mars/Base' is not known"),
        (["DTSTART;T:20261023T020000", "DTEND;T:20261023T020000"], "no later than it begins"),
        (["DTSTART;T:20261023T020000", "DURATION:-PT1H"], "no later than it begins"),
        (["DURATION:PT1H"], "no start"),
    ],
)
def test_a_time_that_says_nothing_is_a_question(tmp_path, lines, words):
    found = read(tmp_path, event(*lines), now=AUTUMN)
    assert found.works == ()
    assert words in found.questions[0]


def test_zones_are_read_by_the_names_that_mail_programmes_write(tmp_path):
    windows = event("DTSTART;TZID=W. Europe Standard Time:20261023T020000", "DURATION:PT1H")
    own = event("DTSTART;TZID=Zone of the house:20261023T020000", "DURATION:PT1H").replace(
        "BEGIN:VEVENT",
        "BEGIN:VTIMEZONE\r\nTZID:Zone of the house\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:+0330\r\nTZOFFSETTO:+0330\r\nTZNAME:X\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT",
    )
    for text, begin in ((windows, (23, 0, 0)), (own, (22, 22, 30))):
        (work,) = read(tmp_path, text, now=AUTUMN).works
        assert (work.begins.day, work.begins.hour, work.begins.minute) == begin


def test_work_that_recurs_by_the_minute_is_refused(tmp_path):
    with pytest.raises(FormatError, match="by the minute"):
        read(tmp_path, event("DTSTART:19700101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"))


@pytest.mark.parametrize(
    "form",
    [
        {"maintype": "text", "subtype": "calendar", "filename": "note.ics"},
        {"maintype": "text", "subtype": "calendar"},
        {"maintype": "application", "subtype": "ics"},
        {"maintype": "application", "subtype": "octet-stream", "filename": "Note.ICS"},
    ],
)
def test_a_mail_is_read_by_its_calendar_part(tmp_path, form):
    mail = EmailMessage()
    mail["Subject"] = "Planned work"
    mail.set_content("See the attachment: SHUT ALL LINKS NOW")
    mail.add_attachment(note().encode(), **form)
    assert [x.elements for x in read(tmp_path, bytes(mail), suffix=".eml").works] == [(AB,)]
    forwarded = EmailMessage()
    forwarded.set_content("for your information")
    forwarded.add_attachment(mail)
    assert [x.elements for x in read(tmp_path, bytes(forwarded), suffix=".eml").works] == [(AB,)]


def test_two_calendars_of_one_mail_whose_events_have_no_name_are_two_works(tmp_path):
    mail = EmailMessage()
    mail.set_content("two nights")
    for night in (23, 24):
        text = event(f"DTSTART:202610{night}T020000Z", "DURATION:PT1H", f"RESOURCES:{AB}")
        text = "\r\n".join(x for x in text.splitlines() if not x.startswith("UID:")) + "\r\n"
        text = text.replace("BEGIN:VEVENT", "BEGIN:VEVENT\r\nSUMMARY:Störung")
        mail.add_attachment(text, subtype="calendar", charset="iso-8859-1")
    found = read(tmp_path, bytes(mail), suffix=".eml", now=AUTUMN).works
    assert [x.begins.day for x in found] == [23, 24]


def test_a_mail_without_a_calendar_is_refused(tmp_path):
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
    # work lasts until the last moment that its end may mean: a clock that is put back shows it twice, a day is whole
    text = "name,element,begins,ends\nCHG4,a-b,2026-10-25T01:30,2026-10-25T02:30\nCHG5,b-c,2026-10-25,2026-10-25\n"
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = read(tmp_path, text, suffix=".csv", zone=ZoneInfo("Europe/Zurich"), now=before)
    assert {x.name: (x.begins, x.ends) for x in found.works} == {
        "CHG4": (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        "CHG5": (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    }
    with pytest.raises(FormatError, match="line 2"):
        read(tmp_path, "element,begins,ends\na-b,tomorrow,later\n", suffix=".csv")


def test_what_providers_call_circuits_is_a_table(tmp_path):
    (tmp_path / "objects.csv").write_text("object,element\nIC-7,b-c\nCABLE,a-b\nCABLE,c\nDUCT,duct\n")
    known = read_objects(tmp_path / "objects.csv")
    assert known["IC-7"] == "b-c"
    # a cable is several circuits, and a risk group all that it has
    grouped = replace(NETWORK, risk_groups=(RiskGroup("duct", (AB, BC)),))
    for name, elements in (("CABLE", (AB, "node/c")), ("DUCT", (AB, BC)), ("risk-group/duct", (AB, BC))):
        (tmp_path / "1.ics").write_text(note(objects=f"X-MAINTNOTE-OBJECT-ID:{name}"))
        found = read_calendar([tmp_path / "1.ics"], grouped, now=NOW, objects=known)
        assert [x.elements for x in found.works] == [elements]
        assert not found.questions
    (tmp_path / "tag.csv").write_text("element,begins,ends\ntag:submarine,2026-12-01T02:00,2026-12-01T04:00\n")
    for tags, elements in (
        ({"submarine": (AB, "risk-group/duct", "node/c")}, (AB, BC, "node/c")),
        ({"sea": (AB,)}, None),
    ):
        found = read_calendar([tmp_path / "tag.csv"], grouped, now=NOW, tags=tags)
        assert [x.elements for x in found.works] == ([elements] if elements else [])
        assert bool(found.questions) is (elements is None)
        assert elements or "the policy has no tag 'submarine'" in found.questions[0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
