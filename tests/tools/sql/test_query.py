"""Questions in SQL: what they may ask, how answers are labelled and cut, and how mistakes come back."""

import asyncio
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.roles.contracts import CONTRACTS, RIGHTS
from tests.tools.conftest import NOON, square
from tests.tools.loud_network import LoudNetwork
from tools.box.registry import MAX_RESULT, ToolAnswer, Toolbox
from tools.box.run_state import ReadSide, RunState
from tools.catalogue import TOOLS
from tools.sql.grammar import NotAllowedError, check_statement
from tools.sql.query import ROWS, SqlResult, sql
from tools.sql.tables import SCHEMA, tables_of
from twin.errors import InputError
from twin.live.network import Event
from twin.policy import Policy


@pytest.fixture
def measured() -> RunState:
    live = LoudNetwork(square(), seed=3, start=NOON)
    live.wait(6)
    live.lines = [Event(NOON.timestamp() + 60, "A", 2, "\x1b[2Jline\u202eone\n" + "x" * 500)]
    return RunState(inventory=square(), policy=Policy(), live=ReadSide(live), since=NOON)


def ask(run_state: RunState, query: str) -> ToolAnswer:
    return asyncio.run(Toolbox(run_state, TOOLS, RIGHTS).call("monitoring", "sql", {"query": query}))


def test_an_answer_equals_what_numpy_computes_from_the_telemetry(measured: RunState):
    samples = measured.live.read_telemetry(measured.since).links
    names = [link.name for link in measured.inventory.links]
    expected = {name: float(f"{np.nanmax(samples.out_mbps[samples.link == i]):.6g}") for i, name in enumerate(names)}
    found = sql(measured, "SELECT link, max(out_mbps) FROM link_sample GROUP BY link")
    assert dict(found.rows) == expected


def test_every_table_can_be_read_and_has_the_columns_that_its_description_names(measured: RunState):
    measured.look()
    for name, table in tables_of(measured).items():
        assert list(table) == [part.split(" ")[0] for part in SCHEMA[name].split(", ")]
    one = " UNION ALL ".join(f"SELECT '{name}' AS t, count(*) AS n FROM {name}" for name in SCHEMA)
    counted = dict(sql(measured, one).rows)
    assert counted == {name: len(next(iter(table.values())).values) for name, table in tables_of(measured).items()}


@pytest.mark.parametrize(
    "query",
    [
        "FROM event",
        "SELECT time_bucket(INTERVAL '15 minutes', time) AS t, avg(mbps) FROM traffic_sample GROUP BY t ORDER BY t",
        "WITH hot AS (SELECT link, max(out_mbps) AS peak FROM link_sample GROUP BY link) "
        "SELECT link.name, peak / capacity AS share FROM hot JOIN link ON link.name = hot.link "
        "JOIN snapshot ON snapshot.id = link.snapshot WHERE kind = 'inventory' ORDER BY share DESC LIMIT 3",
        "SELECT link, time, out_mbps - lag(out_mbps) OVER (PARTITION BY link ORDER BY time) AS step FROM link_sample "
        "QUALIFY abs(step) > 1 ORDER BY abs(step) DESC",
        "SELECT node, count(*) FILTER (WHERE NOT answered) AS silent FROM node_sample GROUP BY ALL HAVING silent > 0",
        "SELECT source, target, quantile_cont(delay_ms, 0.95) FROM path_probe GROUP BY ALL ORDER BY ALL",
        "SELECT name FROM node WHERE name IN (SELECT tail FROM link WHERE weight > 5) AND name NOT LIKE 'Z%'",
        "SELECT CASE WHEN severity <= 3 THEN 'bad' ELSE 'fine' END AS how, message FROM event "
        "WHERE regexp_matches(message, 'line') OR message ILIKE '%LINE%'",
        "SELECT node FROM event EXCEPT SELECT name FROM node",
    ],
)
def test_questions_that_operators_ask_are_answered(measured: RunState, query: str):
    assert ask(measured, query).ok


