"""The record of an evaluation: `run.json`, one line a result in `results.jsonl`, and both again in `results.duckdb`.

Results are on disk as soon as they are there: what kills a run takes only what was under way.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import AwareDatetime, Field, ValidationError

from evals.cases.case import Split
from evals.cases.result import Result
from twin.append_log import AppendLog, read_lines
from twin.errors import InputError, StoreError
from twin.files import SMALL, is_plain, read_bytes, write_text
from twin.model import Frozen

FOLDER, RUN, RESULTS, TABLES = "eval", "run.json", "results.jsonl", "results.duckdb"
Status = Literal["running", "partial", "complete"]


class RunSpec(Frozen):
    """What was asked for: the same specification gives the same table."""

    suites: tuple[str, ...] = Field(min_length=1)
    split: Split = "dev"
    cases: int | None = Field(default=None, ge=1, description="Cases of each suite; none: as many as the suite has.")
    slice: bool = Field(default=False, description="Whether the slice of each suite was asked for.")
    seeds: tuple[int, int] | None = Field(default=None, description="First and last seed.")
    repeat: int = Field(default=1, ge=1, le=100)
    model: str = "runbook"
    compact: bool = Field(default=False, description="Whether that model is small: it is shown little.")
    vision: bool = Field(default=False, description="Whether it sees.")
    baselines: bool = False
    data: bool = Field(default=False, description="Whether the published data were there.")


class RunHead(Frozen):
    """A run: its specification, how far it came, and when."""

    name: str
    spec: RunSpec
    status: Status
    version: str
    started: AwareDatetime
    seconds: float = 0.0
    asked: int = Field(description="Results that the specification asks for.")
    because: str = Field(default="", description="Why it is partial.")


class Record:
    """A run's folder. Raises `StoreError` when it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, runs: Path, name: str, head: RunHead) -> "Record":
        """Make the folder of a new run; a name that is taken gets a number."""
        for number in range(1, 1000):
            chosen = name if number == 1 else f"{name}-{number}"
            folder = runs / FOLDER / chosen
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise StoreError(f"cannot write {folder}: {error.strerror}", fix="choose another --runs") from error
            record = cls(folder)
            record.write_head(head.model_copy(update={"name": chosen}))
            return record
        raise StoreError(f"{runs / FOLDER} already holds 1,000 runs called {name}", fix="choose another --runs")

    @classmethod
    def open(cls, runs: Path, name: str) -> "Record":
        """Find a run by its folder or by its name in the folder of runs. Raises `InputError` with the last names."""
        for folder in (Path(name), runs / FOLDER / name):
            if is_plain(folder / RUN):
                return cls(folder)
        known = sorted(path.parent.name for path in (runs / FOLDER).glob(f"*/{RUN}"))[-3:]
        fix = f"the last ones are {', '.join(known)}" if known else "make one with `twinops eval run SUITE`"
        raise InputError(f"no evaluation {name!r} in {runs / FOLDER}", fix=fix)

    @property
    def head(self) -> RunHead:
        """What the run is. Raises `StoreError` when it cannot be read."""
        try:
            return RunHead.model_validate_json(read_bytes(self.folder / RUN, most=SMALL, below=self.folder))
        except (InputError, ValidationError) as error:
            raise StoreError(f"{self.folder / RUN} is not the head of a run", fix="run the suite again") from error

    def write_head(self, head: RunHead) -> None:
        """Replace the head at once: a kill leaves the old one or the new one."""
        _write(self.folder / RUN, head.model_dump_json(indent=2) + "\n")

    def add(self, results: Iterable[Result]) -> None:
        """Append results, all or none; they are on disk when this returns. Raises `StoreError`."""
        path = self.folder / RESULTS
        with AppendLog.reopen(path) if path.exists() else AppendLog.create(path) as log:
            log.append([x.model_dump_json(exclude_defaults=True).encode() for x in results], durable=True)

    def results(self) -> tuple[Result, ...]:
        """Every result, of one key the first; a last line that was cut off is left out.

        Raises `StoreError` that names the first line which is no result.
        """
        path = self.folder / RESULTS
        if not path.exists():
            return ()
        try:
            lines = read_lines(path).whole
        except InputError as error:
            raise StoreError(str(error), fix=error.fix) from error
        found: dict[tuple[str, str, int], Result] = {}
        for number, line in enumerate(lines, start=1):
            try:
                result = Result.model_validate_json(line)
            except ValidationError as error:
                raise StoreError(f"{path}: line {number} is not a result", fix="remove that line") from error
            found.setdefault(result.key, result)
        return tuple(found.values())

    def write_tables(self, results: Sequence[Result], rows: Sequence[Frozen]) -> Path:
        """Write results, their measures and the table's rows where SQL can ask: `result`, `measure`, `figure`."""
        path = self.folder / TABLES
        measures = [(*result.key, name, value) for result in results for name, value in sorted(result.values.items())]
        figures = [tuple(row.model_dump(mode="json").values()) for row in rows]
        try:
            for old in (path, path.with_name(f"{TABLES}.wal")):
                old.unlink(missing_ok=True)  # also a link, whatever it leads to
            with duckdb.connect(str(path)) as store:
                store.execute(_SCHEMA)
                _fill(store, "result", [_columns(x) for x in results])
                _fill(store, "measure", measures)
                _fill(store, "figure", figures)
        except (duckdb.Error, OSError) as error:
            raise StoreError(f"cannot write {path}: {error}", fix="free some space") from error
        return path

    def write(self, name: str, text: str) -> Path:
        """Write a text beside the record."""
        _write(self.folder / name, text)
        return self.folder / name


def moment(now: datetime) -> str:
    """A time as part of a folder's name."""
    return f"{now:%Y%m%d-%H%M%S}"


_SCHEMA = """
create table result (case_id text, suite text, kind text, network text, seed bigint, system text, repeat integer,
    passed boolean, answer text, truth text, seconds double, run text, trace text, error text);
create table measure (case_id text, system text, repeat integer, name text, value double);
create table figure (suite text, system text, metric text, value double, low double, high double, cases bigint,
    higher boolean, bar double, share boolean);
"""


def _columns(result: Result) -> tuple[object, ...]:
    kept = result.model_dump(exclude={"values", "spent", "void"})
    order = ("case", "suite", "kind", "network", "seed", "system", "repeat", "passed", "answer", "truth", "seconds")
    return tuple(kept[name] for name in (*order, "run", "trace", "error"))


def _fill(store: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Load rows at once, through one JSON array: DuckDB takes single rows slowly."""
    if not rows:
        return
    described = store.execute(f"select column_name, column_type from (describe {table})").fetchall()  # noqa: S608
    types = {str(name): str(kind) for name, kind in described}
    body = json.dumps([dict(zip(types, row, strict=True)) for row in rows])
    query = f"insert into {table} select unnest(from_json(?, ?), recursive := true)"
    store.execute(query, [body, json.dumps([types])])


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except InputError as error:
        raise StoreError(str(error), fix="free some space or fix the rights") from error
