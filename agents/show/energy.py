"""Watt-hours that a run's plan saves in the network, against those that its models took."""

from datetime import datetime, timedelta

from pydantic import Field

from agents.record.events import CertificateIssued
from agents.wording import written
from twin.model import Frozen
from twin.plan import Plan

from .report.story import Story

_DAY = timedelta(hours=24)


class EnergyBalance(Frozen):
    """Watt-hours saved against watt-hours spent."""

    saved_wh: float = Field(description="By the plan that was signed, over its time; 0 where it puts nothing to sleep.")
    hours: float = Field(description="How long it stays; a day where it has no end.")
    spent_wh: float = Field(description="By the models: the likely figure, exact where low and high are the same.")
    low_wh: float
    high_wh: float

    @property
    def words(self) -> str:
        """The balance in one line."""
        spent = f"{_amount(self.spent_wh)} taken by the models"
        if self.high_wh > self.low_wh:
            spent += f" (an estimate, {_amount(self.low_wh)} to {_amount(self.high_wh)})"
        if not self.saved_wh:
            return spent
        balance = f"{_amount(self.saved_wh)} saved in {self.hours:.3g} h against {spent}"
        return f"{balance}: less than they took" if self.saved_wh < self.spent_wh else balance


def energy_balance(story: Story) -> EnergyBalance | None:
    """Set what a run's plan saves against what its models took; None where there is neither."""
    done, watts, hours = story.finished, 0.0, _DAY / timedelta(hours=1)
    round_ = story.applied
    if round_ is not None and round_.submission is not None and round_.verdict is not None and story.certificate:
        watts = next((x.measured or 0.0 for x in round_.verdict.checks if x.name == "useful" and x.unit == "W"), 0.0)
        hours = _time_of(round_.submission.plan, story.certificate) / timedelta(hours=1)
    low, likely, high = done.watt_hours_between if done else (0.0, 0.0, 0.0)
    if watts == 0 and high == 0:
        return None
    return EnergyBalance(saved_wh=watts * hours, hours=hours, spent_wh=likely, low_wh=low, high_wh=high)


def _time_of(plan: Plan, issued: CertificateIssued) -> timedelta:
    content = issued.certificate
    begins = content.get("not_before") if isinstance(content, dict) else None
    if plan.until is None or not isinstance(begins, str):
        return _DAY
    return max(timedelta(0), plan.until - datetime.fromisoformat(begins))


def _amount(watt_hours: float) -> str:
    return f"{written(watt_hours / 1000)} kWh" if watt_hours >= 1000 else f"{written(watt_hours)} Wh"
