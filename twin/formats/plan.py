"""Plans as JSON documents."""

import json
from pathlib import Path

from pydantic import ValidationError

from twin.errors import FormatError
from twin.plan import Plan

from .text import first_problem, read_text, write_text


def read_plan(path: str | Path) -> Plan:
    """Read a plan. Raises `FormatError` with the file, the place in the document and what was expected."""
    text = read_text(path)
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        where, expected = first_problem(error)
        raise FormatError(str(path), where, expected) from error


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan so that `read_plan` gives back an equal one, with the same hash."""
    write_text(path, json.dumps(plan.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
