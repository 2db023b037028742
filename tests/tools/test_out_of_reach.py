"""No tool can act, sign, read a file or see the environment: not by what it imports, not by what it is asked."""

import ast
import asyncio
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel

from agents.roles.contracts import ADVISE, CONTRACTS
from agents.roles.contracts import RIGHTS as OF_THE_FOUR
from tools.box.provenance import outside_text
from tools.box.registry import Tool, Toolbox
from tools.box.run_state import ReadSide, RunState
from tools.catalogue import TOOLS
from twin.live.emulated import EmulatedNetwork
from twin.policy import Policy
from twin.untrusted import Origin

from .conftest import NOON, square

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "tools").rglob("*.py"))
RIGHTS = {**OF_THE_FOUR, "an adviser": frozenset({ADVISE})}
"""Of the four roles and of the advisers that packages may offer, who conclude with a tool that is theirs alone."""
ACTING = (
    "twin.execute.executor",
    "twin.execute.steps",
    "twin.execute.preflight",
    "twin.gate.certificate",
    "twin.live.emulated",
    "twin.live.recorded",
)
PLACES = [
    "{key}",
    "../../signing.key",
    "file://{key}",
    "/proc/self/environ",
    "$TWINOPS_PLANTED_TOKEN",
    "${{TWINOPS_PLANTED_TOKEN}}",
    "{{{{env}}}}",
    "{{0.__class__}}",
    "%(TWINOPS_PLANTED_TOKEN)s",
    "node/../../signing.key",
    "'; SELECT * FROM read_text('{key}'); --",
    "SELECT * FROM read_text('{key}')",
    "SELECT * FROM '{key}'",
]
SECRET = "tw1n-pl4nted-s3cret-77aa"


FORBIDDEN = frozenset(
    [
        "os",
        "subprocess",
        "tempfile",
        "shutil",
        "socket",
        "http",
        "urllib",
        "ssl",
        "ftplib",
        "pickle",
        "marshal",
        "ctypes",
        "importlib",
        "multiprocessing",
        "cryptography",
    ]
)
OPENING = {"open", "eval", "exec", "__import__", "read_text", "read_bytes", "write_text", "write_bytes", "getenv"}
ALLOWED = {"sql/query.py": {"subprocess", "tempfile"}, "box/tracing.py": {"os"}}
"""SQL starts its own process in an empty folder; tracing asks OpenTelemetry's variable whether content is wanted."""


def test_importing_every_tool_loads_nothing_that_can_act_or_sign():
    code = (
        "import sys, tools.catalogue\n"
        f"print([x for x in sys.modules if x.startswith({(*ACTING, 'agents', 'evals', 'cryptography')!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_tool_opens_files_reads_the_environment_or_starts_a_process(path: Path):
    allowed = ALLOWED.get(path.relative_to(ROOT / "tools").as_posix(), set())
    tree = ast.parse(path.read_text())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not imported & FORBIDDEN - allowed
    called = {_called(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & OPENING


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_tool_reaches_through_the_read_side_of_the_live_network(path: Path):
    reached = [
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "live"
        and node.attr not in _READ_SIDE
    ]
    assert reached == []


_READ_SIDE = {name for name in dir(RunState.__annotations__["live"]) if not name.startswith("_")}


def test_the_read_side_has_nothing_that_changes_a_network():
    assert not _READ_SIDE & {"apply", "inject", "wait", "keep", "staged", "rollback"}


def test_every_tool_belongs_to_a_contract_and_none_is_called_by_what_it_must_not_do():
    assert {tool.name for tool in TOOLS} == set().union(*RIGHTS.values())
    assert all(contract.tools == RIGHTS[role] for role, contract in CONTRACTS.items())
    assert ADVISE not in set().union(*OF_THE_FOUR.values())


def _strings(schema: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(schema, dict):
        if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
            yield path
        for name, part in cast("dict[str, Any]", schema.get("properties", {})).items():
            yield from _strings(part, (*path, name))
        yield from _strings(schema.get("items"), (*path, 0))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_argument_leads_to_the_signing_key_or_the_environment(
    tool: Tool, run_state: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    key = tmp_path / "signing.key"
    key.write_text(SECRET)
    monkeypatch.setenv("TWINOPS_PLANTED_TOKEN", SECRET)
    role = next(role for role, names in RIGHTS.items() if tool.name in names)
    toolbox = Toolbox(run_state, TOOLS, RIGHTS)

    async def ask() -> list[str]:
        asked = [_argument(path, place.format(key=key)) for path in _strings(tool.schema) for place in PLACES]
        return [(await toolbox.call(role, tool.name, given)).content for given in asked]

    assert not [content for content in asyncio.run(ask()) if SECRET in content]


def _argument(path: tuple[Any, ...], text: str) -> Any:
    made: Any = text
    for part in reversed(path):
        made = [made] if part == 0 else {part: made}
    return made


SPOKEN = {
    "message",
    "text",
    "explanation",
    "description",
    "comment",
    "note",
    "title",
    "ticket",
    "reasons",
    "network",
    "goal",
}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_what_people_devices_or_models_wrote_is_labelled_in_every_answer(tool: Tool):
    answer = inspect.signature(tool.function, eval_str=True).return_annotation
    assert [path for path in _unmarked(answer, "", frozenset()) if path.rpartition(".")[2] in SPOKEN] == []


def _unmarked(kind: Any, path: str, seen: frozenset[Any]) -> Iterator[str]:
    if any(isinstance(mark, Origin) for mark in getattr(kind, "__metadata__", ())):
        return
    if kind is str:
        yield path
    for part in get_args(kind):
        yield from _unmarked(part, path, seen)
    if (
        isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and kind not in seen
        and "provenance" not in kind.model_fields
    ):
        for name, field in kind.model_fields.items():
            if not any(isinstance(mark, Origin) for mark in field.metadata):
                yield from _unmarked(field.annotation, f"{path}.{name}", seen | {kind})


def test_the_note_on_an_answer_names_the_fields_that_hold_text_from_outside():
    by_name = {tool.name: inspect.signature(tool.function, eval_str=True).return_annotation for tool in TOOLS}
    assert outside_text(by_name["read_events"]) == {
        "lines.node": "written by devices",
        "lines.message": "written by devices",
        "patterns.form": "written by devices",
        "patterns.example": "written by devices",
    }
    assert outside_text(by_name["ask_operator"]) == {}  # the answer opens the next turn
    assert outside_text(by_name["advise"]) == {"reasons": "written by a model"}
    assert outside_text(by_name["network_status"]) == {"network": "written in a file"}
    assert outside_text(by_name["decide"])["reasons"] == "written by a model"
    assert outside_text(by_name["submit_plan"])["plan.goal"] == "written in a file"


def test_the_answer_itself_carries_the_note():
    live = EmulatedNetwork(square(), seed=3, start=NOON)
    live.wait(3)
    run_state = RunState(inventory=square(), policy=Policy(), live=ReadSide(live), since=NOON)
    answer = asyncio.run(Toolbox(run_state, TOOLS, RIGHTS).call("monitoring", "network_status", {}))
    assert json.loads(answer.content)["untrusted"] == {"network": "written in a file"}
