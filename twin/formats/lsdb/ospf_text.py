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

from .database import Database, Neighbour, System, chosen, records_of
from .paste import Line, lines_of

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
_LINK_ID = re.compile(rf"^\s*\(Link ID\).*?: (?P<id>{_IP})")
_METRIC = re.compile(r"^\s*TOS\s+0\s+Metrics?: (?P<metric>\d+)")
_ATTACHED = re.compile(rf"^\s*(?:Attached Router: |attached router )(?P<id>{_IP})")
_JUNOS_LSA = re.compile(rf"^\s*(?P<kind>Router|Network)\s+\*?(?P<id>{_IP})\s+(?P<origin>{_IP})\s+0x")
_JUNOS_LINK = re.compile(rf"^\s*id (?P<id>{_IP}), data {_IP}, Type (?P<kind>\w+)")
_JUNOS_METRIC = re.compile(r"Default metric: (?P<metric>\d+)")


@dataclass
class _Reader:
    """Reads one paste line by line. `kind` and `system` are of the LSA that is open, `link` of the link in it."""

    databases: list[Database] = field(default_factory=list[Database])
    areas: set[str] = field(default_factory=set[str])
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
            if area["area"]:
                self.areas.add(area["area"] if "." in area["area"] else f"0.0.0.{area['area']}")
            return True
        return False

    def _open(self, title: str) -> Database:
        self._close()
        if self.database is None:
            self.database = Database(title)
            self.databases.append(self.database)
        return self.database

    def _close(self) -> None:
        self.kind, self.system, self.neighbour, self.link = "", None, None, ""

    def _lsa(self, line: Line) -> bool:
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
        self.system = database.systems.setdefault(name, System(name, f"line {line.number}", lan=self.kind == "network"))

    def _open_keeping(self, title: str) -> Database:
        kind = self.kind
        database = self._open(title)
        self.kind = kind
        return database

    def _junos(self, line: Line) -> bool:
        lsa = _JUNOS_LSA.match(line.text)
        if lsa:
            self._close()
            self.kind, self.state_id = lsa["kind"].lower(), lsa["id"]
            self._begin(lsa["origin"] if self.kind == "router" else lsa["id"], line)
            return True
        link = _JUNOS_LINK.match(line.text)
        if link:
            self.link, self.neighbour = link["kind"].lower(), None
            self._neighbour(link["id"], line)
            return True
        metric = _JUNOS_METRIC.search(line.text)
        if metric and self.neighbour is not None:
            self.neighbour.metric = int(metric["metric"])
            return True
        return False

    def _neighbour(self, name: str, line: Line) -> None:
        if self.system is None or "stub" in self.link:
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
    found = read_databases(source, content.text)
    return records_of(chosen(found, choices.network_id, source.path), source, "OSPF", content.stem)


def read_databases(source: Source, text: str) -> list[Database]:
    """Read every database of a paste, each process apart."""
    reader = _Reader()
    reader.read(lines_of(text))
    found = [one for one in reader.databases if one.systems]
    if not any(system.neighbours for one in found for system in one.systems.values()):
        wanted = "links of each router: paste `show ip ospf database router` and `show ip ospf database network`"
        raise source.error("the whole file", wanted)
    for one in found:
        finish(source, one, len(reader.areas))
    return found


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
