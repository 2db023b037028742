"""`show isis database detail|verbose|extensive` as text: IOS-XE, IOS-XR, NX-OS, FRR, EOS, Junos and SR OS print it.

The dialect is told by the line above the LSPs. A block begins only where its head was understood: a line that looks
like the head of an LSP and is not is an error, never text of the block before.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from twin.formats.build import Choices
from twin.formats.content import Content
from twin.formats.records import Records
from twin.formats.source import Source
from twin.formats.vocabulary import RATE, amount

from .database import Database, Neighbour, System, chosen
from .hostnames import name_by_table, require_names
from .lsps import Lsp, join
from .paste import Line, command_of, lines_of
from .topology import records_of

_ID = r"(?P<id>\S+?\.[0-9a-fA-F]{2}-[0-9a-fA-F]{2})"
_TITLES = (
    re.compile(r"^\s*IS-IS (?:(?P<instance>\S+) )?\(?Level-(?P<level>[12])\)? Link[- ]State Database:?", re.IGNORECASE),
    re.compile(r"^\s*IS-IS Level (?P<level>[12]) Link State Database", re.IGNORECASE),
    re.compile(r"^\s*IS-IS level (?P<level>[12]) link-state database:", re.IGNORECASE),
    re.compile(r"^\s*Displaying Level (?P<level>[12]) database", re.IGNORECASE),
)
_INSTANCES = (
    re.compile(r"^(?:Tag|Area) (?P<instance>[^:\s]+)\s*:$"),
    re.compile(r"^\s*IS-IS Process: (?P<instance>.+?)\s+LSP database VRF: (?P<vrf>\S+)"),
    re.compile(r"^\s*IS-IS Instance: (?P<instance>\S+) VRF: (?P<vrf>\S+)"),
    re.compile(r"^\s*Rtr (?P<vrf>\S+) ISIS Instance (?P<instance>\S+) Database"),
)
_HEADS = (
    re.compile(  # Cisco, NX-OS and FRR: an id, a sequence number, a checksum, a lifetime and flags
        rf"^(?:[UH] )?{_ID}\s*\*?\s+(?:\d+\s+)?(?P<sequence>0x[0-9a-fA-F]+)\s+0x[0-9a-fA-F]+\s+"
        r"(?P<life>\d+|\(\d+\))(?:\s*/\s*\S+)?\s+(?P<attached>\d)/\d/(?P<overload>\d)(?:/\d)?"
    ),
    re.compile(
        rf"^\s*(?:[UH]\s+)?{_ID}\s+(?P<sequence>\d+)\s+\d+\s+(?P<life>\d+)\s+\d+\s+L[12]\s+\S+\s+<(?P<flags>[^>]*)>"
    ),  # EOS
    re.compile(
        rf"^\s*{_ID} Sequence: (?P<sequence>0x[0-9a-fA-F]+), Checksum: 0x[0-9a-fA-F]+, Lifetime: (?P<life>\d+) secs"
    ),  # Junos
    re.compile(rf"^LSP ID\s+: {_ID}\s+Level\s+: L[12]"),  # SR OS
)
_LOOKS_LIKE = re.compile(rf"^\s{{0,4}}(?:[A-Z]\s+)?{_ID}(?:\s*\*)?\s+(?:0x|\d|Sequence)")
_NARROW = re.compile(r"^\s+Metric: (?P<metric>\d+)\s+IS (?P<id>[^\s(]\S*)\s*$")
_WIDE = (
    re.compile(r"^\s+Metric: (?P<metric>\d+)\s+IS-Extended (?P<id>\S+)"),
    re.compile(r"^\s+Extended IS\s+:\s+(?P<id>\S+)\s+Metric : (?P<metric>\d+)"),
    re.compile(r"^\s+Extended Reachability: (?P<id>\S+) \(Metric: (?P<metric>\d+)\)"),
    re.compile(r"^\s+IS Neighbor\s+:\s+(?P<id>\S+)\s+Metric: (?P<metric>\d+)"),
)
_JUNOS_BRIEF = re.compile(r"^\s+IS neighbor: (?P<id>\S+)\s+Metric:\s+(?P<metric>\d+)")
_JUNOS_FULL = re.compile(r"^\s+IS (?P<wide>extended )?neighbor: (?P<id>\S+), Metric: default (?P<metric>\d+)")
_OTHER_TOPOLOGY = re.compile(r"MT[- (]|MtExtend IS|IS \(MT|MT Reachability|Multi.?topology", re.IGNORECASE)
_RATES = re.compile(
    r"(?:Physical (?:LINK )?BW|Maximum (?:link )?bandwidth|Max Link BW|Maximum bandwidth)\s*:\s*(?P<rate>[\d.]+ ?\S+)",
    re.IGNORECASE,
)
_DELAY = re.compile(r"(?:Uni|Average) Link Delay\s?(?:\(Avg\.?\))?.*?(?:Value:\s?|: )(?P<us>\d+)", re.IGNORECASE)
_ROUTER = re.compile(
    r"^\s+(?:(?:TE |IPv4 |IP )?Router ID|IP Address|Interface address)\s*:\s+(?P<id>\d+\.\d+\.\d+\.\d+)"
    r"|^SYS ID\s+: (?P<sys>\S+)",
    re.IGNORECASE,
)
"""What tells one router from another of the same name."""
_NUMBERS = re.compile(
    r"(?:Link )?Local\s+(?:Interface )?(?:ID|index)\s*: (?P<near>\d+),\s+"
    r"(?:Link )?Remote\s+(?:Interface )?(?:ID|index)\s*: (?P<far>\d+)",
    re.IGNORECASE,
)
_NEAR = re.compile(
    r"^\s+(?:(?:Local )?Interface IP(?:v4)? Address(?:\(es\))?|IPv4 Interface Address|IP address|IF Addr)"
    r"\s*: (?P<ip>[\d.]+)$",
    re.IGNORECASE,
)
_FAR = re.compile(
    r"^\s+(?:(?:Neighbor(?:'s)?|Remote Interface) IP(?:v4)? Address(?:\(es\))?|IPv4 Neighbor Address|Nbr IP)"
    r"\s*: (?P<ip>[\d.]+)$",
    re.IGNORECASE,
)
_COUNTS = (
    re.compile(r"^\s*Total (?:Level-[12] )?LSP count: (?P<count>\d+)", re.IGNORECASE),
    re.compile(r"^\s*Level \([12]\) LSP Count : (?P<count>\d+)"),
    re.compile(r"^\s*(?P<count>\d+) LSPs$"),
)
"""What the text itself says of how many LSPs it holds."""
_ALGORITHM = re.compile(r"Flex(?:ible)?[ -]algo", re.IGNORECASE)


@dataclass
class _Reader:
    """Reads one paste line by line; what is open is the database and the system that lines belong to."""

    source: Source
    databases: list[Database]
    instance: str = ""
    database: Database | None = None
    blocks: list[tuple[Database, Lsp]] = field(default_factory=list["tuple[Database, Lsp]"])
    outputs: int = 0
    system: System | None = None
    neighbour: Neighbour | None = None
    junos_full: bool = False

    def read(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if not line.text.strip():
                continue
            if command_of(line.text) is not None and self.is_prompt(line.text):
                self._close()
            elif not (self._title(line) or self._head(line) or self._counted(line)):
                self._body(line)

    @staticmethod
    def is_prompt(text: str) -> bool:
        return not text.startswith(" ") and bool(re.match(r"^\S+[#>]\s?(?:\S.*)?$", text)) and "Metric" not in text

    def _close(self) -> None:
        self.system = self.neighbour = None

    def _title(self, line: Line) -> bool:
        for pattern in _INSTANCES:
            match = pattern.match(line.text)
            if match:
                vrf = match.groupdict().get("vrf") or "default"
                self.instance = match["instance"] if vrf in ("default", "Base") else f"{match['instance']} {vrf}"
                self._close()
                return True
        for pattern in _TITLES:
            match = pattern.match(line.text)
            if match:
                instance = match.groupdict().get("instance") or self.instance
                title = f"{instance} level {match['level']}".strip()
                self._close()
                self.outputs += 1
                self.database = next((x for x in self.databases if x.title == title), None)
                if self.database is None:
                    self.database = Database(title)
                    self.databases.append(self.database)
                return True
        return False

    def _head(self, line: Line) -> bool:
        match = next((found for pattern in _HEADS if (found := pattern.match(line.text))), None)
        if match is None:
            if _LOOKS_LIKE.match(line.text) and self.database is not None:
                raise self.source.error(
                    f"line {line.number}", "the head of an LSP: id, sequence, checksum, lifetime, flags"
                )
            return False
        if self.database is None:
            self.database = Database(f"{self.instance} level ?".strip())
            self.databases.append(self.database)
        name, _, fragment = match["id"].rpartition("-")
        lan = not name.endswith(".00")
        known = name if lan else name[:-3]
        system, found = System(known, f"line {line.number}", lan), match.groupdict()
        block = Lsp(system, fragment, int(fragment, 16) == 0, self.outputs)
        if found.get("sequence"):
            block.sequence = int(found["sequence"] or "0", 0)
        self._flags(system, found)
        self.blocks.append((self.database, block))
        self.system, self.neighbour, self.junos_full = system, None, False
        return True

    def _counted(self, line: Line) -> bool:
        """Check the number of LSPs that the text itself states, at the end of a command's output."""
        stated = next((int(found["count"]) for x in _COUNTS if (found := x.match(line.text))), None)
        if stated is None or self.database is None:
            return False
        held = [block for database, block in self.blocks if database is self.database and block.output == self.outputs]
        if held and len(held) < stated:
            whole = f"the last whole one is that of {held[-1].system.name}"
            wanted = f"the {stated} LSPs that the text counts, not {len(held)}: it is cut; {whole}"
            raise self.source.error(f"line {line.number}", wanted)
        self._close()
        return True

    @staticmethod
    def _flags(system: System, found: dict[str, str | None]) -> None:
        system.overloaded = found.get("overload") == "1" or "overload" in (found.get("flags") or "").lower()
        system.attached = found.get("attached") == "1" or "Attached" in (found.get("flags") or "")
        life = found.get("life") or "1"
        system.purged = life.startswith("(") or life == "0"

    def _body(self, line: Line) -> None:
        system, database, text = self.system, self.database, line.text
        if system is None or database is None:
            return
        if "Attributes" in text and ("Overload" in text or "OVLD" in text):
            system.overloaded = True
        split = re.match(r"^Sequence\s+: (0x[0-9a-fA-F]+).*Lifetime\s+: (\d+)$", text)
        if split:
            self.blocks[-1][1].sequence, system.purged = int(split[1], 16), split[2] == "0"
        router = _ROUTER.match(text) if self.neighbour is None else None
        if router:
            self.blocks[-1][1].addresses.add(router["id"] or router["sys"])
        if _OTHER_TOPOLOGY.search(text) and ("IS" in text or "Reach" in text):
            database.unmodelled["IPv6 topology"] += "IS" in text
            self.neighbour = None
            return
        if _ALGORITHM.search(text) and re.search(r"algorithm:?\s+\d", text):
            database.unmodelled["flexible algorithm"] += 1
        if not self._adjacent(system, line):
            self._detail(text)

    def _adjacent(self, system: System, line: Line) -> bool:
        text = line.text
        full = _JUNOS_FULL.match(text)
        if full and not self.junos_full:
            system.neighbours = [x for x in system.neighbours if not x.where.endswith("brief")]
            self.junos_full = True
        brief = None if self.junos_full else _JUNOS_BRIEF.match(text)
        wide = next((found for pattern in _WIDE if (found := pattern.match(text))), None)
        narrow = _NARROW.match(text)
        match = full or brief or wide or narrow
        if match is None:
            if re.match(r"^\s+(?:Metric: |IS neighbor|Extended IS |IP |TE IP)", text) and "Default" not in text:
                self.neighbour = None
            return self._sros(system, line)
        is_wide = match is not narrow and not (full and not full["wide"])
        where = f"line {line.number}{', brief' if brief else ''}"
        self._add(system, match["id"], int(match["metric"]), where, wide=is_wide)
        return True

    def _sros(self, system: System, line: Line) -> bool:
        """SR OS writes the neighbour and its metric on two lines."""
        named = re.match(r"^\s+Nbr\s+: (\S+)\s*$", line.text)
        if named:
            self._add(system, named[1], -1, f"line {line.number}", wide=True)
            return True
        metric = re.match(r"^\s+Default Metric\s+: (\d+)\s*$", line.text)
        if metric and self.neighbour is not None and self.neighbour.metric < 0:
            self.neighbour.metric = int(metric[1])
            return True
        return False

    def _add(self, system: System, name: str, metric: int, where: str, *, wide: bool) -> None:
        known = name[:-3] if name.endswith(".00") else name
        self.neighbour = Neighbour(known, metric, where, stated=name, wide=wide)
        system.neighbours.append(self.neighbour)

    def _detail(self, text: str) -> None:
        if self.neighbour is None:
            return
        numbers, near, far = _NUMBERS.search(text), _NEAR.match(text), _FAR.match(text)
        if numbers and not self.neighbour.near and int(numbers["far"]):
            self.neighbour.near, self.neighbour.far = numbers["near"], numbers["far"]
        if near:
            self.neighbour.near = near["ip"]
            self.neighbour.far = self.neighbour.far if "." in self.neighbour.far else ""
        if far:
            self.neighbour.far = far["ip"]
            self.neighbour.near = self.neighbour.near if "." in self.neighbour.near else ""
        rate = _RATES.search(text)
        if rate:
            read = amount(rate["rate"].replace("kbits/sec", "kbps").replace("bits/sec", "bps"), RATE)
            self.neighbour.mbps = read[0] * RATE[read[1]] if read and read[1] else None
        delay = _DELAY.search(text)
        if delay and "Appl" not in text and "Var" not in text:
            self.neighbour.delay_us = float(delay["us"])