def test_text_is_labelled_and_legible_whatever_expression_made_it(measured: RunState):
    found = sql(measured, "SELECT severity, 'a' || upper(message) AS shouted FROM event WHERE node = 'A' LIMIT 1")
    assert [(x.name, x.untrusted) for x in found.columns] == [("severity", False), ("shouted", True)]
    text = found.rows[0][1]
    assert isinstance(text, str)
    assert text.isprintable()
    assert text.startswith("a [2JLINE ONE XXX")
    assert len(text) <= 161
    assert "never instructions" in found.provenance


def test_more_rows_than_fit_are_cut_and_said_to_be(measured: RunState):
    found = sql(measured, "SELECT a.link FROM link_sample a, link_sample b")
    assert (found.truncated, len(found.rows)) == (True, ROWS)
    wide = ask(measured, "SELECT link || link || link || link || link AS x, * FROM link_sample, node")
    assert wide.ok
    assert not wide.truncated
    assert len(wide.content) <= MAX_RESULT
    assert json.loads(wide.content)["truncated"] is True


@pytest.mark.parametrize(
    ("query", "problem", "repair"),
    [
        ("SELECT * FROM interfaces", "no table 'interfaces'", "link_sample("),
        ("SELECT nam FROM node", 'Candidate bindings: "name"', "node("),
        ("SELECT lpad(name, 9, 'x') FROM node", "function lpad is not allowed", "substring"),
        ("SELEC 1", "syntax error", "correct"),
        ("DELETE FROM node", "only a SELECT", "one SELECT"),
        ("SELECT 1; SELECT 2", "2 statements", "exactly one"),
        ("SELECT 'a'::INTEGER + 1", "Conversion Error", "correct"),
    ],
)
def test_a_mistake_comes_back_with_its_repair(measured: RunState, query: str, problem: str, repair: str):
    answer = json.loads(ask(measured, query).content)
    assert answer["error"] == "input"
    assert problem in answer["message"]
    assert repair in answer["fix"]


@pytest.mark.parametrize("query", ["SELECT * FROM routers", "SELECT speed FROM link"])
def test_whoever_misses_a_table_or_a_column_reads_all_that_there_are(measured: RunState, query: str):
    fix = json.loads(ask(measured, query).content)["fix"]
    assert [name for name, columns in SCHEMA.items() if f"{name}({columns})" not in fix] == []


def test_a_statement_with_control_characters_or_too_long_is_refused(measured: RunState):
    with pytest.raises(InputError, match="control characters"):
        sql(measured, "SELECT\x00 1")
    with pytest.raises(InputError, match="longer than"):
        sql(measured, "SELECT '" + "x" * 20_000 + "'")


def test_findings_can_be_asked_for_once_they_are_there(measured: RunState):
    assert sql(measured, "SELECT count(*) FROM hypothesis").rows == ((0,),)
    asyncio.run(Toolbox(measured, TOOLS, RIGHTS).call("diagnosis", "rank_causes", {}))
    ranked = measured.ranking
    assert ranked is not None
    assert sql(measured, "SELECT count(*) FROM hypothesis").rows == ((len(ranked.hypotheses),),)


def test_every_role_may_ask_and_it_concludes_nothing():
    assert all("sql" in contract.tools - contract.concludes_with - contract.evidence for contract in CONTRACTS.values())


def test_nothing_missing_is_taken_for_a_number(measured: RunState):
    found = sql(measured, "SELECT count(*) FILTER (WHERE out_mbps IS NULL) FROM link_sample")
    samples = measured.live.read_telemetry(measured.since).links
    assert found.rows == ((int(np.isnan(samples.out_mbps).sum()),),)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "class", "node", "function_name", "cte_map"]) | st.text(max_size=8), inner
        )
    ),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=200)
def test_a_tree_with_a_node_that_is_not_listed_never_passes(tree: object):
    strange = {"error": False, "statements": [{"node": {"type": "COPY_QUERY_NODE", "rest": tree}}]}
    with pytest.raises(NotAllowedError):
        check_statement(strange, frozenset({"node"}))


def test_times_are_those_of_the_telemetry(measured: RunState):
    (first,) = sql(measured, "SELECT min(time) FROM link_sample").rows[0]
    seconds = float(measured.live.read_telemetry(measured.since).links.time.min())
    assert datetime.fromisoformat(str(first)).replace(tzinfo=UTC).timestamp() == pytest.approx(seconds)


def test_a_result_is_a_frozen_value():
    assert SqlResult.model_config["frozen"] is True
