"""Files of measurements in folders that collectors fill: which of them are read, and which are read together."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from twin.errors import InputError
from twin.files import is_plain, read_bytes

from ..account import Account, FieldUse
from .part import use

MOST_FILES = 500
"""Files of one folder that are read of what is new, the newest by their names."""
EVERY_FILE = 100_000
"""Files of one folder that are read of all that there is: a year of five minutes."""
NOT_READ = "files that were not read"
"""Format of the account of a folder's files that could not be read."""
_WRITING = re.compile(r"^nfcapd\.current|\.(?:tmp|part|swp|lock|pid)$|~$")
_DATED = re.compile(r"\d{8}")


class FoundFile(NamedTuple):
    """A file to be read, and the folder that it was found in; None where it was named itself."""

    path: Path
    folder: Path | None = None

    @property
    def stretch(self) -> str:
        """What files of several exporters that are of one stretch of time have in common."""
        return str(self.path) if self.folder is None else f"{self.folder}//{_dated_name(self.path) or self.path}"


def find_files(paths: Sequence[str | Path], most: int) -> tuple[list[FoundFile], list[Account]]:
    """The files themselves, and `most` of each folder and those below it: the newest by their names, oldest first.

    Accounts tell of what was left out. A file that a collector is still writing, a link such as pmacct's to its latest
    file, and a copy of another one count for nothing. Raises `InputError` on a folder without a file.
    """
    found, accounts = list[FoundFile](), list[Account]()
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(FoundFile(path))
            continue
        inside = sorted(_below(path), key=lambda x: (_dated_name(x) or str(x), str(x)))
        once, uses = _once(inside[-most:])
        if not once:
            raise InputError(f"there is no file in {path}", fix="give a folder with files of measurements")
        if len(inside) > most:
            note = f"older than the newest {most}: only `forecast --until` and upgrades read them"
            uses.append(use("files", "not modelled", len(inside) - most, note))
        if uses:
            accounts.append(Account(file=str(path), format="a folder", fields=tuple(uses)))
        found += [FoundFile(x, path) for x in once]
    return found, accounts


def not_read(folder: Path, failed: Sequence[tuple[Path, str]]) -> Account:
    """The account of files of a folder that could not be read, with the reason for the newest of them."""
    path, why = failed[-1]
    note = f"{len(failed)} could not be read: {path.name}: {why.removeprefix(f'{path}: ')}"
    fields = (FieldUse(field="files", became="not modelled", count=len(failed), note=note),)
    return Account(file=str(folder), format=NOT_READ, fields=fields)


def _below(folder: Path) -> Iterator[Path]:
    """Plain files in a folder and the folders below it, as collectors make them by day or by exporter."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)
        elif is_plain(path) and not _WRITING.search(path.name):
            yield path


def _dated_name(path: Path) -> str:
    """A name that tells of its day by itself; empty where a folder above it does."""
    return path.name if _DATED.search(path.name) else ""


def _once(paths: Sequence[Path]) -> tuple[list[Path], list[FieldUse]]:
    """Each content once: of copies the one with the first name. Only files of one size can be copies."""
    sizes = defaultdict[int, list[Path]](list)
    for path in paths:
        try:
            sizes[path.stat().st_size].append(path)
        except OSError:  # rotated away meanwhile
            continue
    copies = set[Path]()
    for same in (x for size, x in sizes.items() if size and len(x) > 1):
        seen = set[bytes]()
        for path in same:
            try:
                digest = hashlib.blake2b(read_bytes(path)).digest()
            except InputError:  # said where it is read
                continue
            if digest in seen:
                copies.add(path)
            seen.add(digest)
    there = {x for known in sizes.values() for x in known}
    told = [use("files", "not modelled", len(copies), "copies of others: each counts once")] if copies else []
    return [x for x in paths if x in there and x not in copies], told
