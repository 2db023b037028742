"""`show ip ospf database router|network` as text: IOS, IOS-XE, IOS-XR, NX-OS, FRR and EOS print it, Junos another way.

Router LSAs name point-to-point neighbours and the LANs that a router is on; network LSAs say who else is. Areas of one
process are one database: a border router's LSAs in its areas are one node.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from twin.formats.build import Choices
from twin.formats.content import Content
from twin.formats.records import Records
from twin.formats.source import Source

from .database import Database, Neighbour, System, chosen
from .lsps import Lsp, join
from .paste import Line, lines_of
from .topology import records_of

LAN = "lan_"
STUB_METRIC = 65_535
"""On all transit links of a router it means that it carries no transit traffic (RFC 6987)."""

_IP = r"\d{1,3}(?:\.\d{1,3}){3}"
_PROCESS = re.compile(rf"^\s*OSPF Router with ID \({_IP}\)(?: \(?(?P<what>Process ID[^)]*|[^)]*)\)?)?")
_AREA = re.compile(
    r"^\s*(?P<kind>Router|Net(?:work)?|\S+(?: \S+)*) Link States(?: \(Area (?P<area>[\d.]+)[^)]*\))?", re.IGNORECASE
)
_JUNOS_AREA = re.compile(r"^\s*OSPF (?:link state )?database, Area (?P<area>[\d.]+)")
_TYPE = re.compile(r"^\s*LS Type: (?P<kind>.+?)\s*$")
_STATE_ID = re.compile(rf"^\s*Link State ID: (?P<id>{_IP})")
_ORIGIN = re.compile(rf"^\s*Advertising Router: (?P<id>{_IP})")
_LINK = re.compile(r"^\s*Link connected to: (?:an? )?(?P<kind>.+?)\s*$")
_AGE = re.compile(r"^\s*LS [Aa]ge: (?P<age>\S+)")
_SEQUENCE = re.compile(r"^\s*LS Seq(?:uence)? Number: (?:0x)?(?P<sequence>[0-9a-fA-F]{1,8})\s*$")
_LINKS = re.compile(r"^\s*Number of [Ll]inks: (?P<count>\d+)|link count (?P<junos>\d+)")
_DATA = re.compile(rf"^\s*\(Link Data\) .*: (?P<ip>{_IP})\s*$")
MAX_AGE = 3_600
"""Seconds at which an LSA is flushed (RFC 2328, appendix B)."""
_LINK_ID = re.compile(rf"^\s*\(Link ID\).*?: (?P<id>{_IP})")
_METRIC = re.compile(r"^\s*TOS\s+0\s+Metrics?: (?P<metric>\d+)")
_ATTACHED = re.compile(rf"^\s*(?:Attached Router: |attached router )(?P<id>{_IP})")
_JUNOS_LSA = re.compile(
    rf"^\s*(?P<kind>Router|Network)\s+\*?(?P<id>{_IP})\s+(?P<origin>{_IP})\s+0x(?P<sequence>[0-9a-fA-F]+)(?:\s+(?P<age>\d+))?"
)
_JUNOS_LINK = re.compile(rf"^\s*id (?P<id>{_IP}), data (?P<data>{_IP}), Type (?P<kind>\w+)")
_JUNOS_METRIC = re.compile(r"Default metric: (?P<metric>\d+)")


@dataclass
class _Reader:
    """Reads one paste line by line. `kind` and `system` are of the LSA that is open, `link` of the link in it."""

    databases: list[Database] = field(default_factory=list[Database])
    blocks: list[tuple[Database, Lsp]] = field(default_factory=list["tuple[Database, Lsp]"])
    links: list[tuple[int, int]] = field(default_factory=list["tuple[int, int]"])
    """Of each LSA how many links it states that it has, -1 where it does not, and how many there are."""
    areas: set[str] = field(default_factory=set[str])
    area: str = ""
    age: str = ""
    outputs: int = 0
    ended: bool = False
    """Whether something else follows the last LSA."""
    database: Database | None = None
    kind: str = ""
    state_id: str = ""
    system: System | None = None
    link: str = ""
    neighbour: Neighbour | None = None

    def read(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if not (self._title(line.text) or self._lsa(line) or self._junos(line)):
                self._body(line)

    def _title(self, text: str) -> bool:
        process = _PROCESS.match(text)
        if process:
            title = " ".join((process["what"] or "OSPF").split())
            self.database = next((x for x in self.databases if x.title == title), None)
            self._open(title)
            return True
        area = _JUNOS_AREA.match(text) or _AREA.match(text)
        if area:
            self._close()
            self.outputs += 1
            if area["area"]:
                self.area = area["area"] if "." in area["area"] else f"0.0.0.{area['area']}"
                self.areas.add(self.area)
            return True
        return False

    def _open(self, title: str) -> Database:
        self._close()
        if self.database is None:
            self.database = Database(title)
            self.databases.append(self.database)
        return self.database

    def _close(self) -> None:
        self.ended = True
        self.kind, self.system, self.neighbour, self.link = "", None, None, ""

    def _lsa(self, line: Line) -> bool:
        age = _AGE.match(line.text)
        if age:
            self.age = age["age"]
            return True
        kind = _TYPE.match(line.text)
        if kind:
            self._close()
            self.kind = "router" if "router" in kind["kind"].lower() else kind["kind"].lower()
            self.kind = "network" if self.kind.startswith(("network links", "network-lsa", "net ")) else self.kind
            return True
        state = _STATE_ID.match(line.text)
        if state:
            self.state_id = state["id"]
            return True
        origin = _ORIGIN.match(line.text)
        if origin:
            self._begin(origin["id"], line)
            return True
        return False

    def _begin(self, origin: str, line: Line) -> None:
        if self.kind not in ("router", "network"):
            self.system = None
            return
        database = self.database or self._open_keeping("OSPF")
        name = origin if self.kind == "router" else LAN + self.state_id
        self.system = System(name, f"line {line.number}", lan=self.kind == "network")
        self.system.purged = is_flushed(self.age)
        self.blocks.append((database, Lsp(self.system, self.area, output=self.outputs)))
        self.links.append((-1, 0))
        self.ended = False

    def _open_keeping(self, title: str) -> Database:
        kind = self.kind
        database = self._open(title)
        self.kind = kind
        return database

    def _junos(self, line: Line) -> bool:
        lsa = _JUNOS_LSA.match(line.text)
        if lsa:
            self._close()
            self.kind, self.state_id, self.age = lsa["kind"].lower(), lsa["id"], lsa["age"] or ""
            self._begin(lsa["origin"] if self.kind == "router" else lsa["id"], line)
            self._sequence(lsa["sequence"])
            return True
        link = _JUNOS_LINK.match(line.text)
        if link:
            self.link, self.neighbour = link["kind"].lower(), None
            self._neighbour(link["id"], line)
            self._near(link["data"])
            return True
        metric = _JUNOS_METRIC.search(line.text)
        if metric and self.neighbour is not None:
            self.neighbour.metric = int(metric["metric"])
            return True
        return False

    def _sequence(self, text: str) -> None:
        """Sequence numbers are signed: 0x80000001 is the first (RFC 2328, section 12.1.6)."""
        if self.system is not None and self.blocks:
            self.blocks[-1][1].sequence = int(text, 16) ^ 0x80000000

    def _near(self, address: str) -> None:
        if self.neighbour is not None and not address.startswith("0."):
            self.neighbour.near = address

    def _neighbour(self, name: str, line: Line) -> None:
        if self.system is None:
            return
        stated, held = self.links[-1]
        self.links[-1] = (stated, held + 1)
        if "stub" in self.link:
            return
        if "virtual" in self.link:
            self.neighbour = None
            assert self.database is not None  # noqa: S101 - a system is of a database
            self.database.unmodelled["virtual links"] += 1
            return
        where = f"line {line.number}"
        self.neighbour = Neighbour((LAN if "transit" in self.link else "") + name, -1, where, stated=name)
        self.system.neighbours.append(self.neighbour)

    def _body(self, line: Line) -> None:
        text = line.text
        link = _LINK.match(text)
        if link:
            self.link, self.neighbour = link["kind"].lower(), None
            return
        sequence, links, data = _SEQUENCE.match(text), _LINKS.search(text), _DATA.match(text)
        if sequence:
            self._sequence(sequence["sequence"])
        elif links and self.system is not None:
            self.links[-1] = (int(links["count"] or links["junos"]), self.links[-1][1])
        elif data:
            self._near(data["ip"])
        named = _LINK_ID.match(text)
        metric = _METRIC.match(text)
        attached = _ATTACHED.match(text)
        if named:
            self._neighbour(named["id"], line)
        elif metric and self.neighbour is not None:
            self.neighbour.metric = int(metric["metric"])
        elif attached and self.system is not None:
            self.system.neighbours.append(Neighbour(attached["id"], 0, f"line {line.number}", stated=attached["id"]))


def read_ospf_text(content: Content, choices: Choices) -> Records:
    """Read the link-state database in a paste; the network id chooses by title where it holds several processes.

    Raises `FormatError`: a summary without links names the command to use, a link without its metric its line.
    """
    source = content.source
    found = read_databases(source, content.text, whole=True)
    return records_of(chosen(found, choices.network_id, source.path), source, "OSPF", content.stem)


def read_databases(source: Source, text: str, *, whole: bool = False) -> list[Database]:
    """Read every database of a paste, each process apart; `whole` refuses one that ends before its last LSA does."""
    reader = _Reader()
    reader.read(lines_of(text))
    for database in reader.databases:
        join(source, database, [block for of, block in reader.blocks if of is database])
    _tell_links(source, reader, whole=whole)
    found = [one for one in reader.databases if one.systems]
    if not any(system.neighbours for one in found for system in one.systems.values()):
        wanted = "links of each router: paste `show ip ospf database router` and `show ip ospf database network`"
        raise source.error("the whole file", wanted)
    for one in found:
        finish(source, one, len(reader.areas))
    return found


def is_flushed(age: str) -> bool:
    """Whether an LSA of this age is on its way out: `3600`, `MAXAGE`, or with a mark for one that does not age."""
    digits = age.removeprefix("DNA").strip("()*")
    return "max" in age.lower() or (digits.isdigit() and int(digits) >= MAX_AGE)


def _tell_links(source: Source, reader: _Reader, *, whole: bool) -> None:
    """Note LSAs with fewer links than they state, which were shortened by hand; a last one like that is cut."""
    short = [i for i, (stated, held) in enumerate(reader.links) if held < stated]
    for i in short:
        reader.blocks[i][0].unmodelled["links that LSAs count and do not list"] += 1
    if whole and short and short[-1] == len(reader.links) - 1 and not reader.ended:
        stated, held = reader.links[-1]
        last = reader.blocks[-2][1].system.name if len(reader.blocks) > 1 else "nobody"
        wanted = f"{stated} links as the LSA says, not {held}: the text is cut; the last whole LSA is that of {last}"
        raise source.error(reader.blocks[-1][1].system.where, wanted)


def finish(source: Source, database: Database, areas: int) -> None:
    """Check that every link has its metric, tell stub routers, and note what decides routing and is not modelled."""
    for system in database.systems.values():
        for neighbour in system.neighbours:
            if neighbour.metric < 0:
                raise source.error(
                    neighbour.where, f"the metric of {system.name} to {neighbour.stated}: the text is cut here"
                )
        if not system.lan and system.neighbours:
            system.overloaded = all(x.metric >= STUB_METRIC for x in system.neighbours)
    if areas > 1:
        database.unmodelled["areas"] += areas
    open_lans = {x.system for s in database.systems.values() for x in s.neighbours if x.system.startswith(LAN)}
    open_lans -= set(database.systems)
    if open_lans:
        database.unmodelled["LANs without their network LSA"] += len(open_lans)
