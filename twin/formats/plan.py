"""Plans as JSON documents."""

import json
from pathlib import Path

from pydantic import ValidationError

from twin.errors import FormatError
from twin.files import read_text, write_text
from twin.plan import Plan

from .text import first_problem


def read_plan(path: str | Path, *, below: Path | None = None) -> Plan:
    """Read a plan; `below` is a folder that others may have filled.

    Raises as `files.read_bytes` does, and `FormatError` with the place in the document and what was expected.
    """
    text = read_text(path, below=below)
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        where, expected = first_problem(error)
        raise FormatError(str(path), where, expected) from error


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan so that `read_plan` gives back an equal one, with the same hash."""
    write_text(path, json.dumps(plan.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
