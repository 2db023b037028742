"""How patient calls of network models are, and what else can be set; each field by an environment variable."""

import os
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, ValidationError

from twin.errors import InputError
from twin.model import Frozen

PREFIX = "TWINOPS_MODEL_"


class ModelSettings(Frozen):
    """Limits of every call to a provider. `TWINOPS_MODEL_` and a field's name in capitals sets it."""

    attempts: int = Field(default=6, ge=1, le=50, description="Requests per question, the first one included.")
    deadline_s: float = Field(default=150.0, gt=0, description="Seconds for one answer, with all waits and retries.")
    attempt_s: float = Field(default=100.0, gt=0, description="Seconds for one request, however steadily it drips.")
    silence_s: float = Field(
        default=40.0, gt=0, description="Seconds without a byte after which a request is given up."
    )
    connect_s: float = Field(default=10.0, gt=0)
    first_wait_s: float = Field(default=0.5, gt=0, description="Upper end of the first wait, drawn from zero to it.")
    longest_wait_s: float = Field(default=20.0, gt=0, description="Upper end of the longest wait.")
    concurrent: int = Field(default=8, ge=1, description="Requests at a time, over all runs of the process.")
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    trip_after: int = Field(default=8, ge=1, description="Failures in a row after which nobody asks for a while.")
    cool_down_s: float = Field(default=30.0, gt=0, description="That while; then one request tries again.")
    max_tokens: int = Field(default=8_192, ge=1, description="Longest answer.")
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    thinking: Literal["adaptive", "disabled"] | None = Field(default=None, description="None: the model's default.")
    fallback: bool = Field(default=True, description="Whether the runbook goes on when the provider stays down.")
    seed: int = Field(default=0, ge=0, description="Of the jitter between retries.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings. Raises `InputError` for a value that does not fit."""
        env = os.environ if environment is None else environment
        given = {
            name: env[f"{PREFIX}{name.upper()}"] for name in cls.model_fields if env.get(f"{PREFIX}{name.upper()}")
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            name = f"{PREFIX}{str(problem['loc'][0]).upper()}"
            raise InputError(f"{name}: {problem['msg']}", fix=f"change or unset {name}") from error
