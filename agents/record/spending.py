"""The limits of a run's spending, as values."""

from typing import Annotated

from pydantic import Field

from tools.box.handover import Role
from twin.model import Frozen

_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Limits(Frozen):
    """Most that may be spent; what is left out has no limit. Zero allows nothing."""

    model_calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0, description="Input and output together.")
    seconds: _Amount | None = Field(default=None, description="Of the whole run, or of a role's turns together.")
    money: _Amount | None = Field(default=None, description="US dollars.")
    watt_hours: _Amount | None = Field(default=None, description="Of the models, not of the network.")


class RunBudget(Frozen):
    """Limits of a run as a whole, and of its roles over the whole run."""

    run: Limits = Limits()
    roles: dict[Role, Limits] = Field(default_factory=dict[Role, Limits])
