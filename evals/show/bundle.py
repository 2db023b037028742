"""An evaluation as one file that somebody else can look into: its record, its tables, and every run of its agents.

A bundle is a zip file with a manifest of SHA-256 sums. It holds no key, no trace and no twin file: of each run the
network as the run found it, in the format of RFC 8345, is enough to go through it again. What is read from a bundle is
somebody else's: nothing is written before all of it has been checked.
"""

import hashlib
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError

from agents.record.files import CERTIFICATE, JOURNAL, NETWORK, PLAN, REPORT, TWIN
from agents.record.history import read_history
from evals.cases.result import Result
from evals.run.record import FOLDER, RESULTS, RUN, TABLES, Record, RunHead, RunSpec
from evals.run.run import close
from twin.errors import FormatError, InputError, StoreError, TwinError
from twin.files import SMALL, is_plain, read_bytes, write_bytes
from twin.formats import load_network
from twin.formats.ietf import write_ietf
from twin.model import Frozen, Network
from twin.store import TwinStore
from twin.version import version

from .report import write_report

MANIFEST, INVENTORY, SUITES, AGENTS = "manifest.json", "inventory.json", "suites", "agents"
OF_A_RUN = (JOURNAL, NETWORK, PLAN, CERTIFICATE, "memory.json", REPORT)
AT_THE_TOP = (MANIFEST, RUN, RESULTS, TABLES, REPORT)
MOST_BYTES, MOST_MEMBERS = 2**30, 50_000
MOST_PACKED, MOST_LISTED, MOST_MANIFEST = 2**29, 2**24, 2**24
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}")
_SUITE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ENCRYPTED = 1
_DATE = (1980, 1, 1, 0, 0, 0)  # the same members are the same file, whenever it is made


class Manifest(Frozen):
    """What a bundle holds: the SHA-256 of every other member, by its path."""

    format: Literal["twinops-bundle/1"] = "twinops-bundle/1"
    name: str = Field(description="The evaluation.")
    version: str = Field(description="Of twinops, that wrote the bundle.")
    files: dict[str, str]


class Bundled(NamedTuple):
    """What went into a bundle, or came out of one."""

    path: Path  # of the bundle that was written, or of the evaluation's folder
    results: int
    runs: int  # of agents
    replayable: int  # runs of which the network that they began with is there
    manifest: str  # SHA-256 of the manifest: who has it from elsewhere knows that nothing was changed


def bundle(record: Record, path: Path) -> Bundled:
    """Write an evaluation's bundle; its report is written first, as `write_report` does.

    Raises `InputError` when the file exists already, `StoreError` when the record cannot be read or the file written.
    """
    if path.exists():
        raise InputError(f"{path} exists already", fix="choose another file")
    ended = close(record)
    write_report(ended)
    with TemporaryDirectory(prefix="twinops-bundle-") as apart:
        staged = Record(Path(apart))
        runs = _stage_runs(record.folder, staged.folder)
        results = [_relative(result, record.folder) for result in ended.results]
        head = ended.head
        staged.write_head(head.model_copy(update={"spec": _with_suites(head, staged.folder)}))
        staged.add(results)
        staged.write_tables(results, ended.rows)
        write_bytes(staged.folder / REPORT, read_bytes(record.folder / REPORT, below=record.folder))
        manifest = _write(staged.folder, head.name, path)
    return Bundled(path, len(results), len(runs), sum(runs), manifest)


def unbundle(path: Path, into: Path, *, most: int = MOST_BYTES) -> Bundled:
    """Check a bundle and put its evaluation below a folder of runs, `into/eval/NAME`.

    Raises `FormatError` for a file that is no bundle, is damaged, was changed, holds a member that would leave its
    folder, or takes more than `most` bytes; `InputError` when there is no file, or the evaluation is there already,
    `StoreError` when it cannot be written. Nothing is left behind then.
    """
    try:
        _require_few(path)
        with zipfile.ZipFile(path) as archive:
            manifest, digest = _manifest(archive, path, most)
            target = into.resolve() / FOLDER / manifest.name
            if target.exists():
                raise InputError(f"{target} exists already", fix="give another folder with --into")
            with TemporaryDirectory(prefix="twinops-unbundle-") as apart:
                staged = Record(Path(apart) / manifest.name)
                _extract(archive, manifest, path, staged.folder)
                runs = _settle(staged, target, manifest, path)
                _move(staged.folder, target)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError) as error:
        raise FormatError(str(path), "the whole file", f"a zip file that can be read: {error}") from error
    except OSError as error:
        raise StoreError(f"cannot unpack {path}: {error.strerror or error}", fix="check the file and --into") from error
    try:
        ended = close(Record(target))
    except TwinError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # values that no evaluation comes to
        shutil.rmtree(target, ignore_errors=True)
        raise FormatError(str(path), RESULTS, f"results that make a table: {error!r:.120}") from error
    return Bundled(target, len(ended.results), len(runs), sum(runs), digest)


