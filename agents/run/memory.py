"""What a run knows of past incidents, and what it leaves for later ones: only where a memory is named.

`TWINOPS_MEMORY` names the file that runs share. A run reads it once, at its start, and keeps what it read in its own
folder, so that it can be resumed and replayed as it was; it adds its own incident when it has ended.
"""

import os
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from agents.record.events import RunFinished
from tools.box.run_state import RunState
from tools.diagnosis import signs_of
from twin.errors import StoreError, TwinError
from twin.files import is_plain, read_bytes, write_bytes, write_text
from twin.store.memory import EarlierIncident, IncidentMemory, Recollection

KEPT = "memory.json"
_NO_LESSON = ("interrupted", "failed", "awaiting approval", "awaiting answer", "scheduled", "healthy")


def recollection(folder: Path, network: str, *, again: bool) -> Recollection | None:
    """What a run remembers: what it read at its start when it is gone through `again`, else what the memory holds now.

    None without a memory. Raises `StoreError` or `StoreBusyError` when it cannot be read.
    """
    kept, memory = folder / KEPT, shared_memory()
    if again:
        return _kept(folder) if is_plain(kept) else None
    if memory is None:
        return None
    found = memory.recollect(network)
    write_text(kept, found.model_dump_json())
    return found


def _kept(folder: Path) -> Recollection:
    try:
        return Recollection.model_validate_json(read_bytes(folder / KEPT, below=folder))
    except ValidationError as error:
        raise StoreError(f"{folder / KEPT} is no memory of a run", fix="restore it from a copy") from error


def bring_along(folder: Path, into: Path) -> None:
    """Give another folder what a run read at its start, so that the run can be gone through there."""
    if is_plain(folder / KEPT):
        write_bytes(into / KEPT, read_bytes(folder / KEPT, below=folder))


def remember(folder: Path, run: str, run_state: RunState, finished: RunFinished) -> None:
    """Add the incident of a run that has ended to the memory that it read from.

    A healthy run, one that was interrupted and one that waits are nothing to learn from. A memory that cannot be
    written is left as it is: the run is what counts.
    """
    memory, incident = shared_memory(), run_state.incident
    if memory is None or incident is None or not incident.symptoms or not is_plain(folder / KEPT):
        return
    if finished.outcome in _NO_LESSON:
        return
    steps = run_state.submission.plan.steps if run_state.submission and finished.plan else ()
    with suppress(TwinError):
        memory.append(
            EarlierIncident(
                id=run,
                network=run_state.inventory.name,
                opened=run_state.live.now,
                signs=signs_of(incident),
                cause_kind=str(finished.cause.kind) if finished.cause else None,
                cause_element=finished.cause.element if finished.cause else None,
                outcome=finished.outcome,
                plan=tuple(str(step) for step in steps),
            )
        )


def shared_memory() -> IncidentMemory | None:
    """The memory that `TWINOPS_MEMORY` names, None where it names none."""
    named = os.environ.get("TWINOPS_MEMORY")
    return IncidentMemory(Path(named)) if named else None
