"""The runs in a folder, and questions to their journals in SQL: DuckDB reads the files where they lie.

A statement is one SELECT of the two views below. The settings are locked, and nothing but the folder of runs can be
read: settings as measured against DuckDB 2 (https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview).
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import duckdb
from pydantic import AwareDatetime, Field, ValidationError

from tools.sql.grammar import NotAllowedError, check_statement
from twin.errors import InputError, JournalError, StoreError, first_line_of
from twin.files import MAX_BYTES, require_file
from twin.frozen import Frozen

from .files import JOURNAL
from .outcome import Outcome
from .ownership import holder
from .spelling import require_spelling

if TYPE_CHECKING:
    from twin.store.archive import SampleFile

Value = str | int | float | bool | None

ROWS = 1_000
SECONDS = 10.0
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "memory_limit": "512MB",
    "threads": 1,
    "max_temp_directory_size": "0GB",
    "temp_directory": "",
}
_LOCKS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    f"SET max_execution_time = {round(1000 * SECONDS)}",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_RECORD = """
CREATE VIEW record AS
SELECT regexp_extract(filename, '([^/]+)/journal\\.jsonl$', 1) AS run, seq, time, event->>'kind' AS kind,
    event->>'role' AS role, event->>'stage' AS stage, event->>'next' AS next, event->>'tool' AS tool,
    try_cast(event->>'ok' AS BOOLEAN) AS ok, try_cast(event->>'repeated' AS BOOLEAN) AS repeated,
    event->>'action' AS action, try_cast(event->>'input_tokens' AS BIGINT) AS input_tokens,
    try_cast(event->>'output_tokens' AS BIGINT) AS output_tokens,
    try_cast(event->>'seconds' AS DOUBLE) AS seconds,
    coalesce(event->>'because', event->>'text', event->>'content', event->>'detail') AS text, event
FROM read_json({files}, format = 'newline_delimited', columns = {{seq: 'BIGINT', time: 'TIMESTAMPTZ', event: 'JSON'}},
    ignore_errors = true, filename = true, maximum_object_size = 67108864)
WHERE seq IS NOT NULL
"""
_RUN = """
CREATE VIEW run AS
SELECT run, any_value(event->>'network') FILTER (kind = 'run started') AS network,
    any_value(try_cast(event->>'seed' AS BIGINT)) FILTER (kind = 'run started') AS seed,
    any_value(event->>'model') FILTER (kind = 'run started') AS model,
    min(time) AS started, max(time) AS ended, count(*) AS records,
    CASE WHEN arg_max(kind, seq) IN ('run finished', 'approval given')
        THEN arg_max(event->>'outcome', seq) FILTER (kind = 'run finished') ELSE 'unfinished' END AS outcome,
    arg_max(event->>'because', seq) FILTER (kind = 'run finished') AS because,
    arg_max(event->'cause'->>'kind', seq) FILTER (kind = 'run finished') AS cause,
    arg_max(event->'cause'->>'element', seq) FILTER (kind = 'run finished') AS element,
    arg_max(event->>'plan', seq) FILTER (kind = 'run finished') AS plan,
    count(*) FILTER (kind = 'chat answered') AS model_calls, count(*) FILTER (kind = 'tool returned') AS tool_calls,
    coalesce(sum(input_tokens) FILTER (kind = 'chat answered'), 0) AS input_tokens,
    coalesce(sum(output_tokens) FILTER (kind = 'chat answered'), 0) AS output_tokens,
    arg_max(seconds, seq) FILTER (kind = 'run finished') AS seconds
FROM record GROUP BY run
"""
_TABLES = frozenset({"run", "record"})
_LIST = (
    "SELECT run, network, seed, model, started, outcome, because, records, model_calls, tool_calls, seconds FROM run"
)


class RunEntry(Frozen):
    """One run in a folder of runs."""

    run: str
    network: str
    seed: int
    model: str
    started: AwareDatetime
    state: Literal["running", "ended", "waits", "unfinished"] = Field(
        description="Unfinished ones can be resumed, those that wait can be approved."
    )
    outcome: Outcome | Literal["unfinished"]
    because: str
    records: int
    model_calls: int
    tool_calls: int
    seconds: float | None
    process: int | None = Field(default=None, description="Who works on it now.")


class Rows(NamedTuple):
    """What a statement gave; `truncated` says that there is more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool


class Listing(NamedTuple):
    """The runs in a folder, the newest first, and by the folder's name why a journal in it cannot be read."""

    entries: tuple[RunEntry, ...]
    unreadable: dict[str, str]

    def only(self, *, outcome: str | None = None, network: str | None = None, top: int = 20) -> tuple[RunEntry, ...]:
        """The newest runs with this outcome and network, at most `top`."""
        wanted = (x for x in self.entries if outcome in (None, x.outcome) and network in (None, x.network))
        return tuple(islice(wanted, top))


def list_runs(
    runs: Path, *, outcome: str | None = None, network: str | None = None, top: int = 20
) -> tuple[RunEntry, ...]:
    """List the newest runs in a folder, at most `top` of those with this outcome and network; as `survey` does."""
    return survey(runs).only(outcome=outcome, network=network, top=top)


