"""The frame of a log line: priority, time, host and message, as RFC 5424, RFC 3164 and routers' own logs write them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from .moments import moment

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_ZONE = r"(?: (?:UTC|GMT|[A-Z]{3,4})(?=[ :]|$))?"
_ISO = rf"\d{{4}}-\d{{1,2}}-\d{{1,2}}[T ]{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?"
_SLASHED = rf"\d{{4}}/\d{{2}}/\d{{2}} {_CLOCK}"
_NAMED = rf"(?:\d{{4}} +)?{_MONTH} +\d{{1,2}} +(?:\d{{4}} +)?{_CLOCK}{_ZONE}"
_TIME = re.compile(rf"(?P<iso>{_ISO})|(?P<slashed>{_SLASHED})|(?P<named>{_NAMED})")
_PRIORITY = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<msgid>\S+) (?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+) ?"
)
_HOST = re.compile(r"(?![\d.]+$)[A-Za-z0-9][\w.-]{0,120}$")
_MNEMONIC = re.compile(r"%[A-Z][A-Z0-9_-]*-(?:[A-Z0-9_]+-)*([0-7])-[A-Z0-9_]+ ?:")
_INFORMATIONAL, _LONGEST = 6, 2_000
_MONTHS = {name: i for i, name in enumerate(re.findall("[A-Z][a-z]{2}", _MONTH), start=1)}
_FRR = re.compile(r"(?:\w+: |(isis|ospf|zebra|bgp)d?(?:\[\d+\])?: )(?:\[[\w-]{1,24}\]|\[EC \d{1,12}\])+ ?")
"""The mark of FRR behind the daemon's name: a code of the message's place in the source, and of its kind."""


class FramedLine(NamedTuple):
    """One log line: when, by the writer's clock; who wrote it, empty where it does not say; and what it says."""

    time: float | None
    host: str
    severity: int
    message: str


def read_lines(text: str, *, now: datetime, zone: tzinfo = UTC) -> Iterator[FramedLine]:
    """Read log lines; one without a time has None. A time without a year is in the year that puts it before `now`."""
    for raw in text.splitlines():
        line = raw.strip()[:_LONGEST]
        if line:
            yield read_line(line, now=now, zone=zone)


def read_line(line: str, *, now: datetime, zone: tzinfo = UTC) -> FramedLine:
    """Read one log line, of whatever make."""
    priority = _PRIORITY.match(line)
    severity = int(priority[1]) & 7 if priority and int(priority[1]) < 192 else None
    rest = line[priority.end() :] if priority else line
    modern = _RFC5424.match(rest)
    if modern is not None:
        host = "" if modern["host"] == "-" else modern["host"]
        message = rest[modern.end() :].lstrip("\ufeff")
        app = f"{modern['app']}[{modern['pid']}]: " if modern["pid"].isdigit() and not message.startswith("%") else ""
        return _line(_seconds(modern["time"], now, zone), host, severity, app + message)
    found = _TIME.search(rest[:160])
    if found is None:
        return _line(None, "", severity, rest)
    before, after = rest[: found.start()], rest[found.end() :]
    host = _host_before(before)
    if not host:
        host, after = _host_after(after)
    own = re.sub(r"^[ :*.]*(?:\d+: )?[ :*.]*", "", after)
    if _TIME.match(own):  # a relay's time, then the router's own
        return read_line(f"<{severity or _INFORMATIONAL}>{own}", now=now, zone=zone)._replace(host=host)
    return _line(_seconds(found[0], now, zone), host, severity, after)


def _line(time: float | None, host: str, severity: int | None, message: str) -> FramedLine:
    mnemonic = _MNEMONIC.search(message)
    if mnemonic is not None:
        message = message[mnemonic.start() :]
        severity = int(mnemonic[1])
    message = message.strip(" :")
    mark = _FRR.match(message)
    if mark is not None:
        message = f"{mark[1].upper() if mark[1] else mark[0].partition(':')[0]}: {message[mark.end() :]}"
    return FramedLine(time, host, _INFORMATIONAL if severity is None else severity, message)


def _seconds(text: str, now: datetime, zone: tzinfo) -> float | None:
    named = re.match(rf"(?:(\d{{4}}) +)?({_MONTH}) +(\d{{1,2}}) +(?:(\d{{4}}) +)?({_CLOCK})(.*)", text)
    if named is None:
        iso = re.sub(r"-(\d)(?=-|[T ])", r"-0\1", text)
        return moment(iso, zone=zone)
    year = named[1] or named[4]
    day, clock = f"{_MONTHS[named[2]]:02d}-{int(named[3]):02d}", named[5] + named[6]
    if year is not None:
        return moment(f"{year}-{day} {clock}", zone=zone)
    latest = (now + timedelta(days=1)).timestamp()
    years = (moment(f"{y}-{day} {clock}", zone=zone) for y in range(now.year + 1, now.year - 9, -1))
    return next((seconds for seconds in years if seconds is not None and seconds <= latest), None)


def _host_before(text: str) -> str:
    """The host in what stands before the time: `521: router1: *`, `12: gw1 RP/0/RSP0/CPU0:`."""
    words = [word.strip("*.:") for word in text.replace("*", " ").split()]
    return next((x for x in words if _HOST.match(x) and "/" not in x and not x.startswith(("RP", "LC"))), "")


def _host_after(text: str) -> tuple[str, str]:
    """The host behind the time, and the rest; none where a program or a mnemonic stands there."""
    match = re.match(r" +(\S+) +(?=\S)", text)
    if match is None or not _HOST.match(match[1]):
        return "", text
    return match[1], text[match.end() :]
