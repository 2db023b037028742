"""Whatever is in a file, its reader gives an error of the tree or what the file says, never a crash."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models.prices import VARIABLE, read_prices
from agents.record.history import read_history
from agents.roles.budget import read_budget
from evals.cases.case import read_case_file
from evals.run.record import RESULTS, RUN, Record
from evals.show.bundle import unbundle
from twin.errors import TwinError
from twin.formats import load_network
from twin.formats.plan import read_plan
from twin.gate.signing import SigningKey
from twin.live.recorded import read_record
from twin.observe.readings.files import read_tables
from twin.policy_file import load_policy
from twin.store import TwinStore
from twin.study.day import read_day

NETWORK = load_network("synthetic/8-1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "plan": ("plan.json", read_plan),
    "policy": ("policy.toml", load_policy),
    "budget": ("budget.toml", lambda path: read_budget(str(path))),
    "prices": ("prices.toml", lambda path: read_prices({VARIABLE: str(path)})),
    "cases": ("cases.toml", read_case_file),
    "journal": ("journal.jsonl", lambda path: read_history(path.parent)),
    "network's record": ("network.jsonl", read_record),
    "head": (RUN, lambda path: Record(path.parent).head),
    "results": (RESULTS, lambda path: Record(path.parent).results()),
    "bundle": ("bundle.zip", lambda path: unbundle(path, path.parent / "into")),
    "key": ("signing.key", SigningKey.load),
    "day": ("day.txt", read_day),
    "network": ("network.json", lambda path: load_network(str(path))),
    "markup": ("network.xml", lambda path: load_network(str(path))),
    "graph": ("network.graph", lambda path: load_network(str(path))),
    "table": ("links.csv", lambda path: read_tables([path], NETWORK)),
    "parquet": ("links.parquet", lambda path: read_tables([path], NETWORK)),
    "twin": ("twin.duckdb", lambda path: TwinStore.open(path).close()),
}
ODD = [0, -1, 10**20, 10**400, 1e308, True, None, "", "x" * 300, "\u202e", "2026-01-01T00:00:00", [], {}, [[[]]]]
WORDS = (
    "kind seq time event hash previous steps op nodes links id did cases run max_utilisation goal base name spec graph"
)
KEYS = WORDS.split()
JSON: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(ODD) | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
BYTES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda x: json.dumps(x).encode() + b"\n"),
    st.lists(JSON, max_size=4).map(lambda rows: b"".join(json.dumps(x).encode() + b"\n" for x in rows)),
    st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from(["1", "-1", "'x'", "[]", "{}", "1e999", "nan", "9" * 320])
    ).map(lambda table: "".join(f"{key} = {value}\n" for key, value in table.items()).encode()),
    st.sampled_from(
        [
            *(b"[" * 100_000, b'{"a":' * 50_000, b"<a>" * 5_000, b"a = " + b"[" * 5_000, b"9" * 5_000),
            *(b"PK\5\6" + bytes(18), b"PK\3\4" + bytes(60), b"PAR1" + bytes(40), b"DUCK" * 2_000),
            *(b"\xff\xfe\0", b"\0" * 4_096, b"a,b\n1"),
        ]
    ),
)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=BYTES)
def test_no_content_of_a_file_is_a_bug(tmp_path: Path, kind: str, content: bytes):
    name, read = READERS[kind]
    path = tmp_path / name
    path.write_bytes(content)
    try:
        read(path)
    except TwinError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most contents are refused, and some are not
