"""Flow records of nfdump and pmacct, one by one: CSV, JSON, or the files of nfcapd, which nfdump is asked to read."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from math import nan
from typing import NamedTuple

from twin.errors import InputError
from twin.files import MAX_BYTES, parse_json, read_head, read_text, require_file

from ..source import Source
from .moments import moment
from .part import Options

_NFCAPD = b"\x0c\xa5"
"""First bytes of a file of nfcapd, of versions 1.6 and 1.7."""
_PRINTED = ("ts", "te", "tr", "sa", "da", "sp", "dp", "pr", "ibyt", "ra")
_FORMAT = "fmt:%tsr,%ter,%trr,%sa,%da,%sp,%dp,%pr,%byt,%ra"  # times in epoch seconds: no zone is in them
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "source": ("sa", "srcaddr", "src4_addr", "src6_addr", "ip_src", "src_ip", "srcip", "src_host", "src_net"),
    "target": ("da", "dstaddr", "dst4_addr", "dst6_addr", "ip_dst", "dst_ip", "dstip", "dst_host", "dst_net"),
    "octets": ("ibyt", "in_bytes", "bytes", "byt", "octets", "inbytes"),
    "packets": ("ipkt", "in_packets", "packets", "pkt"),
    "first": ("ts", "first", "timestamp_start", "stamp_inserted", "tstart", "firstseen"),
    "last": ("te", "last", "timestamp_end", "stamp_updated", "timestamp_max", "lastseen"),
    "received": ("tr", "received", "timestamp_export", "timestamp_arrival"),
    "exporter": ("ra", "ip4_router", "ip6_router", "peer_ip_src", "exporter", "agent", "peer_src_ip"),
    "source_port": ("sp", "src_port", "port_src"),
    "target_port": ("dp", "dst_port", "port_dst"),
    "protocol": ("pr", "proto", "ip_proto"),
    "sampling": ("sampling_rate", "sampling", "samplerate"),
}


class Flow(NamedTuple):
    """One record: addresses, octets on the wire as far as the tool knows, epoch seconds, and who exported it."""

    source: str
    target: str
    octets: float
    first: float
    last: float
    received: float
    exporter: str
    key: tuple[str, str, str]
    sampling: float


def is_nfcapd(head: bytes) -> bool:
    """Whether a file is one of nfcapd's own, by its first bytes."""
    return head.startswith(_NFCAPD)


def is_flows(path: str, head: bytes) -> bool:
    """Whether a file looks like flow records, by its first bytes."""
    if is_nfcapd(head):
        return True
    if path.lower().endswith(".parquet"):
        return False
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n[")
    if text.startswith("{"):
        start = text[:4000]
        return _has(re.findall(r'"(\w+)"\s*:', start))
    return _has(word.strip().strip('"').lower() for word in text.partition("\n")[0].split(","))


def flow_records(path: str, options: Options) -> tuple[list[Flow], bool]:
    """Read the records of one file, and whether its last line was left out, as somebody was still writing it.

    Raises `FormatError` on what is no such file, and `InputError` where nfdump is needed and not there.
    """
    source = Source(path)
    text, cut = _whole_lines(_text(source))
    return list(_records(source, text, options)), cut


def _text(source: Source) -> str:
    if not is_nfcapd(read_head(source.path, 2)):
        return read_text(source.path)
    found = shutil.which("nfdump")
    if found is None:
        fix = "install nfdump, or let it write: nfdump -r FILE -o csv"
        raise InputError(f"{source.path} is a file of nfcapd, which nfdump alone can read", fix=fix)
    words = [found, "-r", str(require_file(source.path).absolute()), "-q", "-N", "-6", "-o", _FORMAT]
    with tempfile.TemporaryFile() as errors, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors) as tool:  # noqa: S603 - our own words
        assert tool.stdout is not None  # noqa: S101 - as asked
        text = tool.stdout.read(MAX_BYTES + 1).decode("utf-8", errors="replace")
        if len(text) > MAX_BYTES:
            tool.kill()
            raise source.error("the whole file", f"at most {MAX_BYTES >> 20} MiB of records: rotate more often")
        tool.wait()
        errors.seek(0)
        said = errors.read(400).decode("utf-8", errors="replace").strip()
    if said or tool.returncode:  # it ends with 0 whatever it says
        raise source.error("the whole file", f"a whole file of nfcapd; nfdump says: {said or tool.returncode}")
    rows = [line for line in text.splitlines() if line.count(",") == len(_PRINTED) - 1]
    return "\n".join([",".join(_PRINTED), *rows, ""])


