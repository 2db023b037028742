"""Provider SDKs stay behind one module each, and are loaded by whoever asks for that provider alone."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SDKS = {"anthropic": "agents/models/anthropic.py", "openai": "agents/models/openai.py"}


def imported(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def test_each_sdk_is_imported_by_one_module():
    sources = [
        path for folder in ("agents", "tools", "twin", "evals", "prompts") for path in (ROOT / folder).rglob("*.py")
    ]
    named = {sdk: [path for path in sources if sdk in path.read_text()] for sdk in SDKS}  # parsing all takes seconds
    importers = {sdk: [str(x.relative_to(ROOT)) for x in named[sdk] if sdk in imported(x)] for sdk in SDKS}
    assert importers == {sdk: [module] for sdk, module in SDKS.items()}


def test_the_runtime_of_an_operator_holds_no_hostile_model_and_without_a_provider_no_sdk():
    code = """
import sys
import agents.run.run, agents.commands.incidents, agents.commands.doctor
from agents.models import resolve
from twin.errors import InputError
try:
    resolve("adversary")
except InputError as error:
    print(error.fix)
print([x for x in sys.modules if x.partition(".")[0] == "evals"])
from evals.models import offer_models
offer_models()
resolve("runbook"), resolve("adversary")
print([x for x in ("anthropic", "openai") if x in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["use one of: runbook, anthropic, openai, replay", "[]", "[]"]
