"""What tokens cost in money and energy: figures for budgets, and *unknown* where nobody has given one.

The list below holds Anthropic's list prices in US dollars per million tokens, standard tier, 5-minute cache, as its
documentation gave them (platform.claude.com, pricing and model pages, copies read on 2026-11-22). Prices change: a TOML
file named by TWINOPS_PRICES replaces or adds entries, and is the only source of watt-hours, which no provider states.

    ["anthropic:claude-opus-5-5"]      # all fields per million tokens; only input and output are required
    input = 4.0
    output = 20.0
    cache_read = 0.2
    cache_write = 5.0
    input_wh = 90.0
    output_wh = 900.0
"""

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pydantic import Field, ValidationError

from twin.errors import FormatError, InputError, StoreError
from twin.files import read_toml
from twin.model import Frozen

VARIABLE = "TWINOPS_PRICES"
_MILLION = 1e6
_FREE = frozenset({"runbook", "adversary", "replay"})
_DATED = re.compile(r"-20\d{6}$")


class Price(Frozen):
    """Prices per million tokens, US dollars, and watt-hours per million tokens where they are known.

    What is read from the cache or written to it costs as much as new input where no price of its own is given: a budget
    may then be left too early, and never too late. `long` holds above `long_from` tokens of a prompt.
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    input_wh: float | None = Field(default=None, ge=0)
    output_wh: float | None = Field(default=None, ge=0)
    long_from: int | None = Field(default=None, ge=1)
    long: "Price | None" = None


class Tokens(Frozen):
    """Tokens of one answer; `input` counts those that were read from the cache or written to it, too."""

    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cache_read: int = Field(default=0, ge=0)
    cache_write: int = Field(default=0, ge=0)


def _listed(price_in: float, price_out: float, write: float, read: float) -> Price:
    return Price(input=price_in, output=price_out, cache_write=write, cache_read=read)


_OPUS, _SONNET = _listed(5, 25, 6.25, 0.5), _listed(3, 15, 3.75, 0.3)
LIST: Mapping[str, Price] = MappingProxyType(
    {
        "anthropic:claude-fable-5-1": _listed(10, 50, 12.5, 0.25),
        "anthropic:claude-fable-5": _listed(10, 50, 12.5, 1),
        "anthropic:claude-opus-5-5": _listed(4, 20, 5, 0.2),
        "anthropic:claude-opus-5": _OPUS,
        "anthropic:claude-opus-4-8": _OPUS,
        "anthropic:claude-opus-4-7": _OPUS,
        "anthropic:claude-opus-4-6": _OPUS,
        "anthropic:claude-opus-4-5": _OPUS,
        "anthropic:claude-sonnet-5-5": _listed(2, 10, 2.5, 0.2),
        "anthropic:claude-sonnet-5": _listed(2, 10, 2.5, 0.2),
        "anthropic:claude-sonnet-4-6": _SONNET,
        "anthropic:claude-sonnet-4-5": _SONNET,
        "anthropic:claude-haiku-5-5": Price(
            input=0.1,
            output=0.5,
            cache_write=0.125,
            long_from=100_001,
            long=Price(input=0.5, output=2.5, cache_write=0.625),
        ),
        "anthropic:claude-haiku-4-5": _listed(1, 5, 1.25, 0.1),
    }
)


def read_prices(environment: Mapping[str, str] | None = None) -> Mapping[str, Price]:
    """Return the list with the entries of the file that TWINOPS_PRICES names. Raises `StoreError`, `FormatError`."""
    env = os.environ if environment is None else environment
    named = env.get(VARIABLE)
    if not named:
        return LIST
    try:
        given = read_toml(named)
        return MappingProxyType({**LIST, **{name: Price.model_validate(entry) for name, entry in given.items()}})
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"]) or "an entry"
        raise FormatError(named, where, "prices per million tokens, see agents/models/prices.py") from error
    except FormatError:
        raise
    except InputError as error:
        raise StoreError(str(error), fix=f"change or unset {VARIABLE}") from error


def price_of(model: str, prices: Mapping[str, Price] = LIST) -> Price | None:
    """Return the price of a model named `provider:model`, None when it is unknown; a date at its end is ignored."""
    if model.partition(":")[0] in _FREE:
        return Price(input=0, output=0, input_wh=0, output_wh=0)
    return prices.get(model) or prices.get(_DATED.sub("", model))


def cost(tokens: Tokens, price: Price | None) -> float | None:
    """Return what an answer costs, US dollars; None when the price is unknown."""
    if price is None:
        return None
    if price.long is not None and price.long_from is not None and tokens.input >= price.long_from:
        price = price.long
    new = max(0, tokens.input - tokens.cache_read - tokens.cache_write)
    read = price.input if price.cache_read is None else price.cache_read
    written = price.input if price.cache_write is None else price.cache_write
    paid = new * price.input + tokens.cache_read * read + tokens.cache_write * written
    return (paid + tokens.output * price.output) / _MILLION


class EnergyRange(NamedTuple):
    """Watt-hours of which only the order is known: the likely figure, and what it lies between."""

    low: float
    likely: float
    high: float


WH_PER_MILLION = MappingProxyType({"input": 120.0, "cache_read": 12.0, "output": 600.0})
"""Likely watt-hours per million tokens of each class, for models whose energy nobody has stated.

Output by Epoch AI's estimate of 0.3 Wh for a GPT-4o query of some 500 tokens (February 2025), near the 0.24 Wh that
Google measured for its median prompt (August 2025). New input a fifth of it and cached input a tenth of that, as list
prices have it. Estimates differ by a factor of ten either way (3 Wh a query was the common figure of 2023).
"""
_EITHER_WAY = 10.0


def energy_range(tokens: Tokens) -> EnergyRange:
    """Estimate the watt-hours of answers of a model that nobody stated them for, by class of token."""
    new = max(0, tokens.input - tokens.cache_read)
    each = {"input": new, "cache_read": tokens.cache_read, "output": tokens.output}
    likely = sum(each[name] * watt_hours for name, watt_hours in WH_PER_MILLION.items()) / _MILLION
    return EnergyRange(likely / _EITHER_WAY, likely, likely * _EITHER_WAY)


def energy(tokens: Tokens, price: Price | None) -> float | None:
    """Return the watt-hours of an answer; None when they are unknown. What came from the cache counts as new input."""
    if price is None or price.input_wh is None or price.output_wh is None:
        return None
    return (tokens.input * price.input_wh + tokens.output * price.output_wh) / _MILLION
