"""A run folder: `journal.jsonl`, `twin.duckdb` and the report that is made from the two alone."""

from datetime import datetime, timedelta
from pathlib import Path

from agents.record.files import REPORT, TWIN
from agents.record.journal import RecordsRead
from twin.errors import InputError, StoreError, TwinError
from twin.files import is_plain, write_text
from twin.live.network import LinkSamples
from twin.model import Network
from twin.store import TwinStore

from .page import Sources, render
from .recorded import read_record
from .story import Story, tell

_LEAD = timedelta(hours=2, minutes=5)  # telemetry shown before the fault


def read_story(folder: Path, *, twin: bool = True) -> tuple[Story, Sources]:
    """Read a run with what it shows; without the snapshots where `twin` says so, or its twin file cannot be read.

    Raises `InputError` when there is no run, `JournalError` when its record is broken.
    """
    reading = read_record(folder)
    story = tell(reading.records)
    if not twin:
        return story, Sources(head=reading.head)
    try:
        with TwinStore.open(folder / TWIN) as store:
            return story, _sources(story, reading, store)
    except TwinError:
        return story, Sources(head=reading.head)


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder and return its path.

    Raises `InputError` when there is no run, `JournalError` when its record is broken, `StoreError` when the twin file
    cannot be read or the report not be written, `StoreBusyError` when another process holds the twin file.
    """
    reading = read_record(folder)
    story = tell(reading.records)
    if not is_plain(folder / TWIN):
        raise StoreError(f"{folder / TWIN} is not there", fix="restore it: the report shows its snapshots")
    with TwinStore.open(folder / TWIN) as opened:
        sources = _sources(story, reading, opened)
    path = folder / REPORT
    try:
        write_text(path, render(story, sources))
    except InputError as error:
        raise StoreError(str(error), fix="free some space or fix the rights") from error
    return path


def _sources(story: Story, reading: RecordsRead, store: TwinStore) -> Sources:
    wanted = {story.started.inventory, *(loads.snapshot for loads in story.loads.values())}
    wanted |= {round_.submission.plan.base for round_ in story.rounds if round_.submission}
    networks = {name: network for name in sorted(wanted) if (network := _network(store, name)) is not None}
    return Sources(networks, _samples(story, store, networks), reading.head, reading.torn)


def _network(store: TwinStore, snapshot: str) -> Network | None:
    try:
        return store.load_snapshot(snapshot)
    except TwinError:  # an unfinished run may name a snapshot that was never committed
        return None


def _samples(story: Story, store: TwinStore, networks: dict[str, Network]) -> LinkSamples | None:
    inventory = networks.get(story.started.inventory)
    if inventory is None:
        return None
    return store.read_links(inventory, _beginning(story) - _LEAD)


def _beginning(story: Story) -> datetime:
    onset = story.finished.onset if story.finished else None
    return min(onset, story.started.live_time) if onset else story.started.live_time
