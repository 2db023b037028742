"""What a run may spend, as a whole and in each role: checked before every model call.

The contracts of the roles limit each of their turns already; a budget limits sums over the run. A call is made while
everything spent so far is below every limit, so that a limit is passed by one call at most.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from pydantic import ValidationError

from agents.models import STAND_IN
from agents.models.prices import Price, Tokens, cost, energy, energy_range, price_of, read_prices
from agents.record.events import ChatAnswered
from agents.record.spending import Limits, RunBudget
from tools.box.handover import Role
from twin.errors import BudgetError, FormatError, InputError
from twin.files import exists, read_toml

from .contracts import contracts

_UNITS = {
    "model_calls": "model calls",
    "tokens": "tokens",
    "seconds": "seconds",
    "money": "US dollars",
    "watt_hours": "watt-hours",
}


def read_budget(text: str) -> RunBudget:
    """Read a budget: a TOML file with `[run]` and `[roles.NAME]`, or `money=2,seconds=600` for the run as a whole.

    Raises `InputError` that names the key, which may be a role that nobody has.
    """
    try:
        budget = RunBudget.model_validate(read_toml(text) if exists(text) else {"run": _inline(text)})
    except FormatError as error:
        raise InputError(str(error), fix=_FIX) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"budget: {key}: {first['msg']}", fix=_FIX) from error
    known = contracts()
    if unknown := sorted(budget.roles.keys() - known.keys()):
        raise InputError(f"budget: roles.{unknown[0]}: no such role", fix=f"the roles are {', '.join(known)}")
    return budget


_FIX = "write [run] and [roles.planning] with model_calls, tokens, seconds, money or watt_hours; or money=2,seconds=600"


def _inline(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not equals for _, equals, _ in pairs):
        raise InputError(f"no budget file {text!r}", fix=_FIX)
    return {key.strip(): value.strip() for key, _, value in pairs}


def price_for(budget: RunBudget, model: str) -> Price | None:
    """Return what the model costs, None if nobody knows.

    Raises `InputError` when the budget limits money or watt-hours and they are not known: such a limit could not hold.
    """
    price = price_of(model, read_prices())
    limits = (budget.run, *budget.roles.values())
    if any(x.money is not None for x in limits) and price is None:
        raise InputError(f"nobody knows what {model} costs: a budget of money cannot hold", fix=_PRICES)
    if any(x.watt_hours is not None for x in limits) and energy(Tokens(input=0, output=0), price) is None:
        raise InputError(f"nobody knows what energy {model} takes: a budget of it cannot hold", fix=_PRICES)
    return price


_PRICES = "name a file of prices in TWINOPS_PRICES, or leave this limit out"


class Spent(NamedTuple):
    """What was spent; money and watt-hours are None where they are unknown, and estimated beside that."""

    model_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float | None = 0.0
    watt_hours: float | None = 0.0
    least_wh: float = 0.0
    likely_wh: float = 0.0
    most_wh: float = 0.0

    def plus(self, answer: ChatAnswered, price: Price | None) -> "Spent":
        """Return this and one answer more."""
        tokens = Tokens(
            input=answer.input_tokens,
            output=answer.output_tokens,
            cache_read=answer.cache_read_tokens,
            cache_write=answer.cache_write_tokens,
        )
        known = energy(tokens, price)
        low, likely, high = energy_range(tokens) if known is None else (known, known, known)
        return Spent(
            self.model_calls + 1,
            self.tokens + tokens.input + tokens.output,
            self.seconds,
            _sum(self.money, cost(tokens, price)),
            _sum(self.watt_hours, known),
            self.least_wh + low,
            self.likely_wh + likely,
            self.most_wh + high,
        )


@dataclass
class Meter:
    """What a run has spent, and whether it may go on. `worked_s` is the time it took before it was interrupted."""

    budget: RunBudget = field(default_factory=RunBudget)
    price: Price | None = None
    worked_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    total: Spent = field(default_factory=Spent)
    by_role: dict[Role, Spent] = field(default_factory=dict[Role, Spent])
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock() - self.worked_s

    def add(self, answer: ChatAnswered) -> None:
        """Count an answer. What stands in for a model costs nothing."""
        price = price_of(STAND_IN) if answer.model == STAND_IN else self.price
        self.total = self.total.plus(answer, price)
        self.by_role[answer.role] = self.by_role.get(answer.role, Spent()).plus(answer, price)

    def took(self, role: Role, seconds: float) -> None:
        """Count the time of a role's turn."""
        spent = self.by_role.get(role, Spent())
        self.by_role[role] = spent._replace(seconds=spent.seconds + seconds)

    def check(self, role: Role) -> None:
        """Make sure that another call may be made. Raises `BudgetError` that says what is used up."""
        total = self.total._replace(seconds=self.clock() - self._began)
        _check("the run", total, self.budget.run)
        _check(role, self.by_role.get(role, Spent()), self.budget.roles.get(role, Limits()))

    def seconds_left(self, role: Role) -> float | None:
        """Return the seconds that a role's turn may take at most, None if nothing limits them."""
        limits = self.budget.roles.get(role, Limits())
        left = [
            limit - used
            for limit, used in (
                (self.budget.run.seconds, self.clock() - self._began),
                (limits.seconds, self.by_role.get(role, Spent()).seconds),
            )
            if limit is not None
        ]
        return max(0.0, min(left)) if left else None


def _check(who: str, spent: Spent, limits: Limits) -> None:
    for name, unit in _UNITS.items():
        limit = cast("float | None", getattr(limits, name))
        used = cast("float | None", getattr(spent, name))
        if limit is not None and used is not None and used >= limit:
            raise BudgetError(f"{who} has spent its {limit:g} {unit}: {used:.4g}", fix="raise it with --budget")


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