def survey(runs: Path) -> Listing:
    """Look at every run in a folder. A journal that cannot be read is named with the reason, and spoils no other."""
    journals, unreadable = _places(runs)
    rows: list[dict[str, Any]] = []
    try:
        rows = _rows(runs, journals)
    except StoreError:  # one of them is at fault: ask each
        for journal in journals:
            try:
                rows += _rows(runs, [journal])
            except StoreError as error:
                unreadable[journal.parent.name] = str(error)
    entries: list[RunEntry] = []
    dated = [row for row in rows if isinstance(row["started"], datetime) and row["network"] is not None]
    unreadable |= {str(row["run"]): "its record does not begin with a run" for row in rows if row not in dated}
    for row in sorted(dated, key=lambda x: (x["started"], x["run"]), reverse=True):
        try:
            entries.append(_entry(runs, row))
        except ValidationError as error:
            unreadable[row["run"]] = f"its record is none of a run: {error.errors(include_url=False)[0]['msg']}"
    return Listing(tuple(entries), unreadable)


def query_runs(runs: Path, statement: str, *, samples: Path | None = None) -> Rows:
    """Run one SELECT over the views `run` and `record` of a folder's journals.

    With the folder where a watch keeps its `samples`, over `link_sample` of every hour that is over as well. Raises
    `InputError` on anything else, and when it takes too long or too much memory.
    """
    listing = survey(runs)
    readable = [runs / entry.run / JOURNAL for entry in listing.entries]
    parts, tables = tuple["SampleFile", ...](), frozenset[str]()
    if samples is not None:  # what only journals are asked for waits for no kernel
        from twin.store.archive import VIEW, parts_of

        parts = parts_of(samples)
        tables = frozenset({VIEW}) if parts else tables
    if not readable and not parts:
        raise InputError(f"{runs} holds no runs", fix="make one with `twinops run`")
    tables |= _TABLES if readable else frozenset[str]()
    fix = f"the tables are {' and '.join(sorted(tables, reverse=True))}"
    with _journals(runs, readable, parts) as connection:
        try:
            tree = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchone()
            check_statement(json.loads(str(tree[0] if tree else "{}")), tables)
            cursor = connection.execute(statement)
            columns = tuple(str(column[0]) for column in cursor.description or [])
            rows = cursor.fetchmany(ROWS + 1)
        except NotAllowedError as error:
            raise InputError(str(error), fix=error.fix[:160] or fix) from error
        except duckdb.InterruptException as error:
            raise InputError(f"the statement took longer than {SECONDS:g} s", fix="narrow it with WHERE") from error
        except duckdb.Error as error:
            raise InputError(" ".join(str(error).split())[:300], fix=fix) from error
    return Rows(columns, tuple(tuple(_plain(x) for x in row) for row in rows[:ROWS]), len(rows) > ROWS)


def _places(runs: Path) -> tuple[list[Path], dict[str, str]]:
    """Every journal below `runs`, and why those are left out that are no plain files or no two readers read alike."""
    journals, refused = list[Path](), dict[str, str]()
    for path in sorted(runs.glob(f"*/{JOURNAL}")):
        try:
            require_file(path, most=MAX_BYTES, below=runs)
            require_spelling(path)
            journals.append(path)
        except (InputError, JournalError) as error:
            refused[path.parent.name] = str(error)
    return journals, refused


def _rows(runs: Path, journals: Sequence[Path]) -> list[dict[str, Any]]:
    if not journals:
        return []
    with _journals(runs, journals) as connection:
        found = connection.execute(_LIST)
        names = [str(column[0]) for column in found.description or []]
        try:
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except (ValueError, OverflowError) as error:  # a time that no calendar has
            raise StoreError(f"the journals in {runs} cannot be read: {error}", fix="see which one it is") from error


@contextmanager
def _journals(
    runs: Path, journals: Sequence[Path], samples: "Sequence[SampleFile]" = ()
) -> Generator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:", config=_CONFIG)
    try:
        files = [str(path.resolve()) for path in journals]
        names = [*files, *(str(part.path.resolve()) for part in samples)]
        allowed = ", ".join(_quoted(name) for file in names for name in {file, _literally(file)})
        connection.execute(f"SET allowed_paths = [{allowed}]")
        if samples:
            from twin.store.archive import read_parts

            read_parts(connection, samples)
        if files:
            connection.execute(_RECORD.format(files="[" + ", ".join(_quoted(_literally(file)) for file in files) + "]"))
            connection.execute(_RUN)
        for lock in _LOCKS:
            connection.execute(lock)
        yield connection
    except duckdb.Error as error:
        raise StoreError(f"the journals in {runs} cannot be read: {first_line_of(error)}") from error
    finally:
        connection.close()


def _literally(folder: str) -> str:
    """A path as a pattern that matches itself alone."""
    return "".join(f"[{x}]" if x in "*?[" else x for x in folder)


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _entry(runs: Path, row: dict[str, Any]) -> RunEntry:
    process = holder(runs / row["run"])
    waits = row["outcome"] in ("awaiting approval", "awaiting answer")
    ended = "waits" if waits else "unfinished" if row["outcome"] == "unfinished" else "ended"
    state = "running" if process is not None else ended
    because = row["because"] or "the record ends before the run did"
    return RunEntry.model_validate({**row, "because": because, "state": state, "process": process})


def _plain(value: object) -> Value:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
