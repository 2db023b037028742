"""Text in and out of files, with errors that name the file and the place."""

from pathlib import Path

from pydantic import ValidationError

from twin.errors import FormatError, InputError

MAX_BYTES = 512 * 1024 * 1024


def require_file(path: str | Path) -> Path:
    """Return the path of a readable file of sane size. Raises `InputError` or `FormatError`."""
    file = Path(path)
    try:
        with file.open("rb"):
            size = file.stat().st_size
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if size > MAX_BYTES:
        raise FormatError(str(path), "the whole file", f"at most {MAX_BYTES // 2**20} MiB")
    return file


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file. Raises `InputError` when it cannot be read, `FormatError` when it is absurdly large."""
    try:
        return require_file(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_text(path: str | Path) -> str:
    """Read a UTF-8 file, with or without byte order mark. Raises `InputError` or `FormatError`."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FormatError(str(path), f"line {line}", "UTF-8 text") from error


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all. Raises `InputError` when the place cannot be written."""
    file = Path(path)
    draft = file.with_name(file.name + ".part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", fix="give a folder that can be written") from error


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Place in the document (`$.steps[0].weight`) and what was expected there, of the first validation error."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    context = first.get("ctx", {})
    match first["type"]:
        case "json_invalid":
            return "the whole file", f"valid JSON; {context.get('error', 'it is not')}"
        case "missing":
            return place, "this field, which is missing"
        case "extra_forbidden":
            return place, "no such field"
        case "union_tag_invalid":
            return place, f"{context['discriminator']} to be one of {context['expected_tags']}, not {context['tag']!r}"
        case _:
            message = first["msg"].removeprefix("Input should be ")
            return place, f"a value {message}" if message.startswith(("greater", "less")) else message


def _unreadable(path: str | Path, error: OSError | ValueError) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(f"cannot read {path}: {reason}", fix="check the path and its permissions")
