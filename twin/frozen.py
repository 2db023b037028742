"""The base of everything that crosses a border: values that do not change."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable, and strict about unknown fields: a model's typo must fail at the border.

    Its validator is made when it is first asked for: half of what a short command takes would go into those of classes
    that it never meets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
