"""Count the house: rooms, floors, arrows and circles of each folder, and what one run of it enters.

`python -m tests.benchmarks.house` prints both; imports inside functions count as any others.
"""

import ast
import asyncio
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import networkx as nx

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("agents", "tools", "evals", "twin")
Edge = tuple[str, str]


def _room(file: Path) -> str:
    """The folder that a file lies in below its own, or the file itself where it lies in none."""
    return file.parts[1].removesuffix(".py")


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All of a file but what is for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from _statements(node)


def _imported(file: Path) -> Iterator[Path]:
    """The files of the house that a file imports."""
    for node in _statements(ast.parse((ROOT / file).read_text())):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.ImportFrom):
            base = file.parts[: len(file.parts) - node.level] if node.level else ()
            whole = (*base, *(node.module or "").split(".")) if node.module else base
            names = [whole, *((*whole, x.name) for x in node.names)]
        elif isinstance(node, ast.Import):
            names = [tuple(x.name.split(".")) for x in node.names]
        for name in names:
            place = Path(*name) if name else Path()
            yield from (x for x in (place.with_suffix(".py"), place / "__init__.py") if name and (ROOT / x).is_file())


def drawing(folder: str) -> "nx.DiGraph[str]":
    """Rooms of a folder, and an arrow wherever one imports another."""
    rooms: nx.DiGraph[str] = nx.DiGraph()
    for path in sorted((ROOT / folder).rglob("*.py")):
        file = path.relative_to(ROOT)
        if len(file.parts) == 2 and file.name == "__init__.py":  # the folder's own door hands on
            continue
        rooms.add_node(_room(file))
        inside = (x for x in _imported(file) if x.parts[0] == folder and x.parts[1] != "__init__.py")
        rooms.add_edges_from({(_room(file), _room(x)) for x in inside if _room(x) != _room(file)})
    return rooms


def entered() -> set[str]:
    """Every file of the house whose code runs in one run of the agents, import and all of its threads included."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    from agents.run.run import RunRequest, run_incident

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        with tempfile.TemporaryDirectory() as name:
            home = Path(name)
            asyncio.run(
                run_incident(RunRequest(network="synthetic/8-1", seed=1), runs=home / "runs", home=home / "home")
            )
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    names = {x.co_filename for x in found if x.co_name != "<module>"}
    return {x.removeprefix(f"{ROOT}/") for x in names if x.startswith(f"{ROOT}/")}


def main() -> None:
    """Print the counts."""
    print("folder   rooms  floors  arrows  circles")
    for folder in FOLDERS:
        rooms = drawing(folder)
        circles = [x for x in nx.strongly_connected_components(rooms) if len(x) > 1]
        floors = nx.dag_longest_path_length(nx.condensation(rooms)) + 1
        print(
            f"{folder:8} {len(rooms):5} {floors:7} {rooms.number_of_edges():7} {len(circles):8}", *map(sorted, circles)
        )
    files = {x for x in entered() if x.split("/")[0] in FOLDERS}
    every = sum(1 for folder in FOLDERS for _ in (ROOT / folder).rglob("*.py"))
    within = {"/".join(x.split("/")[:2]).removesuffix(".py") for x in files}
    print(f"one run calls something in {len(files)} of {every} files, in {len(within)} rooms")


if __name__ == "__main__":
    main()
