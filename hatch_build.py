"""What `pip install` builds: a wheel with one top-level name, so that no other package's `agents/` is touched.

The repository keeps its folders beside `twinops.py`. In the wheel they lie below `twinops`, whose `__init__` is that
file, and every import of one of them is written anew: `from twin.plan import Plan` becomes
`from twinops.twin.plan import Plan`. Names of modules in strings are written anew where they are handed to what imports
or opens by name (`LOADERS`). Lines keep their numbers, so that tracebacks fit the repository. An editable install is
left alone.
"""

import ast
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "twinops"
FOLDERS = ("agents", "evals", "prompts", "tools", "twin")
LOADERS = ("import_module", "find_spec", "files", "as_file", "run_module", "set_forkserver_preload")
_QUOTE = re.compile(rb"[a-zA-Z]*(\"\"\"|'''|\"|')")
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
MAIN = f"""\"\"\"`python -m {NAME}`.\"\"\"

from {NAME} import main

main()
"""


class Edit(NamedTuple):
    """Bytes from `begin` to `end` of a source that become `text`."""

    begin: int
    end: int
    text: str


class OneName(BuildHookInterface[Any]):
    """Puts the folders below the package's name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the package anew into a folder of its own, and have the wheel take that."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-wheel-"))
        write_package(Path(self.root), self._folder / NAME)
        build_data["force_include"][str(self._folder / NAME)] = NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatch's signature
        """Take the folder away."""
        if version != "editable":
            shutil.rmtree(self._folder, ignore_errors=True)


def write_package(root: Path, package: Path) -> None:
    """Write the package for a wheel. Raises `SyntaxError` on a source that does not parse."""
    for folder in FOLDERS:
        shutil.copytree(root / folder, package / folder, ignore=SKIPPED)
    shutil.copy(root / f"{NAME}.py", package / "__init__.py")
    modules = frozenset(_modules(package))
    for path in package.rglob("*.py"):
        path.write_bytes(below(path.read_bytes(), modules))
    (package / "__main__.py").write_text(MAIN, encoding="utf-8")
    (package / "py.typed").touch()


def below(source: bytes, modules: frozenset[str]) -> bytes:
    """Return a source whose imports, and names of `modules` that are handed to `LOADERS`, lie below the package."""
    tree, starts = ast.parse(source), [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for edit in sorted(_edits(tree, source, starts, modules), reverse=True):
        source = source[: edit.begin] + edit.text.encode() + source[edit.end :]
    return source


def _modules(package: Path) -> Iterator[str]:
    """Every module of the folders, dotted, as the repository names it."""
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _edits(tree: ast.AST, source: bytes, starts: list[int], modules: frozenset[str]) -> Iterator[Edit]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] in FOLDERS:
                begin = starts[node.lineno - 1] + node.col_offset
                at = source.index(module.encode(), begin + len("from"))
                yield Edit(at, at, f"{NAME}.")
            case ast.Import():
                yield from _imports(node, starts)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in LOADERS:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    yield from _names(argument, source, starts, modules)
            case _:
                pass


def _imports(node: ast.Import, starts: list[int]) -> Iterator[Edit]:
    """`import twin.x as y` names the module; `import twin.x` also binds `twin`, which the code goes on to use."""
    bound: set[str] = set()
    for alias in node.names:
        if alias.name.partition(".")[0] not in FOLDERS:
            continue
        begin = starts[alias.lineno - 1] + alias.col_offset
        yield Edit(begin, begin, f"{NAME}.")
        if alias.asname is None:
            bound.add(alias.name.partition(".")[0])
    if bound:
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        yield Edit(end, end, f"; from {NAME} import {', '.join(sorted(bound))}")


def _names(node: ast.AST, source: bytes, starts: list[int], modules: frozenset[str]) -> Iterator[Edit]:
    """Strings that name a module, in lists and tuples too; an f-string may begin with one and a dot."""
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _names(part, source, starts, modules)
            return
        case ast.Constant(value=str(value)) if value in modules:
            pass
        case ast.JoinedStr(values=[ast.Constant(value=str(value)), *_]) if value.removesuffix(".") in modules:
            pass
        case _:
            return
    quote = _QUOTE.match(source, starts[node.lineno - 1] + node.col_offset)
    if quote is not None:
        yield Edit(quote.end(), quote.end(), f"{NAME}.")
