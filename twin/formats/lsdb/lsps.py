"""From LSPs and LSAs as they stand in a text to systems: the newest of each counts, and parts of one are joined.

A text may hold an LSP more than once: the command was pasted twice, or a capture overlaps. Two systems of one name are
another thing; they are told by the addresses that they state, and never merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twin.formats.source import Source

from .database import Database, System


@dataclass
class Lsp:
    """One block of a text: a part of a system, with what the block itself states. `output` numbers commands.

    `part` is the fragment of an LSP, or the area of an LSA; `leads` is whether flags of the system count in it.
    """

    system: System
    part: str
    leads: bool = True
    output: int = 0
    sequence: int | None = None
    addresses: set[str] = field(default_factory=set[str])

    @property
    def age(self) -> tuple[int, bool]:
        """Larger for a newer one: by its sequence number, and of equal ones the purge (ISO/IEC 10589, 7.3.16.4)."""
        return (-1 if self.sequence is None else self.sequence), self.system.purged

    @property
    def stated(self) -> list[tuple[str, int, bool]]:
        """What it says of neighbours."""
        return [(x.system, x.metric, x.wide) for x in self.system.neighbours]


def join(source: Source, database: Database, blocks: Sequence[Lsp]) -> None:
    """Put the systems of some LSPs into a database.

    Raises `FormatError` where one name is that of two systems, or one LSP is stated in two ways.
    """
    fragments: dict[tuple[str, str], Lsp] = {}
    for block in blocks:
        key = (block.system.name, block.part)
        before = fragments.get(key)
        fragments[key] = block if before is None else _newer(source, before, block)
        database.repeated += before is not None
    _require_one_each(source, list(fragments.values()))
    joined: dict[str, list[Lsp]] = {}
    for (name, _), block in fragments.items():
        joined.setdefault(name, []).append(block)
    for name, parts in joined.items():
        database.systems[name] = _joined(parts)
        database.headless += not any(part.leads for part in parts)


def _joined(parts: Sequence[Lsp]) -> System:
    """One system of its fragments; overload and attached count in the first, and a purged one states nothing."""
    first = next((part.system for part in parts if part.leads), None)
    shown = parts[0].system
    neighbours = [x for part in parts if not part.system.purged for x in part.system.neighbours]
    purged = all(part.system.purged for part in parts if part.leads or first is None)
    flags = (first.overloaded, first.attached) if first else (False, False)
    return System(shown.name, shown.where, shown.lan, *flags, purged, neighbours)


def _newer(source: Source, a: Lsp, b: Lsp) -> Lsp:
    if a.addresses and b.addresses and not a.addresses & b.addresses:
        raise _of_two_systems(source, a, b)
    heard = [{name for name, _, _ in x.stated} for x in (a, b)]
    if a.output == b.output and all(heard) and not heard[0] & heard[1]:
        wanted = (
            f"one system called {a.system.name}: the one at {a.system.where} has other neighbours; paste system ids"
        )
        raise source.error(b.system.where, wanted)
    if a.age != b.age:
        return max(a, b, key=lambda x: x.age)
    if a.output == b.output and a.stated != b.stated:
        wanted = f"one state of the LSP of {a.system.name}, which {a.system.where} has in another way"
        raise source.error(b.system.where, wanted)
    return b


def _require_one_each(source: Source, blocks: Sequence[Lsp]) -> None:
    known: dict[str, Lsp] = {}
    for block in blocks:
        before = known.get(block.system.name)
        if before and before.addresses and block.addresses and not before.addresses & block.addresses:
            raise _of_two_systems(source, before, block)
        if block.addresses:
            known.setdefault(block.system.name, block)


def _of_two_systems(source: Source, a: Lsp, b: Lsp) -> Exception:
    ours, theirs = (", ".join(sorted(x.addresses)) for x in (a, b))
    wanted = (
        f"one system called {a.system.name}: the one at {a.system.where} is {ours}, this one {theirs}; "
        "paste the database with system ids in place of names"
    )
    return source.error(b.system.where, wanted)
