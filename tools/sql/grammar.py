"""What a statement for the `sql` tool may be made of: an allow-list over DuckDB's own syntax tree.

The type of a statement says nothing: `WITH x AS (COPY … TO …) SELECT …` is a SELECT to DuckDB 2. So the whole tree is
walked, and every node, function, type and table that is not named here is refused.
"""

from collections.abc import Mapping
from typing import Final, cast

Tree = Mapping[str, object]

DEPTH: Final = 150


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SOURCES: Final = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"})
_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
_MODIFIERS: Final = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER"})
_ORDERS: Final = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
_EXPRESSIONS: Final = _names(
    """
    VALUE_CONSTANT COLUMN_REF FUNCTION STAR TYPE CASE_EXPR SUBQUERY OPERATOR_CAST OPERATOR_NOT OPERATOR_COALESCE
    OPERATOR_NULLIF OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL CONJUNCTION_AND CONJUNCTION_OR COMPARE_EQUAL COMPARE_NOTEQUAL
    COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO COMPARE_GREATERTHANOREQUALTO COMPARE_IN
    COMPARE_NOT_IN COMPARE_BETWEEN COMPARE_NOT_BETWEEN COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM
    WINDOW_AGGREGATE WINDOW_ROW_NUMBER WINDOW_RANK WINDOW_RANK_DENSE WINDOW_PERCENT_RANK WINDOW_CUME_DIST
    WINDOW_NTILE WINDOW_LAG WINDOW_LEAD WINDOW_FIRST_VALUE WINDOW_LAST_VALUE
    """
)
_TYPES: Final = _NODES | _MODIFIERS | _ORDERS | _EXPRESSIONS | _SOURCES
_CLASSES: Final = _names(
    "CONSTANT COLUMN_REF FUNCTION STAR TYPE CASE SUBQUERY CAST OPERATOR CONJUNCTION COMPARISON BETWEEN WINDOW"
)
_CASTS: Final = _names(
    "BOOLEAN INTEGER BIGINT DOUBLE FLOAT REAL DECIMAL NUMERIC VARCHAR TEXT DATE TIME TIMESTAMP INTERVAL"
)

AGGREGATES: Final = _names(
    """
    count count_star sum avg mean min max median mode quantile_cont quantile_disc stddev stddev_samp stddev_pop
    variance var_samp var_pop corr covar_samp regr_slope arg_min arg_max min_by max_by any_value first last
    bool_and bool_or count_if approx_count_distinct approx_quantile
    """
)
SCALARS: Final = _names(
    """
    + - * / % // ^ ** || ~~ !~~ ~~* !~~* abs sign round floor ceil ceiling trunc sqrt ln log log2 log10 exp power pow
    mod greatest least ifnull isnan isfinite lower upper trim ltrim rtrim length strlen contains starts_with ends_with
    prefix suffix substring substr left right split_part position strpos instr regexp_matches regexp_full_match
    not_like_escape like_escape nullif
    date_trunc date_part datepart extract date_diff datediff epoch epoch_ms year month day hour minute
    second dayofweek isodow time_bucket to_seconds to_minutes to_hours to_days to_weeks
    """
)
WINDOWS: Final = _names("row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value")
FUNCTIONS: Final = AGGREGATES | SCALARS | WINDOWS
# Words that DuckDB takes for a function where no column has that name.
_SESSION: Final = _names("""
    current_user current_role session_user user current_catalog current_database current_schema current_date
    current_time current_timestamp localtime localtimestamp
    """)


class NotAllowedError(Exception):
    """A statement that holds something outside the list. `fix` says what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def check_statement(serialised: Tree, tables: frozenset[str]) -> None:
    """Check what `json_serialize_sql` made of a statement against the list. Raises `NotAllowedError`."""
    if serialised.get("error"):
        words = str(serialised.get("error_message", ""))
        if "Only SELECT" in words:
            raise NotAllowedError("only a SELECT can be run here", "write one SELECT statement")
        raise NotAllowedError(words, "correct the statement")
    statements = cast("list[Tree]", serialised.get("statements", []))
    if len(statements) != 1:
        raise NotAllowedError(f"{len(statements)} statements were given", "write exactly one SELECT statement")
    if statements[0].get("named_param_map"):
        raise NotAllowedError("the statement has parameters", "write the values themselves")
    _walk(statements[0]["node"], tables, frozenset(), 0)


def _walk(value: object, tables: frozenset[str], scope: frozenset[str], depth: int) -> None:
    if depth > DEPTH:
        raise NotAllowedError("the statement is nested too deeply", "write it flatter")
    if isinstance(value, list):
        for item in cast("list[object]", value):
            _walk(item, tables, scope, depth + 1)
    if isinstance(value, dict):
        node = cast("Tree", value)
        _check_node(node, tables | scope)
        _descend(node, tables, scope, depth + 1)


def _descend(node: Tree, tables: frozenset[str], scope: frozenset[str], depth: int) -> None:
    # A common table expression is visible to those after it and to the query, never before its own definition.
    named = cast("list[Tree]", cast("Tree", node.get("cte_map") or {}).get("map") or [])
    for entry in named:
        _walk(entry["value"], tables, scope, depth)
        scope |= {str(entry["key"]).lower()}
    for key, part in node.items():
        if key not in ("cte_map", "literal"):
            _walk(part, tables, scope, depth)


def _check_node(node: Tree, known: frozenset[str]) -> None:
    kind, group = node.get("type"), node.get("class")
    if isinstance(kind, str) and kind not in _TYPES:
        raise NotAllowedError(f"{_words(kind)} is not allowed here", "use plain SELECTs of the listed tables")
    if group is not None and group not in _CLASSES:
        raise NotAllowedError(f"{_words(str(group))} is not allowed here", "use plain expressions")
    if kind == "BASE_TABLE":
        _check_table(node, known)
    if kind == "COLUMN_REF" and str(cast("list[object]", node.get("column_names"))[-1]).lower() in _SESSION:
        raise NotAllowedError("nothing about the session can be asked here", "ask for columns of the listed tables")
    if "function_name" in node:
        _check_function(node)
    if group == "TYPE" and str(node.get("type_name", "")).upper() not in _CASTS:
        raise NotAllowedError(f"no cast to {node.get('type_name')} here", f"cast to {', '.join(sorted(_CASTS))}")
    if kind == "STAR" and node.get("expr") is not None:
        raise NotAllowedError("COLUMNS() is not allowed here", "name the columns")
    if node.get("sample") is not None or node.get("at_clause") is not None:
        raise NotAllowedError("samples and versions of tables are not allowed here", "use WHERE and LIMIT")


def _check_table(node: Tree, known: frozenset[str]) -> None:
    path = _path(node)
    if len(path) != 1 or path[0].lower() not in known:
        raise NotAllowedError(f"there is no table {'.'.join(path)!r} here", "")


def _check_function(node: Tree) -> None:
    name = str(node["function_name"]).lower()
    if name not in FUNCTIONS or len(_path(node)) != 1:
        raise NotAllowedError(f"the function {name} is not allowed here", f"use {', '.join(sorted(_NAMED))}")
    if node.get("export_state"):
        raise NotAllowedError("EXPORT_STATE is not allowed here", "leave it out")


_NAMED: Final = frozenset(name for name in FUNCTIONS if name.isidentifier())


def _path(node: Tree) -> list[str]:
    qualified = cast("Tree", node.get("qualified_name") or {})
    return [str(part) for part in cast("list[object]", qualified.get("path") or [])]


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