def _whole_lines(text: str) -> tuple[str, bool]:
    """Text without a last line that nobody has ended, where there are others: its last number may lack digits."""
    if text.endswith("\n") or text.lstrip("\ufeff \t\r\n").startswith("["):
        return text, False
    before, _, last = text.rpartition("\n")
    if last.startswith("{"):
        try:
            parse_json(last)
        except ValueError:
            return before, True
        return text, False
    return (before, True) if before.count("\n") else (text, False)


def _has(words: Iterable[str]) -> bool:
    found = {word.lower() for word in words}
    return all(found & set(_FIELDS[x]) for x in ("source", "target", "octets"))


def _records(source: Source, text: str, options: Options) -> Iterator[Flow]:
    names: dict[str, str] = {}
    for row in _rows(source, text):
        if not names:
            names = {x: n for x, known in _FIELDS.items() if (n := next((n for n in known if n in row), None))}
        found = {x: row.get(n, "") for x, n in names.items()}
        for end, wide in (("source", "src6_addr"), ("target", "dst6_addr")):
            found[end] = found.get(end) or row.get(wide, "") or row.get(wide.replace("6", "4"), "")
        octets = _number(found.get("octets", ""))
        if not found["source"] or not found["target"] or octets is None:
            continue
        times = [_time(found.get(x, ""), options) for x in ("first", "last", "received")]
        key = (found.get("protocol", ""), found.get("source_port", ""), found.get("target_port", ""))
        first = times[0] if times[0] is not None else times[2]
        if first is None:
            continue
        last = times[1] if times[1] is not None and times[1] >= first else first
        source_at, target_at, exporter = (sys.intern(found.get(x, "")) for x in ("source", "target", "exporter"))
        received = times[2] if times[2] is not None else nan
        sampling = _number(found.get("sampling", "")) or 0.0
        yield Flow(source_at, target_at, octets, first, last, received, exporter, key, sampling)


def _rows(source: Source, text: str) -> Iterator[Mapping[str, str]]:
    """Rows as texts by name; of an nfdump CSV those before its summary."""
    if text.lstrip().startswith(("{", "[")):
        for entry in _objects(source, text):
            yield {str(name).lower(): "" if value is None else str(value) for name, value in entry.items()}
        return
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if line.strip() == "Summary" or line.startswith("#")), len(lines))
    try:
        for row in csv.DictReader(io.StringIO("\n".join(lines[:end]))):
            yield {
                (name or "").strip().lower(): (value or "").strip()
                for name, value in row.items()
                if isinstance(value, str)
            }
    except csv.Error as error:
        raise source.error("the whole file", f"CSV; {error}") from error


def _objects(source: Source, text: str) -> Iterator[Mapping[str, object]]:
    """Objects of JSON lines, of a list, or of texts such as nfdump's, one after the other with commas in between."""
    decoder, at = json.JSONDecoder(), 0
    try:
        whole = parse_json(text)
        yield from (x for x in (whole if isinstance(whole, list) else [whole]) if isinstance(x, dict))
        return
    except ValueError:
        pass
    while True:
        while at < len(text) and text[at] in " \t\r\n,[]":
            at += 1
        if at >= len(text):
            return
        try:
            entry, end = decoder.raw_decode(text, at)
            parse_json(text[at:end])
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise source.error(f"line {line}", "one JSON object after the other") from error
        if isinstance(entry, dict):
            yield entry
        at = end


def _number(text: str) -> float | None:
    """A number, with nfdump's K, M and G where it scales."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)\s*", text)
    return float(match[1]) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[match[2]] if match else None


def _time(text: str, options: Options) -> float | None:
    if re.fullmatch(r"\d{9,11}(?:\.\d+)?", text):
        return float(text)
    found = moment(text, zone=options.zone) if text else None
    return found if found is not None and found > 0 else None