def _stage_runs(folder: Path, staged: Path) -> list[bool]:
    """Copy what is kept of each run; returns of each whether it can be gone through again."""
    found: list[bool] = []
    for journal in sorted((folder / AGENTS).rglob(JOURNAL)):
        run, place = journal.parent, staged / journal.parent.relative_to(folder)
        place.mkdir(parents=True)
        for name in OF_A_RUN:
            if is_plain(run / name):  # what a link leads to is not the run's
                write_bytes(place / name, read_bytes(run / name, below=folder))
        network = _inventory(run)
        if network is not None:
            write_ietf(network, place / INVENTORY)
        found.append(network is not None)
    return found


def _inventory(run: Path) -> Network | None:
    """The network as a run found it, from its twin, or by its name where the twin was not kept."""
    try:
        started = read_history(run).started
        if is_plain(run / TWIN):
            with TwinStore.open(run / TWIN) as store:
                return store.load_snapshot(started.inventory)
        network = load_network(started.network)
    except TwinError:
        return None
    return network if network.id == started.inventory else None


def _relative(result: Result, folder: Path) -> Result:
    """Let a result name its run from the evaluation's folder on: where that was is nobody's business."""
    run = Path(result.run).resolve()
    inside = bool(result.run) and run.is_relative_to(folder.resolve()) and is_plain(run / JOURNAL)
    return result.model_copy(update={"run": run.relative_to(folder.resolve()).as_posix() if inside else ""})


def _with_suites(head: RunHead, staged: Path) -> RunSpec:
    """Copy the suites that somebody wrote, and name them from the bundle's root on."""
    named: list[str] = []
    for suite in head.spec.suites:
        if suite.endswith(".toml"):
            (staged / SUITES).mkdir(exist_ok=True)
            write_bytes(staged / SUITES / Path(suite).name, read_bytes(suite, most=SMALL))
        named.append(f"{SUITES}/{Path(suite).name}" if suite.endswith(".toml") else suite)
    return head.spec.model_copy(update={"suites": tuple(named)})


def _write(folder: Path, name: str, path: Path) -> str:
    """Zip a folder, the manifest first; returns the manifest's SHA-256."""
    members = sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())
    sums = {member: hashlib.sha256((folder / member).read_bytes()).hexdigest() for member in members}
    manifest = Manifest(name=name, version=version(), files=sums).model_dump_json(indent=1).encode()
    draft = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_entry(MANIFEST), manifest)
            for member in members:
                archive.writestr(_entry(member), (folder / member).read_bytes())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror}", fix="give a folder that can be written") from error
    return hashlib.sha256(manifest).hexdigest()


