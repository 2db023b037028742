"""What words of the tools mean: read when they are needed, instead of in every request."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from twin.closest import closest
from twin.errors import InputError
from twin.faults import FaultKind
from twin.faults.kinds import TRAITS, label
from twin.model import Frozen
from twin.plan import Change

from .box.run_state import RunState
from .sql.tables import SCHEMA


class GlossaryEntry(Frozen):
    """One word and what it means or takes."""

    name: str
    means: str


class Glossary(Frozen):
    """Words of one subject."""

    subject: str
    entries: tuple[GlossaryEntry, ...]


def explain(_run_state: RunState, subject: Literal["changes", "faults", "tables"]) -> Glossary:
    """Say what each op of a change takes, which kinds of faults there are, or which columns the tables of sql have."""
    return Glossary(subject=subject, entries=_ENTRIES[subject])


Subject = Annotated[
    str, Field(max_length=40, description="`changes` (their ops), `faults`, `tables` of sql, or a tool on request.")
]


def glossary(tools: Callable[[], Mapping[str, str]]) -> Callable[[RunState, str], Glossary]:
    """Return `explain` as roles have it, who may ask for tools as well; `tools` describes them by name."""

    def explain(_run_state: RunState, subject: Subject) -> Glossary:
        """Say what words of tools mean, or have a tool on request offered to you from your next answer on."""
        found = _ENTRIES.get(subject)
        if found is not None:
            return Glossary(subject=subject, entries=found)
        offered = tools()
        if (means := offered.get(subject)) is None:
            near = closest(subject, (*_ENTRIES, *offered)) or tuple(_ENTRIES)
            raise InputError(f"nothing is called {subject!r}", fix=f"ask for one of {', '.join(near)}")
        return Glossary(subject=subject, entries=(GlossaryEntry(name=subject, means=means),))

    return explain


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
