"""Every hostile statement against the grammar alone, in no time: no node of a statement is left unlooked at."""

import json
from functools import cache

import duckdb
import pytest

from tests.tools.sql.hostile_sql import KINDS
from tools.sql.grammar import NotAllowedError, check_statement
from tools.sql.tables import SCHEMA

TABLES = frozenset(SCHEMA)
REFUSED = [statement for kind, statements in KINDS.items() if kind != "bombs" for statement in statements]
INNER = "SELECT content FROM read_text('/etc/hostname')"


@cache
def parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def why_refused(statement: str) -> str:
    """Why the grammar refuses a statement, empty when it does not."""
    try:
        found = parser().execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchone()
        assert found is not None
        check_statement(json.loads(found[0]), TABLES)
    except (NotAllowedError, duckdb.Error) as error:
        return str(error) or "refused"
    return ""


@pytest.mark.parametrize("statement", REFUSED, ids=lambda x: x[:60].encode("ascii", "replace").decode())
def test_the_grammar_alone_refuses_a_hostile_statement(statement: str):
    assert why_refused(statement.replace("{{", "{").replace("}}", "}"))


@pytest.mark.parametrize(
    "statement",
    [
        f"WITH x AS ({INNER}) SELECT 1",
        f"WITH x AS ({INNER}) SELECT * FROM x",
        f"WITH a AS (SELECT 1), x AS ({INNER}) SELECT * FROM a",
        f"WITH x AS (WITH y AS ({INNER}) SELECT * FROM y) SELECT * FROM x",
        f"SELECT * FROM (WITH x AS ({INNER}) SELECT * FROM x)",
        f"SELECT (WITH x AS ({INNER}) SELECT content FROM x) FROM node",
        f"WITH x AS (SELECT name FROM node UNION ALL {INNER}) SELECT * FROM x",
        f"SELECT name FROM node WHERE name IN (WITH x AS ({INNER}) SELECT * FROM x)",
        f"(WITH x AS ({INNER}) SELECT * FROM x) UNION ALL SELECT name FROM node",
    ],
)
def test_a_common_table_expression_is_looked_into_wherever_it_stands(statement: str):
    assert "table function is not allowed" in why_refused(statement)


def test_a_name_is_no_table_before_its_own_definition():
    assert "no table" in why_refused("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a")
    assert "no table" in why_refused("WITH a AS (SELECT * FROM a) SELECT * FROM a")
    assert why_refused("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b") == ""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT * FROM main.node", "no table"),
        ("SELECT main.abs(1)", "function abs"),
        ("SELECT 'x'::BLOB", "no cast"),
        ("SELECT COLUMNS('.*') FROM node", "COLUMNS"),
        ("SELECT * FROM node TABLESAMPLE reservoir(10 ROWS)", "samples"),
        ("SELECT current_user", "session"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT $1", "parameters"),
        ("SELECT " + "NOT " * 200 + "true", "nested too deeply"),
        ("SELECT [x FOR x IN [1, 2]]", "not allowed"),
    ],
)
def test_what_is_refused_is_refused_for_its_own_reason(statement: str, why: str):
    assert why in why_refused(statement)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"class": "LAMBDA", "type": "FUNCTION"}, "lambda is not allowed here"),
        ({"class": "POSITIONAL_REFERENCE", "type": "COLUMN_REF", "column_names": ["a"]}, "positional reference"),
        ({"class": "CONSTANT", "type": "MACRO"}, "macro is not allowed here"),
    ],
)
def test_neither_a_class_nor_a_type_of_node_that_is_not_listed_hides_behind_the_other(
    part: dict[str, object], why: str
):
    """What DuckDB may call nodes in a later version; today every class that is refused has types that are, too."""
    tree = {"statements": [{"node": {"type": "SELECT_NODE", "select_list": [part]}}]}
    with pytest.raises(NotAllowedError, match=why):
        check_statement(tree, TABLES)
