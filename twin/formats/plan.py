"""Plans as JSON documents."""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from twin.errors import FormatError, PlanError
from twin.files import read_text, write_text
from twin.model import Network
from twin.plan import Change, Plan, way_back

from .text import first_problem


def read_plan(path: str | Path, *, below: Path | None = None) -> Plan:
    """Read a plan; `below` is a folder that others may have filled.

    Raises as `files.read_bytes` does, and `FormatError` with the place in the document and what was expected.
    """
    return read_plan_file(path, below=below).plan


class PlanFile(NamedTuple):
    """A plan as it is on file, and the changes that undo it, the last step first; empty where the file has none."""

    plan: Plan
    way_back: tuple[Change, ...]

    def require_way_back(self, network: Network) -> None:
        """Raise `PlanError` when the file's way back does not lead to the state `network` that the plan starts from."""
        if self.way_back and self.way_back != way_back(network, self.plan.steps):
            raise PlanError(
                f"the way back of plan {self.plan.hash} does not lead to snapshot {network.id}",
                fix="it was edited, or made for another state: plan again",
            )


class _OnFile(Plan):
    way_back: tuple[Change, ...] = ()


def read_plan_file(path: str | Path, *, below: Path | None = None) -> PlanFile:
    """Read a plan with its way back. Raises as `read_plan` does."""
    text = read_text(path, below=below)
    try:
        found = _OnFile.model_validate_json(text)
    except ValidationError as error:
        where, expected = first_problem(error)
        raise FormatError(str(path), where, expected) from error
    plan = Plan.model_validate(found.model_dump(exclude={"way_back"}))
    return PlanFile(plan, found.way_back)


def write_plan(plan: Plan, path: str | Path, network: Network | None = None) -> None:
    """Write a plan so that `read_plan` gives back an equal one, with the same hash, with the words of `plan_text`."""
    write_text(path, plan_text(plan, network))


def plan_text(plan: Plan, network: Network | None = None) -> str:
    """A plan as it is on file.

    With the state `network` that it starts from, the changes that undo it stand there, too, the last step first.
    """
    document = plan.model_dump(mode="json")
    if network is not None:
        document["way_back"] = [step.model_dump(mode="json") for step in way_back(network, plan.steps)]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
