"""Where files are opened: the one door for whatever is read, and for whatever is left where others can reach it.

A file that somebody else may have written is hostile. Behind this door it is a regular file or it is refused (no pipe,
no device, no folder), it is read up to a stated size whatever its own length says, and what is parsed from it is
neither nested nor numbered beyond what a machine takes without harm. `below` names a folder that others may have
filled: no symbolic link is followed anywhere below it. What is written never goes through a link at its own name.
"""

import os
import stat
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import JsonValue
from pydantic_core import from_json

from .errors import FormatError, InputError

MAX_BYTES = 256 * 1024 * 1024
"""Most bytes of a network, of traffic or of a record."""
SMALL = 1024 * 1024
"""Most bytes of what people write by hand: policies, budgets, cases, keys."""
MAX_DEPTH = 64
"""Most tables and lists inside each other in a TOML file; in JSON the parser's own limit holds, which is 200."""
_MAX_BITS = 1024
_CHUNK = 1024 * 1024
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WRITE = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def read_bytes(path: str | Path, *, most: int = MAX_BYTES, below: Path | None = None) -> bytes:
    """Read a whole file.

    Raises `InputError` when it cannot be read, is no regular file, or is reached through a link `below` a folder that
    others may have filled, and `FormatError` when it holds more than `most` bytes.
    """
    try:
        with _opened(Path(path), below) as descriptor:
            return _read(path, descriptor, most)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_head(path: str | Path, most: int = 65_536) -> bytes:
    """Read the first bytes of a file. Raises `InputError` as `read_bytes` does."""
    try:
        with _opened(Path(path), None) as descriptor:
            return os.read(descriptor, most)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_text(path: str | Path, *, most: int = MAX_BYTES, below: Path | None = None) -> str:
    """Read a UTF-8 file, with or without byte order mark. Raises as `read_bytes` does, `FormatError` on other text."""
    content = read_bytes(path, most=most, below=below)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FormatError(str(path), f"line {line}", "UTF-8 text") from error


def read_toml(path: str | Path) -> dict[str, object]:
    """Read a TOML file. Raises as `read_text` does, and `FormatError` on what is no TOML or too deep to be meant."""
    text = read_text(path, most=SMALL)
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise FormatError(str(path), "the whole file", _SHALLOW) from error
    except ValueError as error:  # tomllib raises it for a number of too many digits as well
        raise FormatError(str(path), str(error)[:200], "TOML, one `key = value` a line") from error
    _require_plain(path, content)
    return content


def parse_json(text: str | bytes) -> JsonValue:
    """Parse JSON text from outside.

    Raises `ValueError` on anything else: also on more than 200 lists and objects inside each other, on numbers of more
    than 4,300 digits, on NaN, and on halves of characters, which could not be written again.
    """
    return cast("JsonValue", from_json(text, allow_inf_nan=False))


def is_deep(value: object, most: int) -> bool:
    """Whether more than `most` dictionaries and lists are inside each other, without any recursion of its own."""
    *_, last = _layers(value, most)
    return any(isinstance(inner, dict | list) for inner in last)


def require_file(path: str | Path, *, most: int = 2 * MAX_BYTES, below: Path | None = None) -> Path:
    """Return the path of a regular file of sane size, for a reader that opens it itself. Raises as `read_bytes`."""
    try:
        with _opened(Path(path), below) as descriptor:
            if os.fstat(descriptor).st_size > most:
                raise _too_large(path, most)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return Path(path)


