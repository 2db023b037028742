"""What words of the tools mean: read when they are needed, instead of in every request."""

from typing import Literal, get_args

from twin.faults import FaultKind
from twin.faults.kinds import TRAITS, label
from twin.model import Frozen
from twin.plan import Change

from .box.run_state import Desk
from .sql.tables import SCHEMA


class GlossaryEntry(Frozen):
    """One word and what it means or takes."""

    name: str
    means: str


class Glossary(Frozen):
    """Words of one subject."""

    subject: str
    entries: tuple[GlossaryEntry, ...]


def explain(_desk: Desk, subject: Literal["changes", "faults", "tables"]) -> Glossary:
    """Say what each op of a change takes, which kinds of faults there are, or which columns the tables of sql have."""
    return Glossary(subject=subject, entries=_ENTRIES[subject])


def _changes() -> tuple[GlossaryEntry, ...]:
    return tuple(
        GlossaryEntry(
            name=str(kind.model_fields["op"].default),
            means=f"{' '.join((kind.__doc__ or '').split())} Takes {_fields(kind)}.",
        )
        for kind in get_args(get_args(Change)[0])
    )


def _fields(kind: type[Frozen]) -> str:
    return ", ".join(name for name in kind.model_fields if name != "op")


def _faults() -> tuple[GlossaryEntry, ...]:
    return tuple(
        GlossaryEntry(
            name=str(kind),
            means=f"{label(kind)}; at a {TRAITS[kind].element}"
            + (f", with a {TRAITS[kind].target} as target" if TRAITS[kind].target else ""),
        )
        for kind in FaultKind
    )


_ENTRIES = {
    "changes": _changes(),
    "faults": _faults(),
    "tables": tuple(GlossaryEntry(name=name, means=columns) for name, columns in SCHEMA.items()),
}