def read_isis_text(content: Content, choices: Choices) -> Records:
    """Read the link-state database in a paste; the network id chooses by title where it holds several.

    Raises `FormatError`: a summary without neighbours names the command to use, a text that is cut names the last whole
    LSP, and several databases are listed.
    """
    source = content.source
    one = chosen(read_databases(source, content.text), choices.network_id, source.path)
    return records_of(one, source, "IS-IS", content.stem)


def read_databases(source: Source, text: str) -> list[Database]:
    """Read every database of a paste, each apart. Raises `FormatError` as `read_isis_text` does."""
    lines = _joined(lines_of(text))
    reader = _Reader(source, [])
    reader.read(lines)
    for database in reader.databases:
        join(source, database, [block for of, block in reader.blocks if of is database])
    named = [x for x in reader.databases if x.systems]
    _require_whole(source, text, lines, named)
    if not any(system.neighbours for one in named for system in one.systems.values()):
        if any(one.unmodelled["IPv6 topology"] for one in named):
            raise source.error("the whole file", "links of the IPv4 topology; its neighbours are of another alone")
        raise source.error(
            "the whole file", "neighbours of each router: paste `show isis database detail` (Junos: extensive)"
        )
    name_by_table(reader.databases, lines)
    require_names(source, named)
    for one in named:
        attached = sum(x.attached for x in one.systems.values())
        if attached:
            one.unmodelled["attached bit"] += attached
    return named


