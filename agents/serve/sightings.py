"""From what is seen now to what becomes of the incidents: which go on, begin, come back, or end. Values in, events out.

An incident is known by its network, source and family. What flaps stays one incident: it ends once nothing of it was
seen for a while, which grows with every return. A node that is found to be down takes the incidents of its circuits as
its own parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from twin.model import Frozen

from .board import Board, Incident
from .record import Adopted, Began, Family, Grew, Moved, Returned, RoomEvent, Subsided

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "silent": "state",
        "down": "state",
        "neighbour_lost": "state",
        "flapping": "state",
        "no_routes": "state",
        "errors": "frames",
        "wire": "frames",
        "load": "load",
        "drops": "load",
        "drift": "load",
        "growth": "traffic",
        "packets": "traffic",
        "probe_loss": "paths",
        "probe_delay": "paths",
        "unread": "telemetry",
        "exports": "telemetry",
    }
)


_FOLLOW: frozenset[Family] = frozenset({"load", "paths"})
"""What traffic does where something else failed."""


class Sighting(Frozen):
    """What one cause can explain of what is seen now."""

    source: str
    kind: str
    elements: tuple[str, ...]
    since: datetime
    reported: bool = True  # whether a device says so itself; else it is where readings are farthest off

    @property
    def family(self) -> Family:
        """The class of what is seen at the source: a device that is gone, frames, loads, traffic, paths, readings."""
        return FAMILIES.get(self.kind, "telemetry")


def consequences(board: Board, network: str, seen: Sequence[Sighting], now: datetime) -> Iterable[RoomEvent]:
    """Say what follows for the incidents of a network from what is seen of it now."""
    alive = {x.id: x for x in board.alive if x.network == network}
    number, still = board.opened, set[str]()
    for one in seen:
        same = _same(alive.values(), one)
        if same is not None:
            still.add(same.id)
            yield from _goes_on(same, one, now)
            continue
        number += 1
        began = _begins(number, network, one, alive.values(), now)
        yield began
        for child in _parts(alive.values(), one):
            yield Adopted(time=now, id=child.id, parent=began.id)
    for incident in alive.values():
        if incident.id not in still:
            yield from _unseen(incident, now)


def nodes_at(element: str) -> frozenset[str]:
    """Names of the nodes that an element is at."""
    kind, _, rest = element.partition("/")
    if kind == "link" and "--" in rest:
        low, _, high = rest.partition("--")
        return frozenset({low.partition(":")[0], high.partition(":")[0]})
    if kind in ("interface", "node"):
        return frozenset({rest.partition("/")[0]})
    if kind == "probe":
        return frozenset(rest.split("/"))
    if "->" in element:
        tail, _, head = element.partition("->")
        return frozenset({tail, head.partition(":")[0]})
    return frozenset()


def _same(alive: Iterable[Incident], one: Sighting) -> Incident | None:
    """The incident that is seen: by its name, or else because either's source is part of the other."""
    known = tuple(alive)
    found = [x for x in known if (x.source, x.family) == (one.source, one.family)]
    if found:
        return found[0]
    return next((x for x in known if not (_is_larger(one, x) or _explains(one, x)) and _overlaps(one, x)), None)


def _overlaps(one: Sighting, incident: Incident) -> bool:
    return one.source == incident.source or one.source in incident.elements or incident.source in one.elements


def _explains(one: Sighting, incident: Incident) -> bool:
    """Whether a device says that something failed, where the incident is about what its traffic did elsewhere."""
    return one.reported and one.family == "state" and incident.family in _FOLLOW and incident.source != one.source


def _is_larger(one: Sighting, incident: Incident) -> bool:
    """Whether a whole node is seen to be gone, where the incident is about something at it."""
    return one.source.startswith("node/") and one.family == "state" and incident.source != one.source


def _goes_on(incident: Incident, one: Sighting, now: datetime) -> Iterable[RoomEvent]:
    if incident.quiet is not None:
        yield Returned(time=now, id=incident.id)
        if incident.state == "mitigated":
            yield Moved(time=now, id=incident.id, state="open", because="it is seen again")
    more = tuple(x for x in one.elements if x not in incident.elements)
    if more and len(incident.elements) < 50:
        yield Grew(time=now, id=incident.id, elements=more)


def _begins(number: int, network: str, one: Sighting, alive: Iterable[Incident], now: datetime) -> Began:
    return Began(
        time=now,
        id=f"I-{number:04d}",
        network=network,
        source=one.source,
        family=one.family,
        kind=one.kind,
        elements=one.elements[:50],
        since=one.since,
        parent=_parent(tuple(alive), one),
    )


def _parent(alive: Sequence[Incident], one: Sighting) -> str | None:
    """The incident that explains another: the node that it is at, or the newest failure, of loads and delays alone.

    What traffic does elsewhere follows from what failed as long as nothing was done about that: queues are not in the
    twin, so no simulation can tell whose they are.
    """
    held = next((x.id for x in alive if _holds(x, one.source)), None)
    if held is not None or one.reported or one.family not in _FOLLOW:
        return held
    failed = [x for x in alive if x.family == "state" and x.parent is None and x.state not in ("mitigated", "closed")]
    return failed[-1].id if failed else None


def _holds(incident: Incident, source: str) -> bool:
    """Whether an incident is about a node that an element is at."""
    whole = incident.source.startswith("node/") and incident.family == "state" and incident.source != source
    return whole and incident.parent is None and incident.source.removeprefix("node/") in nodes_at(source)


def _parts(alive: Iterable[Incident], one: Sighting) -> Iterable[Incident]:
    """The incidents that one which begins explains: at a node that is gone, or of what a failure does to traffic."""
    name = one.source.removeprefix("node/") if one.family == "state" and one.source.startswith("node/") else None
    for incident in alive:
        at_node = name is not None and incident.source != one.source and name in nodes_at(incident.source)
        if incident.parent is None and (at_node or (_explains(one, incident) and _overlaps(one, incident))):
            yield incident


def _unseen(incident: Incident, now: datetime) -> Iterable[RoomEvent]:
    if incident.quiet is None:
        yield Subsided(time=now, id=incident.id)
        if incident.state not in ("mitigated", "mitigating") and not incident.working:
            yield Moved(time=now, id=incident.id, state="mitigated", because="nothing of it is seen any more")
    elif now - incident.quiet >= incident.ends_after(now) and not incident.working:
        yield Moved(time=now, id=incident.id, state="closed", because="it stayed quiet")
