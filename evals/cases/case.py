"""A case: one question with what is needed to judge the answer. Drawn from (suite, kind, seed), or written in TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator

from agents.record.events import Outcome
from evals.score.expected import cause
from twin.closest import closest
from twin.errors import FormatError
from twin.faults import Fault
from twin.files import read_toml
from twin.gate.checks.finding import CheckName
from twin.model import Frozen
from twin.plan import Plan

Split = Literal["dev", "held-out", "own"]


class CaseBudget(Frozen):
    """What one case may spend. A case that would need more ends, and counts as failed."""

    seconds: float = Field(
        default=300.0, gt=0, description="Of setting up, of answering and of scoring, each by the wall clock."
    )
    tokens: int = Field(default=1_000_000, ge=1, description="Input and output tokens of all model calls.")


class Expectation(Frozen):
    """What must hold of the answer; what is left out is not judged.

    Which of these fields can be checked is the suite's to say: `Suite.checks`.
    """

    causes: tuple[str, ...] | None = Field(default=None, description="Faults, as `kind at element`; [] for healthy.")
    outcomes: tuple[Outcome, ...] | None = Field(
        default=None, min_length=1, description="Ends of which a run must have one."
    )
    max_utilisation: float | None = Field(default=None, gt=0, description="Most on any link once a run is over.")
    approved: bool | None = Field(default=None, description="Whether the gate must pass the plan.")
    failed_check: CheckName | None = Field(default=None, description="A check that must fail.")
    answer: JsonValue = Field(default=None, description="The exact answer to a question.")

    @property
    def given(self) -> dict[str, Any]:
        """What is expected, by field."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}

    @field_validator("causes")
    @classmethod
    def _readable(cls, causes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for text in causes or ():
            try:
                cause(text)
            except ValueError as error:
                raise ValueError(f"{text!r} is not `kind at element` of a fault that exists") from error
        return causes

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.failed_check is not None and self.approved:
            raise ValueError("a plan that is approved has no failed_check")
        return self


class Case(Frozen):
    """One case of a suite.

    `kind` is its class within the suite: the fault, the sort of bad plan or question. What is not given is drawn from
    (suite, kind, seed), always the same: the truth is then the case's own. `faults` empty means a healthy network.
    """

    suite: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    kind: str = Field(min_length=1, max_length=60)
    network: str = Field(min_length=1, max_length=200)
    seed: int = Field(ge=0, lt=2**31)
    split: Split = "own"
    traffic: float = Field(default=1.0, gt=0, le=100, description="Factor on all demands of the network.")
    interval_s: float = Field(default=300.0, ge=1, le=3600, description="Seconds between samples.")
    faults: tuple[Fault, ...] | None = Field(default=None, max_length=12)
    intent: str | None = Field(default=None, max_length=500, description="Words of an operator.")
    plan: Plan | None = None
    model: str = "runbook"
    compact: bool = Field(default=False, description="Whether the model is small: it is shown little.")
    vision: bool = Field(default=False, description="Whether the model sees: its roles may look at the map.")
    budget: CaseBudget = CaseBudget()
    expect: Expectation | None = None

    @property
    def id(self) -> str:
        """Readable, and unique within a run."""
        return f"{self.suite}/{self.kind}/{self.network.replace('/', '-')}/{self.seed}"


class CaseFile(Frozen):
    """A suite that somebody wrote: cases by hand, asked and judged as those of a suite that exists."""

    like: str = Field(description="The suite whose way of asking and scoring is used.")
    purpose: str = Field(min_length=1, max_length=200)
    cases: tuple[dict[str, JsonValue], ...] = Field(min_length=1, max_length=10_000)


def read_case_file(path: Path) -> tuple[CaseFile, tuple[Case, ...]]:
    """Read a suite in TOML; the name of the file is the name of the suite.

    Raises `FormatError` that names the file and the field.
    """
    try:
        file = CaseFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise _explained(path, "", error, CaseFile) from error
    return file, tuple(_case(path, number, body) for number, body in enumerate(file.cases, start=1))


def _case(path: Path, number: int, body: Mapping[str, JsonValue]) -> Case:
    defaults = {"suite": path.stem, "seed": number, "kind": "written"}
    try:
        return Case.model_validate({**defaults, **body})
    except ValidationError as error:
        raise _explained(path, f"case {number}: ", error, Case) from error


def _explained(path: Path, where: str, error: ValidationError, model: type[Frozen]) -> FormatError:
    """Turn the first complaint of pydantic into one line that names file, case and field."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = closest(str(first["loc"][-1]), model.model_fields, most=1)
        hint = f"a field that exists, perhaps {near[0]}" if near else "a field that exists"
        return FormatError(str(path), f"{where}{field}", hint)
    return FormatError(str(path), f"{where}{field}", f"{first['msg'].lower()}, got {first['input']!r:.80}")
