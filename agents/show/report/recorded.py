"""What happened in a run, from its journal alone: nothing of the twin or of a page is loaded for it."""

from pathlib import Path

from agents.record.files import JOURNAL
from agents.record.journal import RecordsRead, read_journal
from twin.errors import InputError
from twin.files import is_plain

from .story import Story, tell


def read_run(folder: Path) -> Story:
    """Read what happened in a run. Raises `InputError` when there is none, `JournalError` when its record is broken."""
    return tell(read_record(folder).records)


def read_record(folder: Path) -> RecordsRead:
    """Read the journal of a run. Raises as `read_run` does."""
    if not is_plain(folder / JOURNAL):
        raise InputError(f"{folder} holds no run", fix=_known_runs(folder.parent))
    return read_journal(folder / JOURNAL)


def _known_runs(runs: Path) -> str:
    known = sorted((path.parent.name for path in runs.glob(f"*/{JOURNAL}")), reverse=True)
    return f"the last runs are {', '.join(known[:3])}" if known else "make one with `twinops run`"
