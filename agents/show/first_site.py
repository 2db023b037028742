"""`twinops init`: a first site file, with the files of a folder where they tell what they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from twin.errors import InputError, TwinError
from twin.files import exists, is_plain, read_head, write_text
from twin.formats.load import read_explained
from twin.formats.measurements.read import table_kind
from twin.site_file import SITE

_TEMPLATES = Path(__file__).with_name("templates")
_MOST = 200
_TABLES = (".csv", ".parquet")
_KINDS: Mapping[str, str] = {
    "links": "counters",
    "nodes": "counters",
    "interfaces": "counters",
    "adjacencies": "counters",
    "traffic": "flows",
    "probes": "probes",
}


def first_site(folder: Path, *, force: bool = False) -> tuple[Path, dict[str, list[str]]]:
    """Write a site file into a folder; returns its path and the files that were recognised, by what they hold.

    Raises `InputError` when there is no such folder, or a site file is there already.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", fix="name the folder that holds your files")
    path = folder / SITE
    if exists(path) and not force:
        raise InputError(f"{path} is there already", fix="edit it, or write over it with --force")
    found = recognised(folder)
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - TOML
    write_text(path, environment.get_template("site.toml.j2").render(found=found))
    return path, found


def recognised(folder: Path) -> dict[str, list[str]]:
    """Tell what the files of a folder and of its folders hold, by their content, in the order of their names."""
    found: dict[str, list[str]] = {}
    for path in _files(folder):
        kind = _kind(path)
        if kind is not None:
            found.setdefault(kind, []).append(str(path.relative_to(folder)))
    return {kind: found[kind] for kind in ("topology", "interfaces", "traffic", "counters", "flows", "probes")
            if kind in found}  # fmt: skip


def _files(folder: Path) -> Sequence[Path]:
    paths = [x for x in sorted(folder.rglob("*")) if is_plain(x) and not any(p.startswith(".") for p in x.parts)]
    return paths[:_MOST]


def _kind(path: Path) -> str | None:
    if path.suffix.lower() in _TABLES:
        return _table(path)
    if path.suffix.lower() in (".toml", ".py", ".md", ".duckdb", ".sh"):
        return None
    try:
        read_explained(path)
    except TwinError:
        return None
    return "topology"


def _table(path: Path) -> str | None:
    try:
        return _KINDS.get(table_kind(path))
    except TwinError:
        head = read_head(path, 400).decode(errors="replace").partition("\n")[0].lower()
        columns = {x.strip() for x in head.replace(";", ",").split(",")}
        if {"link", "interface"} <= columns or {"node", "neighbour", "interface"} <= columns:
            return "interfaces"
        return "traffic" if {"source", "target"} <= columns and "time" not in columns else None
