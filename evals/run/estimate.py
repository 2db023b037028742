"""What an evaluation will cost, before it begins: a few cases are played by the runbook, and their size is measured."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from agents.show.fitted import Fitted
from evals.cases.tokens import Spending
from evals.suites import suite_of
from twin.errors import InputError
from twin.model import Frozen

from .record import RunSpec
from .run import Unit, perform, units_of

SAMPLES = 2
"""Cases of each suite that are played to estimate the others."""


_TOKENS = ("input_tokens", "output_tokens")


class SuiteEstimate(Frozen):
    """What one suite will need of the model that plays the agents."""

    suite: str
    cases: int
    model_calls: float
    input_tokens: float
    output_tokens: float


class CostEstimate(Frozen):
    """What a run will need. Money is None where the price of the model is not known."""

    model: str
    suites: tuple[SuiteEstimate, ...]
    played: int = Field(description="Cases that were played to estimate the others.")
    usd: float | None = None

    @property
    def tokens(self) -> float:
        """Input and output tokens of all cases."""
        return sum(x.input_tokens + x.output_tokens for x in self.suites)


def estimate(spec: RunSpec, *, budget: int | None = None) -> CostEstimate:
    """Estimate calls and tokens of a run, and money where the model has a price.

    A real model may take other turns than the runbook. Raises `InputError` when a budget in tokens is below what one
    case needs.
    """
    units, played = units_of(spec), 0
    found: list[SuiteEstimate] = []
    for name in spec.suites:
        suite = suite_of(name)
        own = [unit for unit in units if unit.suite == name]
        if suite.agents:
            chosen = own[:: max(1, len(own) // SAMPLES)][:SAMPLES]
            played += len(chosen)
            found.append(_of(suite.name, suite.product, own, chosen))
            _require(budget, found[-1])
        else:
            found.append(
                SuiteEstimate(suite=suite.name, cases=len(own), model_calls=0, input_tokens=0, output_tokens=0)
            )
    done = CostEstimate(model=spec.model, suites=tuple(found), played=played)
    return done.model_copy(update={"usd": _price(spec.model, done)})


def require_budget(spec: RunSpec, budget: int) -> None:
    """Refuse a budget, in tokens, that not one case of the suites could keep. Raises `InputError`."""
    if any(suite_of(name).agents for name in spec.suites):
        estimate(spec, budget=budget)


def estimate_table(found: CostEstimate) -> Fitted:
    """A line for each suite and the sum."""
    from agents.show.tables import text_table

    rows = [_line(x.suite, x.cases, (x.model_calls, x.input_tokens, x.output_tokens)) for x in found.suites]
    sums = [sum(getattr(x, name) for x in found.suites) for name in ("model_calls", "input_tokens", "output_tokens")]
    rows.append(_line("all", sum(x.cases for x in found.suites), (sums[0], sums[1], sums[2])))
    money = "no price is known" if found.usd is None else f"{found.usd:,.2f} USD"
    rows.append((f"on {found.model}", "", "", "", money))
    return text_table(("suite", "cases>", "model calls>", "input tokens>", "output tokens>"), rows)


def _line(name: str, cases: int, figures: tuple[float, float, float]) -> tuple[str, ...]:
    return name, str(cases), *(f"{x:,.0f}" for x in figures)


def _of(suite: str, system: str, units: Sequence[Unit], chosen: Sequence[Unit]) -> SuiteEstimate:
    with tempfile.TemporaryDirectory() as folder:
        played = [perform(_free(unit, system), Path(folder), Path(folder) / "home")[0] for unit in chosen]
    share = len(units) / len(played)
    calls = sum(x.values.get("model_calls", 0.0) for x in played)
    tokens_in, tokens_out = (
        sum(x.spent.get(f"estimated_{name}_tokens", 0.0) for x in played) for name in ("input", "output")
    )
    return SuiteEstimate(
        suite=suite, cases=len(units), model_calls=calls * share, input_tokens=tokens_in * share,
        output_tokens=tokens_out * share,
    )  # fmt: skip


def _free(unit: Unit, system: str) -> Unit:
    return unit._replace(case=unit.case.model_copy(update={"model": "runbook"}), systems=(system,), repeat=1)


def _require(budget: int | None, found: SuiteEstimate) -> None:
    one = (found.input_tokens + found.output_tokens) / max(found.cases, 1)
    if budget is not None and budget < one:
        raise InputError(
            f"a budget of {budget} tokens is below the {one:,.0f} that one case of {found.suite} needs",
            fix="raise --budget",
        )


def _price(model: str, found: CostEstimate) -> float | None:
    """Priced call by call at the mean size, since prices may depend on the length of a prompt."""
    calls = sum(x.model_calls for x in found.suites)
    if not calls:
        return 0.0
    mean = Spending(1, *(sum(getattr(x, name) for x in found.suites) / calls for name in _TOKENS))
    usd = mean.usd(model)
    return None if usd is None else usd * calls