def exists(path: str | Path) -> bool:
    """Whether there is anything at a path; not where no file system would take its name."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def is_absent(path: Path) -> bool:
    """Whether there is nothing at a path for sure: not so for a link that leads nowhere, or where nobody may look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def is_plain(path: Path) -> bool:
    """Whether there is a regular file at a path, and no link in its place."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def write_text(
    path: str | Path, text: str, *, below: Path | None = None, mode: int = 0o644, durable: bool = False
) -> None:
    """Write a UTF-8 file whole or not at all; a link at its name is replaced, not followed.

    `durable` means that it is on disk when this returns. Raises `InputError` when the place cannot be written.
    """
    write_bytes(path, text.encode(), below=below, mode=mode, durable=durable)


def write_bytes(
    path: str | Path, content: bytes, *, below: Path | None = None, mode: int = 0o644, durable: bool = False
) -> None:
    """Write a file as `write_text` does."""
    try:
        with _held(Path(path), below) as (folder, name):
            draft = f"{name}.part"
            try:
                with _created(draft, folder, mode) as file:
                    file.write(content)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
                os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                _remove(draft, folder)
                raise
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def extend(path: Path, *, new: bool, below: Path | None = None, mode: int = 0o644) -> BinaryIO:
    """Open a regular file to read and append, unbuffered, its position at its end.

    `new` makes it and refuses one that is there; otherwise it must be there. Raises `OSError`, which says `EEXIST` for
    the former and `ELOOP` for a link.
    """
    how = os.O_RDWR | (os.O_CREAT | os.O_EXCL if new else 0)
    with _held(path, below) as (folder, name):
        descriptor = os.open(name, how | _WRITE, mode, dir_fd=folder)
    return _regular(descriptor)


def open_lock(path: Path) -> BinaryIO:
    """Open a lock file, or make it; its content is left as it is. Raises `OSError`, also on a link in its place."""
    with _held(path, None) as (folder, name):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | _WRITE, 0o644, dir_fd=folder)
    return _regular(descriptor)


def _read(path: str | Path, descriptor: int, most: int) -> bytes:
    content = bytearray()
    while chunk := os.read(descriptor, min(_CHUNK, most + 1 - len(content))):
        content += chunk
        if len(content) > most:
            raise _too_large(path, most)
    return bytes(content)


@contextmanager
def _opened(path: Path, below: Path | None) -> Generator[int]:
    """A regular file's descriptor; a pipe is opened without waiting for its other end, and refused."""
    if below is None:
        descriptor = os.open(path, _READ)
    else:
        with _held(path, below) as (folder, name):
            descriptor = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=folder)
    try:
        _require_regular(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _held(path: Path, below: Path | None) -> Generator[tuple[int, str]]:
    """The folder of a file, held open, and the file's name in it: no link is followed below `below`, if it is given."""
    root = path.parent if below is None else below
    *between, name = path.relative_to(root).parts or ("",)
    if ".." in between and below is not None:
        raise ValueError("it leaves the folder that it is looked for in")
    folder = os.open(root, _FOLDER)
    try:
        for part in between:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder, name
    finally:
        os.close(folder)


def _created(name: str, folder: int, mode: int) -> BinaryIO:
    """A new file in place of whatever has its name."""
    _remove(name, folder)
    return os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _WRITE, mode, dir_fd=folder), "wb")


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def _regular(descriptor: int) -> BinaryIO:
    try:
        _require_regular(descriptor)
        file = cast("BinaryIO", os.fdopen(descriptor, "r+b", buffering=0))
    except BaseException:
        os.close(descriptor)
        raise
    file.seek(0, os.SEEK_END)
    return file


def _require_regular(descriptor: int) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")


_SHALLOW = f"at most {MAX_DEPTH} tables and lists inside each other"


def _require_plain(path: str | Path, content: dict[str, object]) -> None:
    """Refuse what is nested so deep, or so large a number, that whoever shows or adds it fails."""
    for layer in _layers(content, MAX_DEPTH):
        if any(isinstance(value, int) and value.bit_length() > _MAX_BITS for value in layer):
            raise FormatError(str(path), "the whole file", "numbers of at most 300 digits")
    if is_deep(content, MAX_DEPTH):
        raise FormatError(str(path), "the whole file", _SHALLOW)


def _layers(value: object, most: int) -> Generator[list[object]]:
    layer = [value]
    for _ in range(most):
        yield layer
        layer = [inner for outer in layer for inner in _inside(outer)]
    yield layer


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _too_large(path: str | Path, most: int) -> FormatError:
    size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most} bytes"
    return FormatError(str(path), "the whole file", f"at most {size}")


def _unreadable(path: str | Path, error: OSError | ValueError) -> InputError:
    return InputError(f"cannot read {path}: {reason(path, error)}", fix="check the path and its permissions")


def _unwritable(path: str | Path, error: OSError | ValueError) -> InputError:
    return InputError(f"cannot write {path}: {reason(path, error)}", fix="give a folder that can be written")


def reason(path: str | Path, error: OSError | ValueError) -> str:
    """Say why a file was not opened, in a few words."""
    try:
        linked = Path(path).is_symlink()
    except (OSError, ValueError):
        linked = False
    if linked:
        return "it is a symbolic link, which is not followed here"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
