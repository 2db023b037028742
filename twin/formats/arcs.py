"""Directed links as a file tells them: which records stand for both directions, and which number parallels bear."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from twin.model import Link

from .account import FieldUse
from .provision import STANDARD_CAPACITIES
from .records import LinkRecord, Records
from .source import numbered


@dataclass(frozen=True)
class FileArc:
    """One direction of a circuit, before its ends have names. Capacity in Mbit/s, None where the file states none."""

    tail: int
    head: int
    capacity: float | None
    weight: int
    delay: float
    index: int = 1
    up: bool = True
    drained: bool = False
    asleep: bool = False
    loss: float = 0.0
    adjacent: bool = True
    members: int = 1
    min_members: int = 1
    degraded_weight: int = 0
    cost_out: bool = False
    risks: tuple[str, ...] = ()
    interface: str = ""
    """What its router calls the interface that it leaves by."""

    def link(self, names: Sequence[str]) -> Link:
        """Return the link of the network; without a capacity it has the smallest standard one for now."""
        return Link(
            names[self.tail],
            names[self.head],
            STANDARD_CAPACITIES[0] if self.capacity is None else self.capacity,
            self.weight,
            self.delay,
            self.index,
            up=self.up,
            drained=self.drained,
            asleep=self.asleep,
            loss=self.loss,
            adjacent=self.adjacent,
            members=self.members,
            min_members=self.min_members,
            degraded_weight=self.degraded_weight,
            cost_out=self.cost_out,
        )


def both_ways(records: Records, links: Sequence[LinkRecord]) -> list[bool]:
    """Whether each record stands for both directions.

    It does when it is undirected, and when it is directed in a file without a single reverse. Where the file does not
    say, links are directions if at least half of them have one of their own for the way back.
    """
    general = records.directed
    if general is None:
        paired, total = _paired(links)
        general = 2 * paired >= total
        if not general:
            return [link.directed is not True for link in links]
    directed = [general if record.directed is None else record.directed for record in links]
    pairs = {(link.source, link.target) for link, one in zip(links, directed, strict=True) if one}
    alone = bool(pairs) and not any((b, a) in pairs for a, b in pairs)
    return [not one or alone for one in directed]


def _paired(links: Sequence[LinkRecord]) -> tuple[int, int]:
    """How many links have one of their own in the other direction, and how many there are."""
    pairs = Counter((link.source, link.target) for link in links)
    return sum(min(count, pairs.get((b, a), 0)) for (a, b), count in pairs.items()), len(links)


def one_way(
    records: Records, links: Sequence[LinkRecord], arcs: Sequence[FileArc], both: Sequence[bool]
) -> Iterator[FieldUse]:
    """Say what was taken for granted of directions, and which links are left with one."""
    if records.directed is None and links:
        yield _told(links, both)
    elif any(both) and records.directed:
        note = "no link is listed in the other direction: each is taken for both, with equal values"
        yield FieldUse(field="directions", became="assumed", count=sum(both), note=note)
    pairs = Counter((arc.tail, arc.head) for arc in arcs)
    single = sum(max(count - pairs.get((head, tail), 0), 0) for (tail, head), count in pairs.items())
    if single:
        note = f"{single} links have no other direction in the file: they carry traffic one way"
        yield FieldUse(field="one-way links", became="used", count=single, note=note)


def _told(links: Sequence[LinkRecord], both: Sequence[bool]) -> FieldUse:
    paired, total = _paired(links)
    if all(both):
        met = f", although {paired} of {total} are met by one listed the other way round" if paired else ""
        note = f"the file does not say: each link is taken for both, with equal values{met}"
        return FieldUse(field="directions", became="assumed", count=total, note=note)
    note = f"the file does not say; {paired} of {total} links have one for the way back, so each is one direction"
    return FieldUse(field="directions", became="used" if paired == total else "assumed", count=total, note=note)


def numbered_arcs(
    arcs: list[FileArc], kept: Sequence[tuple[LinkRecord, tuple[int, int]]], both: Sequence[bool]
) -> list[FileArc]:
    """Number parallel links where the file does not; both directions of an undirected one bear the same number."""
    free = iter(numbered([(str(arc.tail), str(arc.head)) for arc in arcs]))
    if any(both):
        seen: Counter[tuple[int, int]] = Counter()
        numbers: list[int] = []
        for (_, (tail, head)), undirected in zip(kept, both, strict=True):
            pair = (min(tail, head), max(tail, head)) if undirected else (tail, head)
            seen[pair] += 1
            numbers.extend([seen[pair]] * (2 if undirected else 1))
        free = iter(numbers)
    return [replace(arc, index=arc.index or number) for arc, number in zip(arcs, free, strict=True)]
