"""The documentation runs: every Python block in README and docs executes, every command it shows exists."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
SHOWN = re.compile(r"^```\w*\n(.*?)^```|`(twinops [a-z]+)", re.S | re.M)
COMMAND = re.compile(r"^\$? ?twinops ([a-z]+)\b(?! {2})", re.M)


def python_pages():
    return [page for page in PAGES if page.exists() and BLOCK.search(page.read_text())]


# every page runs in a process of its own, forked from one that has imported what most of them need
FORKING = """
import json, os, sys, traceback
import numba, networkx, twinops, agents.run.run, twin.live.emulated

for line in sys.stdin:
    folder, code = json.loads(line)
    child = os.fork()
    if not child:
        status = 1
        try:
            os.chdir(folder)
            sys.stdin = open(os.devnull)
            with open("told", "w") as told:
                os.dup2(told.fileno(), 1)
                os.dup2(told.fileno(), 2)
            exec(compile(code, "the page", "exec"), {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def forking():
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING],
        cwd=Path(ROOT.anchor),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    with process:
        yield process
        process.stdin.close()


@pytest.mark.parametrize("page", python_pages(), ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run_in_order(page, forking, tmp_path):
    code = "\n".join(BLOCK.findall(page.read_text()))
    forking.stdin.write(json.dumps([str(tmp_path), code]) + "\n")
    forking.stdin.flush()
    assert forking.stdout.readline() == "0\n", (tmp_path / "told").read_text()[-2000:]


NAMED = re.compile(r"^\d+\. \[([\w./]+)\]\(\.\./([\w./]+)\)", re.M)
BY_NAME = re.compile(r'"((?:agents|evals|tools|twin)(?:\.\w+)+)(?::\w+)?"')


def imported(file):
    """The files of the modules that a file imports, by statement or by name."""
    text, found = (ROOT / file).read_text(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            package = ".".join(Path(file).parts[: len(Path(file).parts) - node.level]) if node.level else ""
            module = ".".join(x for x in (package, node.module) if x)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    places = [Path(*name.split(".")) for name in found | set(BY_NAME.findall(text)) if name]
    return {str(x) for place in places for x in (place.with_suffix(".py"), place / "__init__.py")}


def test_the_tour_names_files_that_are_there_each_called_by_one_before_it():
    stops = NAMED.findall((ROOT / "docs/tour.md").read_text())
    assert len(stops) > 30
    assert [shown for shown, linked in stops if shown != linked or not (ROOT / shown).is_file()] == []
    first, *rest = [shown for shown, _ in stops]
    assert first == "twinops.py"
    reached = imported(first)
    for file in rest:
        assert file in reached, f"{file} is called by nothing that the tour named before it"
        reached |= imported(file)


def test_every_command_that_the_pages_show_exists():
    code = [block or inline for page in PAGES if page.exists() for block, inline in SHOWN.findall(page.read_text())]
    shown = {name for text in code for name in COMMAND.findall(text)}
    assert "run" in shown
    done = subprocess.run(
        [sys.executable, "-m", "twinops", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {name for name in shown if name not in done.stdout} == set()


TABLES = [ROOT / "agents", ROOT / "evals" / "show"]
ROW = re.compile(r"^\| ([^|]+) \|", re.M)
CELL = re.compile(r"<th(?: [^>]*)?>([A-Z][^<{]*)<")
PLAIN = {
    "about", "after", "before", "began", "detail", "during", "for example", "g", "hour", "id", "if i wait", "in words",
    "now", "since", "time (utc)", "what", "what can go wrong", "what it does", "when", "where", "where it lies", "who",
    "--fault", "=severity", "+", "min",
}  # fmt: skip
"""Everyday words that mean in a heading what they mean elsewhere, and pieces of others."""


def headings():
    """What stands above the columns of the terminal's tables and of the pages, in small letters."""
    sources = [x.read_text() for place in TABLES for x in sorted(place.rglob("*.py"))]
    for source in sources:
        for node in ast.walk(ast.parse(source)) if re.search(r"text_table\(|Fitted\(", source) else ():
            match node:
                case ast.Call(func=ast.Name(id="text_table" | "Fitted"), args=[given, *_]):
                    pass
                case ast.Assign(targets=[ast.Name(id="headings")], value=given):
                    pass
                case _:
                    continue
            texts = (x.value for x in ast.walk(given) if isinstance(x, ast.Constant) and isinstance(x.value, str))
            yield from (x.rstrip(">").strip().lower() for x in texts)
    for page in sorted((ROOT / "agents/show/templates").rglob("*.j2")):
        yield from (x.strip().lower() for x in CELL.findall(page.read_text()))


def test_every_heading_of_a_table_is_a_word_that_has_its_sentence_and_its_unit():
    told = {
        word.strip().lower() for row in ROW.findall((ROOT / "docs/words.md").read_text()) for word in row.split(",")
    }
    shown = {x for x in headings() if x}
    assert len(shown) > 100
    assert shown - told - PLAIN == set()
