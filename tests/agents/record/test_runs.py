"""The folder of runs: what is listed, and which SQL gets an answer."""

import os
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.record.ownership import holder, own
from agents.record.runs import list_runs, query_runs, survey
from tests.agents.incidents import Run, perform, request
from twin.errors import InputError, StoreBusyError
from twin.formats import load_network
from twin.live.network import LinkSamples
from twin.store.archive import SampleArchive


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp = tmp_path_factory.mktemp("listed")
    perform(tmp, request())
    perform(tmp, request(fault=None, healthy=True))
    killed = perform(tmp, request(seed=6)).result.folder
    path = killed / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-500])  # no end, and a last line that was cut off
    return tmp / "runs"


def test_runs_are_listed_newest_first_with_how_they_ended(runs: Path):
    listed = list_runs(runs)
    assert [x.seed for x in listed] == [6, 5, 5]
    assert [x.state for x in listed] == ["unfinished", "ended", "ended"]
    assert listed[0].outcome == "unfinished"
    assert listed[2].outcome == "resolved"
    assert listed[2].model_calls > 0


def test_filters_choose(runs: Path):
    assert [x.outcome for x in list_runs(runs, outcome="resolved")] == ["resolved"]
    assert list_runs(runs, network="sndlib/germany50") == ()
    assert len(list_runs(runs, top=2)) == 2


def test_no_runs_are_an_empty_list(tmp_path: Path):
    assert list_runs(tmp_path) == ()


def test_a_run_that_is_worked_on_says_by_whom(runs: Path):
    folder = runs / list_runs(runs)[0].run
    assert holder(folder) is None
    with own(folder):
        assert holder(folder) == os.getpid()
        assert list_runs(runs)[0].process == os.getpid()
        with pytest.raises(StoreBusyError, match=f"held by process {os.getpid()}"), own(folder):
            pass


def test_the_samples_that_a_watch_keeps_are_a_table_beside_the_journals(runs: Path, tmp_path: Path):
    network, begin, hour = load_network("synthetic/12-1"), datetime(2026, 11, 1, tzinfo=UTC), timedelta(hours=1)
    link = np.repeat(np.arange(len(network.links)), 3)
    time = begin.timestamp() + np.tile([600.0, 1200.0, 4000.0], len(network.links))
    samples = LinkSamples(time, link, link + 0.5, link + 0.5, np.zeros(link.size), np.ones(link.size, bool))
    with closing(SampleArchive(tmp_path)) as archive:
        archive.append(network, samples)
        archive.tidy(begin + 1.5 * hour, keep=hour * 1000)
    asked = "SELECT link, count(*), max(out_mbps) FROM link_sample GROUP BY link ORDER BY 3 DESC LIMIT 1"
    last = network.links[-1].name, 2, len(network.links) - 0.5
    assert query_runs(runs, asked, samples=tmp_path).rows == (last,)
    assert query_runs(tmp_path / "none", asked, samples=tmp_path).rows == (last,)
    assert query_runs(runs, "SELECT count(*) > 0 FROM run", samples=tmp_path).rows == ((True,),)
    with pytest.raises(InputError, match="not allowed"):
        query_runs(runs, f"SELECT * FROM read_parquet('{tmp_path}/*.parquet')", samples=tmp_path)
    with pytest.raises(InputError):
        query_runs(runs, asked)


def test_journals_answer_sql(runs: Path, resolved: Run):
    rows = query_runs(runs, "SELECT outcome, count(*) AS n FROM run GROUP BY outcome ORDER BY outcome")
    assert rows.columns == ("outcome", "n")
    assert ("resolved", 1) in rows.rows
    assert ("unfinished", 1) in rows.rows
    slowest = "SELECT tool, avg(seconds) AS s FROM record WHERE kind = 'tool returned' GROUP BY tool ORDER BY s DESC"
    assert {row[0] for row in query_runs(runs, slowest).rows} >= {"rank_causes", "propose_plans"}
    assert query_runs(resolved.result.folder.parent, "SELECT count(*) FROM record").rows == ((len(resolved.records),),)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY run TO '/tmp/out.csv'",
        "WITH x AS (COPY run TO '/tmp/out.csv') SELECT * FROM x",
        "SELECT 1; SELECT 2",
        "DELETE FROM run",
        "ATTACH '/tmp/x.db'",
        "SET memory_limit = '10GB'",
        "INSTALL httpfs",
        "SELECT * FROM duckdb_settings()",
        "SELECT current_user",
        "SELECT * FROM information_schema.tables",
        "SELECT getenv('HOME') FROM run",
        "SELECT nothing FROM run",
        "not sql",
        "",
    ],
)
def test_nothing_but_a_select_of_the_two_tables_is_run(runs: Path, statement: str):
    with pytest.raises(InputError):
        query_runs(runs, statement)


def test_a_folder_whose_name_is_a_pattern_is_read_as_it_is(tmp_path: Path, resolved: Run):
    import shutil

    odd = tmp_path / "r[1]'s *"
    shutil.copytree(resolved.result.folder, odd / "one")
    assert query_runs(odd, "SELECT count(DISTINCT run) FROM record").rows == ((1,),)


@pytest.mark.parametrize(
    "spell",
    [
        lambda line: line.replace(b'"event":', b'"event":{"kind":"run finished","outcome":"failed"},"event":', 1),
        lambda line: line.replace(b":", b": ", 1),
        lambda line: b"[" + line + b"]",
        lambda _: b"[" * 5_000,
    ],
    ids=["a key twice", "a space", "no object", "brackets without end"],
)
def test_what_two_readers_may_read_differently_is_listed_as_unreadable(tmp_path: Path, resolved: Run, spell):
    """DuckDB takes the first of two equal keys, and whoever audits the run the last."""
    for name in ("good", "bad"):
        shutil.copytree(resolved.result.folder, tmp_path / name)
    path = tmp_path / "bad" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], spell(lines[-1].rstrip(b"\n")) + b"\n"]))
    listing = survey(tmp_path)
    assert [entry.run for entry in listing.entries] == ["good"]
    assert f"line {len(lines)} is not as a record is written" in listing.unreadable["bad"]
    rows = query_runs(tmp_path, "SELECT run, outcome FROM run").rows
    assert rows == (("good", resolved.result.finished.outcome),)
