"""Copies of what a room, its runs and the operator's home hold, made while all of it is in use, and put back.

Records are append-only, so that whatever is copied of one is a record that ends earlier; everything else is replaced
whole. The one exception is the twin of a run that is being worked on: it is left out, and said so; such a run begins
anew after a restore.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pydantic import AwareDatetime, Field, ValidationError

from twin.errors import FormatError, InputError, StoreBusyError, StoreError, TwinError
from twin.files import extend, is_plain, read_bytes, write_bytes
from twin.model import Frozen
from twin.store import TwinStore
from twin.store.archive import NEWEST
from twin.version import version

MANIFEST = "manifest.json"
_LOGS = (".jsonl",)  # whole lines of these
_TWIN = "twin.duckdb"
_SKIPPED = {"lease", "lock"}
_OPEN = {NEWEST, f"{NEWEST}.wal"}  # samples of the open hours: always being written
_MOST = 2 << 30  # bytes of one file
_FILES = 200_000


class BackedUp(NamedTuple):
    """The three folders that belong together."""

    home: Path
    room: Path
    runs: Path


class BackupManifest(Frozen):
    """What a backup holds: SHA-256 by name, and what was left out and why."""

    format: str = Field(default="twinops-backup/1", pattern="^twinops-backup/1$")
    version: str
    time: AwareDatetime
    files: dict[str, str] = Field(max_length=_FILES)
    left_out: dict[str, str]


def back_up(target: Path, places: BackedUp, *, now: datetime) -> BackupManifest:
    """Write one file with all of it, readable by its owner alone: it holds keys.

    Raises `InputError` when it is there already or nothing is to be copied, `StoreError` when it cannot be written.
    """
    files, left_out = dict[str, str](), dict[str, str]()
    draft = target.with_name(f"{target.name}.part")
    if target.exists():
        raise InputError(f"{target} is there already", fix="name a new file")
    try:
        draft.unlink(missing_ok=True)
        with (
            extend(draft, new=True, mode=0o600) as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar,
        ):
            for name, path in _inside(places):
                try:
                    content = _copied(path)
                except StoreBusyError:
                    left_out[name] = "it was being written: its run was at work"
                    continue
                except TwinError as error:
                    left_out[name] = str(error)
                    continue
                files[name] = hashlib.sha256(content).hexdigest()
                _add(tar, name, content)
            if not files:
                raise InputError(
                    "there is nothing to back up", fix="name the room with --room and the runs with --runs"
                )
            manifest = BackupManifest(version=version(), time=now, files=files, left_out=left_out)
            _add(tar, MANIFEST, manifest.model_dump_json(indent=1).encode())
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreError(f"cannot write {target}: {error.strerror}", fix="make room, or name another folder") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return manifest


def restore(source: Path, places: BackedUp) -> BackupManifest:
    """Put a backup back into folders that are empty or not there. All of it is checked before anything is written.

    Raises `InputError` on a folder that holds something, `FormatError` on a file that is no whole backup.
    """
    for folder in places:
        if folder.is_dir() and any(x.name not in _SKIPPED for x in folder.iterdir()):
            raise InputError(f"{folder} is not empty", fix="move it away first: nothing is overwritten")
    contents = _read(source)
    try:
        manifest = BackupManifest.model_validate_json(contents.pop(MANIFEST, b""))
    except ValidationError as error:
        raise FormatError(str(source), MANIFEST, "the manifest of a backup") from error
    if {k: hashlib.sha256(v).hexdigest() for k, v in contents.items()} != manifest.files:
        raise FormatError(str(source), "its files", "what its manifest says: it was cut or changed")
    roots = places._asdict()
    for name, content in contents.items():
        first, *rest = PurePosixPath(name).parts
        path = Path(roots[first], *rest)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, content, mode=0o600)
    return manifest


def _inside(places: BackedUp) -> Iterator[tuple[str, Path]]:
    for kind, folder in places._asdict().items():
        others = [x.resolve() for x in places if x != folder]
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            inside_other = any(path.resolve().is_relative_to(x) for x in others if x.is_relative_to(folder.resolve()))
            if path.name in _SKIPPED | _OPEN or path.name.endswith(".part") or inside_other or not is_plain(path):
                continue
            yield f"{kind}/{path.relative_to(folder).as_posix()}", path


def _copied(path: Path) -> bytes:
    if path.name == _TWIN:
        with TwinStore.open(path):  # nobody else has it while it is copied
            return read_bytes(path, most=_MOST)
    content = read_bytes(path, most=_MOST)
    return content[: content.rfind(b"\n") + 1] if path.suffix in _LOGS else content


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _read(source: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(source, mode="r:gz") as tar:
            for entry in tar:
                parts = PurePosixPath(entry.name).parts
                known = entry.name == MANIFEST or (len(parts) > 1 and parts[0] in BackedUp._fields)
                if not entry.isfile() or not known or ".." in parts or entry.name in found or entry.size > _MOST:
                    raise FormatError(str(source), entry.name[:80], "only files of a backup")
                if len(found) > _FILES:
                    raise FormatError(str(source), "its files", f"at most {_FILES:,}")
                content = tar.extractfile(entry)
                found[entry.name] = content.read() if content else b""
    except FileNotFoundError as error:
        raise InputError(f"{source} is not there", fix="name a file of `twinops backup`") from error
    except (tarfile.TarError, OSError, EOFError, json.JSONDecodeError) as error:
        raise FormatError(str(source), "the file", "a whole backup of twinops") from error
    return found