def _entry(member: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(member, _DATE)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry


def _require_few(path: Path) -> None:
    """Look at the size of the list of members before `zipfile` reads it: it would take whatever a file says.

    The list's end (APPNOTE 4.3.16) lies in the last 64 KiB; a file of 64-bit sizes is larger than any bundle.
    """
    content = read_bytes(path, most=MOST_PACKED)[-(2**16 + 22) :]
    ends = [match.start() for match in re.finditer(rb"PK\x05\x06", content) if match.start() + 16 <= len(content)]
    sizes = [int.from_bytes(content[end + 12 : end + 16], "little") for end in ends]
    if b"PK\x06\x07" in content or any(size > MOST_LISTED for size in sizes):
        raise FormatError(
            str(path), "the whole file", f"at most {MOST_MEMBERS} members and {MOST_BYTES} bytes unpacked"
        )


def _manifest(archive: zipfile.ZipFile, path: Path, most: int) -> tuple[Manifest, str]:
    """Read the manifest once the list of members is found to be harmless, and hold the list to it."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_MEMBERS or sum(entry.file_size for entry in entries) > most:
        raise FormatError(str(path), "the whole file", f"at most {MOST_MEMBERS} members and {most} bytes unpacked")
    if any(entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS for entry in entries):
        raise FormatError(str(path), "the whole file", "a zip file without a password, deflated as usual")
    for name in names:
        if not _is_safe(name):
            raise FormatError(str(path), repr(name)[:200], "a member whose path stays within its folder")
        if not _belongs(name):
            raise FormatError(str(path), repr(name)[:200], "what an evaluation holds, and nothing else")
    if MANIFEST not in names:
        raise FormatError(str(path), MANIFEST, "this member: the file is no bundle")
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST:
        raise FormatError(str(path), MANIFEST, f"at most {MOST_MANIFEST:,} bytes")
    content = archive.read(MANIFEST)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise FormatError(str(path), MANIFEST, "the manifest of a bundle, version 1") from error
    if not _NAME.fullmatch(manifest.name):
        raise FormatError(str(path), f"{MANIFEST}: name", "the name of an evaluation")
    if sorted(names) != sorted([MANIFEST, *manifest.files]):
        odd = sorted(set(names) ^ {MANIFEST, *manifest.files}) or sorted({x for x in names if names.count(x) > 1})
        raise FormatError(str(path), odd[0], "each member once, in the file and in its manifest")
    return manifest, hashlib.sha256(content).hexdigest()


def _is_safe(name: str) -> bool:
    """Whether a path is relative, goes down only, and holds no character that any system takes for a separator."""
    odd = "\\" in name or any(ord(character) < 32 for character in name)
    return len(name) <= 1000 and not odd and not {"", ".", ".."} & set(name.split("/"))


def _belongs(name: str) -> bool:
    """Whether a member is one that a bundle has."""
    parts = name.split("/")
    top, last = parts[0], parts[-1]
    if len(parts) == 1:
        return name in AT_THE_TOP
    if top == SUITES:
        return len(parts) == 2 and last.endswith(".toml")
    return top == AGENTS and last in (*OF_A_RUN, INVENTORY)


def _extract(archive: zipfile.ZipFile, manifest: Manifest, path: Path, folder: Path) -> None:
    for member, expected in manifest.files.items():
        place, digest = folder / PurePosixPath(member), hashlib.sha256()
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, place.open("xb") as file:  # zipfile stops at the size that was stated
            while chunk := packed.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != expected:
            raise FormatError(str(path), member, "the content that its manifest states: it was changed")


def _settle(staged: Record, target: Path, manifest: Manifest, path: Path) -> list[bool]:
    """Name runs and suites from where they will be, and make each run the twin file that going through it needs."""
    if not {RUN, RESULTS} <= manifest.files.keys():
        raise FormatError(str(path), RUN, f"this member and {RESULTS}")
    try:
        head, results = staged.head, staged.results()
    except StoreError as error:
        raise FormatError(str(path), RESULTS, "the record of an evaluation") from error
    if head.name != manifest.name:
        raise FormatError(str(path), f"{RUN}: name", f"{manifest.name}, as in the manifest")
    suites = tuple(_suite(suite, target, manifest, path) for suite in head.spec.suites)
    placed = [_placed(result, target, manifest, path) for result in results]
    staged.write_head(head.model_copy(update={"spec": head.spec.model_copy(update={"suites": suites})}))
    (staged.folder / RESULTS).unlink()
    (staged.folder / TABLES).unlink(missing_ok=True)  # made anew: a database of somebody else's is not opened
    staged.add(placed)
    return [_restore_twin(run, path) for run in _runs(staged.folder)]


def _runs(folder: Path) -> Iterator[Path]:
    return (journal.parent for journal in sorted((folder / AGENTS).rglob(JOURNAL)))


def _suite(suite: str, target: Path, manifest: Manifest, path: Path) -> str:
    if suite.endswith(".toml") and suite in manifest.files and suite.startswith(f"{SUITES}/"):
        return str(target / suite)
    if not _SUITE.fullmatch(suite):
        raise FormatError(str(path), f"{RUN}: spec.suites", "suites by name, or files of the bundle")
    return suite


def _placed(result: Result, target: Path, manifest: Manifest, path: Path) -> Result:
    if not result.run:
        return result
    if f"{result.run}/{JOURNAL}" not in manifest.files:
        raise FormatError(str(path), f"{RESULTS}: run of {result.case}", "a run that is in the bundle")
    return result.model_copy(update={"run": str(target / result.run)})


def _restore_twin(run: Path, path: Path) -> bool:
    """Store the network as the run found it where it is looked for, if the bundle has it."""
    if not (run / INVENTORY).is_file():
        return False
    try:
        started, network = read_history(run), load_network(str(run / INVENTORY))
    except TwinError as error:
        raise FormatError(str(path), run.name, f"a run whose record holds: {error}") from error
    if network.id != started.started.inventory:
        raise FormatError(str(path), f"{run.name}/{INVENTORY}", "the network that its run began with")
    with TwinStore.open(run / TWIN) as store:
        store.save_inventory([network], now=started.reading.records[0].time)
    return True


def _move(folder: Path, target: Path) -> None:
    """Put a folder where it belongs, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    try:
        shutil.copytree(folder, draft)
        draft.replace(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise
