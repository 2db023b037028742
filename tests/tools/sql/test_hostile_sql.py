"""No statement gets out of the `sql` tool, and none takes the process down with it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

import tools.sql.query as tool
from tests.tools.conftest import NOON, square
from tests.tools.sql.hostile_sql import HOSTILE, KINDS
from tools.box.run_state import ReadSide, RunState
from tools.sql.query import ROWS, sql
from twin.errors import TwinError
from twin.live.emulated import EmulatedNetwork
from twin.policy import Policy

SECRET = "k3y-0f-the-house-91d2"
ROOT = Path(__file__).resolve().parents[3]
WHOLE = os.environ.get("TWINOPS_HOSTILE_SQL") == "all"
SLICE = [
    statement
    for statements in KINDS.values()
    for statement in (statements if WHOLE else statements[1 :: max(1, len(statements) // 2)])
]
"""Each statement starts a process: by default two of each kind run, with TWINOPS_HOSTILE_SQL=all every one."""

ASKS_FOR_TOO_MUCH_OF_ITS_OWN = {
    "SELECT " + " AND ".join(["true"] * 2_000),
    " UNION ALL ".join(["SELECT 1"] * 550),
    "SELECT regexp_full_match(a.link || b.link, '(.*.*.*.*.*.*)*x') FROM link_sample a, link_sample b, link_sample c",
}


@pytest.fixture(scope="module")
def measured() -> RunState:
    live = EmulatedNetwork(square(), seed=3, start=NOON)
    live.wait(36)
    return RunState(inventory=square(), policy=Policy(), live=ReadSide(live), since=NOON)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    (folder / "canary.csv").write_text(f"secret\n{SECRET}\n")
    (folder / "out").mkdir()
    with duckdb.connect(str(folder / "twin.duckdb")) as connection:
        connection.execute("CREATE TABLE secret_creds AS SELECT ? AS secret", [SECRET])
    return folder


def worded(statement: str, place: Path) -> str:
    places = {"canary": place / "canary.csv", "folder": place / "out", "twin": place / "twin.duckdb"}
    return statement.format(**places)


def outcome(run_state: RunState, statement: str) -> str:
    try:
        return sql(run_state, statement).model_dump_json()
    except TwinError as error:
        return f"refused: {error}; {error.fix}"


def traces(place: Path) -> dict[str, int]:
    return {str(path.relative_to(place)): path.stat().st_size for path in place.rglob("*")}


def test_there_are_as_many_hostile_statements_as_promised():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 200


def test_no_kind_of_statement_is_left_out():
    assert {kind for kind, statements in KINDS.items() if set(statements) & set(SLICE)} == set(KINDS)


@pytest.mark.parametrize("statement", SLICE, ids=lambda x: x[:60].encode("ascii", "replace").decode())
def test_no_hostile_statement_gets_an_answer_or_leaves_a_trace(
    measured: RunState, place: Path, statement: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWINOPS_PLANTED_SECRET", SECRET)
    before = traces(place)
    said = outcome(measured, worded(statement, place))
    assert SECRET not in said
    assert said.startswith("refused") or statement in ASKS_FOR_TOO_MUCH_OF_ITS_OWN
    assert traces(place) == before


UNCHECKED = """
import sys
sys.path.insert(0, sys.argv[1])
import tools.sql.worker as worker
worker.check_statement = lambda *_: None
worker.main()
"""


@pytest.mark.parametrize("statement", SLICE, ids=lambda x: x[:60].encode("ascii", "replace").decode())
def test_the_locks_alone_keep_files_and_secrets_away_from_a_statement_that_the_grammar_missed(
    place: Path, tmp_path: Path, statement: str
):
    job = {"statement": worded(statement, place), "limit": ROWS, "milliseconds": 600, "tables": []}
    before = traces(place)
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", UNCHECKED, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={"OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        said, _ = process.communicate(json.dumps(job).encode() + b"\n", timeout=10)
    except subprocess.TimeoutExpired:  # what DuckDB does not interrupt is for the parent to kill
        process.kill()
        said, _ = process.communicate()
    assert SECRET not in said.decode()
    assert traces(place) == before
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_size] == []


LOOKS_AROUND = """
import json, os, sys
sys.stdin.buffer.read()
sys.stdout.write("ready\\n")
seen = [["variable", x] for x in os.environ] + [["file", x] for x in os.listdir()] + [["folder", os.getcwd()]]
print(json.dumps({"columns": [["what", "VARCHAR"], ["name", "VARCHAR"]], "rows": seen, "truncated": False}))
"""


def test_the_process_of_a_statement_sees_neither_our_environment_nor_our_files(
    measured: RunState, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWINOPS_PLANTED_SECRET", SECRET)
    monkeypatch.setattr(tool, "_START", LOOKS_AROUND)
    seen = sql(measured, "SELECT 1").rows
    # LC_CTYPE is what Python sets for itself where there is no locale
    assert {name for what, name in seen if what == "variable"} <= {"OPENBLAS_NUM_THREADS", "LC_CTYPE"}
    assert [name for what, name in seen if what == "file"] == []
    (folder,) = [str(name) for what, name in seen if what == "folder"]
    assert Path(folder) != Path.cwd()
    assert not Path(folder).exists()


TRIES = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import duckdb
import tools.sql.worker as worker

connection, mine = duckdb.connect(":memory:", config=worker._CONFIG), {"x": __import__("numpy").arange(3)}
worker._lock(connection, 900)


def tried(work):
    try:
        work()
    except (OSError, MemoryError, duckdb.Error) as error:
        return type(error).__name__
    return "done"


def write(name):
    with open(name, "w") as file:
        file.write("x" * 100)


held = []
print(json.dumps({
    "write": tried(lambda: write("written")),
    "files": tried(lambda: held.extend(open(sys.argv[2]) for _ in range(64))) if not held.clear() else "",
    "memory": tried(lambda: bytearray(4 * 2**30)),
    "seconds": resource.getrlimit(resource.RLIMIT_CPU)[1] < 60,
    "dump": resource.getrlimit(resource.RLIMIT_CORE)[1],
    "read": tried(lambda: held.clear() or connection.execute(f"SELECT * FROM read_text('{sys.argv[2]}')")),
    "unlock": tried(lambda: connection.execute("SET lock_configuration = false")),
    "set": tried(lambda: connection.execute("SET threads = 4")),
    "variable of ours": tried(lambda: connection.execute("SELECT * FROM mine")),
}))
"""


def test_the_process_of_a_statement_can_neither_write_nor_read_nor_take_what_it_likes(place: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-I", "-c", TRIES, str(ROOT), str(place / "canary.csv")],
        cwd=tmp_path,
        env={"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "write": "OSError",
        "files": "OSError",
        "memory": "MemoryError",
        "seconds": True,
        "dump": 0,
        "read": "PermissionException",
        "unlock": "InvalidInputException",
        "set": "InvalidInputException",
        "variable of ours": "CatalogException",
    }
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_a_statement_that_goes_on_for_ever_is_stopped_and_the_next_one_is_answered(measured: RunState):
    tables = ", ".join(f"link_sample x{i}" for i in range(5))
    assert "took too long" in outcome(measured, f"SELECT count(*) FROM {tables} WHERE x0.out_mbps < x1.in_mbps")
    assert sql(measured, "SELECT count(*) AS n FROM node WHERE name < 'C'").rows[0][0] in (2, 4)


@pytest.mark.parametrize("signs", ["", "sys.stdout.write('ready\\n'); sys.stdout.flush(); "])
def test_a_process_that_cannot_be_interrupted_is_killed(
    measured: RunState, monkeypatch: pytest.MonkeyPatch, signs: str
):
    monkeypatch.setattr(tool, "_START", f"import sys, time; sys.stdin.buffer.read(); {signs}time.sleep(60)")
    monkeypatch.setattr(tool, "LOADING_SECONDS", 1.0)
    started = time.monotonic()
    assert outcome(measured, "SELECT 1").startswith("refused")
    assert time.monotonic() - started < 30
