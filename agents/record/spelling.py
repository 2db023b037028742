"""How a record is spelt: one line of JSON, and only one way to write it."""

import json
from pathlib import Path

from twin.append_log import read_lines
from twin.errors import JournalError
from twin.files import parse_json


def require_spelling(path: Path) -> None:
    """Make sure that each whole line of a journal has one reading, whoever reads it: what it says is not looked at.

    Quick, for those who read a journal without its chain. Raises `InputError` when the file cannot be read, and
    `JournalError` that names the first line with a key that is there twice, or any other spelling of what it says.
    """
    for number, line in enumerate(read_lines(path).whole, start=1):
        try:
            content = parse_json(line)
            same = isinstance(content, dict) and canonical(dict(content)) == line
        except (ValueError, RecursionError):
            same = False
        if not same:
            raise JournalError(
                f"{path}: line {number} is not as a record is written", fix="do not trust this run record"
            )


def canonical(content: dict[str, object]) -> bytes:
    """The line of a record, without its line end."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
