"""Log files as the twin's events: lines of routers in known words name the interface as the twin does.

What is not known is kept as it is, and counted by template: the words of a line without what varies in it.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from twin.files import read_text
from twin.live.network import Event
from twin.model import Network
from twin.untrusted import clean

from ..account import Account, FieldUse
from ..source import Source
from .interfaces import Interfaces, most_common
from .log_frames import FramedLine, read_line, read_lines
from .part import Options, Part, use
from .sheet import header_of

MOST_LINES = 500_000
_SHOWN = 8
_VARIES = re.compile(
    r"(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}|(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|\d+(?:\.\d+){3}(?:/\d+)?"
    r"|\b[A-Za-z][A-Za-z-]*\d+(?:[/.:]\d+)+|\b0x[0-9a-fA-F]+|[0-9a-fA-F:]*:[0-9a-fA-F]*:[0-9a-fA-F:]+|'[^']*'|\"[^\"]*\"|\d+"
)
_NAME = r"(?P<interface>[A-Za-z][\w./:+-]{0,69}?)"
_PEER = r"(?P<interface>[0-9A-Fa-f][0-9A-Fa-f.:]{1,45}?)"
_PLACES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bInterface {_NAME}(?: \([^)]{{0,80}}\))?(?:,? changed state to| is (?:up|down)| has turned into)",
        r"\bInterface (?P<interface>to [\w.&+-]{1,64}), changed state to",
        rf"\bNbr \S{{1,70}} on {_NAME}(?: in area \S{{1,15}})? from ",
        rf"\(default\) on {_NAME}(?::[\d.]+): ",
        rf"\bAdjacency to [\w.-]{{1,64}} \({_NAME}\)",
        rf"\b(?:lost|new) L[12] adjacency to [\w.-]{{1,64}} on {_NAME}(?:,|$)",
        rf"\(realm ospf-v[23] {_NAME} area ",
        rf"\bifName {_NAME}(?:$|\s)",
        rf"\bSystemID \S{{1,64}} on {_NAME} to ",
        rf"\b(?:neighbor|[pP]eer(?: \d{{1,6}}:)?|BGP_CEASE_PREFIX_LIMIT_EXCEEDED:) {_PEER}(?:[\s(]|:? |$)",
        rf"\b(?:received from|sent to) {_PEER}(?:[\s(]|:? |$)",
    )
)


def is_log(path: str, head: bytes) -> bool:
    """Whether a file looks like log lines: no header comes first, and half of its first lines have a time."""
    if path.lower().endswith((".parquet", ".json")) or b"\0" in head:
        return False
    if _table_of_logs(path):
        return True
    lines = [line for line in head.decode("utf-8", errors="replace").splitlines()[:20] if line.strip()]
    now = datetime(2100, 1, 1, tzinfo=UTC)
    good = [
        x
        for x in (read_line(line.strip()[:2000], now=now) for line in lines)
        if x.time is not None and " " in x.message
    ]
    headed = bool(lines) and re.fullmatch(r"[^\d%]*", lines[0]) is not None
    return not headed and len(good) * 2 >= len(lines) > 0


def read_log(path: str, network: Network, options: Options) -> Part:
    """Read log lines, RFC 5424, RFC 3164 or a router's own, or a table `time, node, message`.

    Lines of no node of the network are left out and counted. A file that names no host is of the node that it is
    called after. Raises `FormatError` when no line has a time.
    """
    source, found = Source(path), Interfaces(network, options.names, options.ports)
    now = options.now or datetime.now(UTC)
    lines = list(_lines(source, read_text(path), now, options))
    if not any(line.time is not None for line in lines):
        raise source.error("the whole file", "log lines with a time, such as RFC 5424 or RFC 3164 writes them")
    named_after = found.node(Path(path).name.partition(".")[0].removesuffix("_log"))
    events: list[Event] = []
    strangers: list[str] = []
    undated = 0
    unknown: Counter[str] = Counter()
    for line in lines[:MOST_LINES]:
        node = found.node(line.host) if line.host else named_after
        if line.time is None or node < 0:
            undated += line.time is None
            strangers += [line.host or "nobody"] if line.time is not None else []
            continue
        message, known = _named_as_the_twin_does(line.message, node, found)
        unknown.update([] if known else [template(line.message)])
        events.append(Event(line.time, network.nodes[node].name, line.severity, message))
    events.sort(key=lambda event: event.time)
    uses = _uses(len(events), unknown, strangers, (undated, max(0, len(lines) - MOST_LINES)))
    end = events[-1].time if events else np.nan
    return Part(Account(file=path, format="log lines", fields=tuple(uses)), events=tuple(events), end=end)


def template(message: str) -> str:
    """The words of a message without what varies from one line to the next: numbers, addresses, interfaces, quotes."""
    return clean(_VARIES.sub("*", message), 120)


def _lines(source: Source, text: str, now: datetime, options: Options) -> Iterator[FramedLine]:
    if not _table_of_logs(source.path):
        yield from read_lines(text, now=now, zone=options.zone)
        return
    try:
        for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))):
            words = {str(name).strip().lower(): value for name, value in row.items() if isinstance(value, str)}
            time = next((words[x] for x in _TIMES if x in words), "")
            host = next((words[x] for x in _HOSTS if x in words), "")
            message = next((words[x] for x in _MESSAGES if x in words), "")
            yield read_line(f"{time} {host} {message}"[:2_000], now=now, zone=options.zone)
    except csv.Error as error:
        raise source.error("the whole file", f"CSV; {error}") from error


_TIMES, _HOSTS, _MESSAGES = (
    ("time", "timestamp", "date"),
    ("node", "host", "hostname", "device"),
    ("message", "msg", "text"),
)


def _table_of_logs(path: str) -> bool:
    words = {word.lower() for word in header_of(path)}
    return all(words & set(x) for x in (_TIMES, _HOSTS, _MESSAGES))


def _named_as_the_twin_does(message: str, node: int, found: Interfaces) -> tuple[str, bool]:
    """The message with its interface called as the twin calls it, and whether it is of known words."""
    for pattern in _PLACES:
        match = pattern.search(message)
        if match is None:
            continue
        name = match["interface"]
        forms = (name, name.partition(".")[0] if "." in name else "", name.removeprefix("to "))
        link = found.leaving(node, [form for form in forms if form])
        if link >= 0:
            twin_name = found.network.links[link].interface.rpartition("/")[2]
            again = rf"(?<![\w./:-]){re.escape(name)}(?![\w./-]|:\w)"  # some lines name it twice
            rest = re.sub(again, twin_name, message[match.end("interface") :])
            return message[: match.start("interface")] + twin_name + rest, True
        return message, True
    return message, False


def _uses(count: int, unknown: Counter[str], strangers: Iterable[str], left_out: tuple[int, int]) -> Iterator[FieldUse]:
    lost = sum(unknown.values())
    yield use("log lines", "used", count - lost, "lines on interfaces and neighbours, in words that are known")
    for words, times in unknown.most_common(_SHOWN):
        yield use(f"lines like {words}", "not modelled", times, "of no known words: kept as they are")
    rest = lost - sum(times for _, times in unknown.most_common(_SHOWN))
    if rest:
        yield use(f"lines of {len(unknown) - _SHOWN} other templates", "not modelled", rest, "kept as they are")
    hosts = [clean(host, 60) for host in strangers]
    if hosts:
        yield use("log lines", "not modelled", len(hosts), f"of no node of the network: {most_common(hosts)}")
    undated, more = left_out
    if undated:
        yield use("log lines", "not modelled", undated, "without a time: left out")
    if more:
        yield use("log lines", "not modelled", more, f"after the first {MOST_LINES:,}: not read")