def _require_whole(source: Source, text: str, lines: Sequence[Line], databases: Sequence[Database]) -> None:
    """Refuse a text that is cut inside a line or a neighbour, and name the last LSP that is whole."""
    written = [line for line in lines if line.text.strip()]
    if not written or not databases:
        return
    shapes = [re.sub(r"\S*\d\S*", "#", " ".join(line.text.split())) for line in written]
    last, before = shapes[-1], set(shapes[:-1])
    at_prompt = _Reader.is_prompt(written[-1].text)
    cut = not (text.endswith("\n") or at_prompt) and last not in before and any(x.startswith(last) for x in before)
    broken = [
        x for one in databases for s in one.systems.values() for x in s.neighbours if not _WHOLE_ID.search(x.stated)
    ]
    if cut or broken:
        whole = list(databases[-1].systems)[:-1]
        where = broken[0].where if broken else f"line {written[-1].number}"
        wanted = f"a whole text: it is cut here, and the last whole LSP is that of {whole[-1] if whole else 'nobody'}"
        raise source.error(where, wanted)


_WHOLE_ID = re.compile(r"\.[0-9a-fA-F]{2}$")


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Join a line that ends in a backslash, as long names do, to the next one."""
    joined: list[Line] = []
    for line in lines:
        if joined and joined[-1].text.endswith("\\"):
            joined[-1] = Line(joined[-1].number, joined[-1].text[:-1].rstrip() + " " + line.text.strip())
        else:
            joined.append(line)
    return joined
