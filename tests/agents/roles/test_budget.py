"""What a run may spend: limits in every currency, checked before each call, and an honest end when one is reached."""

import asyncio
from pathlib import Path

import pytest
from autogen_core.models import CreateResult, RequestUsage
from hypothesis import given
from hypothesis import strategies as st

from agents.models import STAND_IN, Model
from agents.models.conversation import Conversation
from agents.models.prices import Price
from agents.models.runbook import RunbookClient
from agents.record.events import ChatAnswered, Noted, RunStarted, StageFinished, ToolReturned
from agents.record.spending import Limits, RunBudget
from agents.roles.budget import Meter, Spent, price_for, read_budget
from agents.run.run import run_incident
from tests.agents.characters import Actor, Character, calls, model, says
from tests.agents.incidents import perform, request
from twin.errors import BudgetError, InputError

DEAR = Price(input=1e6, output=2e6, input_wh=1000, output_wh=2000)  # a dollar a token, and 2 for output


def answer(role: str = "planning", given: int = 100, gave: int = 10, **more: object) -> ChatAnswered:
    fields = {"role": role, "model": "m", "call": 1, "text": "", "tool_calls": (), "finish": "stop", "seconds": 1.0}
    return ChatAnswered.model_validate({**fields, "input_tokens": given, "output_tokens": gave, **more})


def budget(role: str | None = None, **limits: float) -> RunBudget:
    one = Limits.model_validate(limits)
    return RunBudget(roles={role: one}) if role else RunBudget(run=one)


class Wordy(RunbookClient):
    """The runbook, but it says what a model of its length would have used."""

    async def create(self, messages, **arguments):
        result = await super().create(messages, **arguments)
        return result.model_copy(update={"usage": RequestUsage(prompt_tokens=1000, completion_tokens=50)})


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"model_calls": 5}, "the run has spent its 5 model calls"),
        ({"tokens": 3000}, "the run has spent its 3000 tokens"),
        ({"seconds": 0}, "the run has spent its 0 seconds"),
    ],
)
def test_a_run_that_reaches_a_limit_ends_with_what_it_had(tmp_path: Path, limits, words: str):
    run = perform(tmp_path, request(budget=budget(**limits)), model=Model("test", "wordy", Wordy()))
    finished = run.result.finished
    assert finished.outcome == "out of budget"
    assert words in finished.because or (limits == {"seconds": 0} and "took longer than" in finished.because)
    assert "So far: " in finished.because
    assert finished.model_calls <= limits.get("model_calls", 3)
    assert run.result.error is not None
    assert run.result.error.exit_code == 4
    assert run.of(RunStarted)[0].budget == budget(**limits)
    assert len(run.of(ToolReturned)) == finished.tool_calls


def test_a_role_has_limits_of_its_own(tmp_path: Path):
    run = perform(tmp_path, request(budget=budget("planning", model_calls=1)))
    assert run.result.finished.outcome == "out of budget"
    assert "planning has spent its 1 model calls" in run.result.finished.because
    assert [x.stage for x in run.of(StageFinished)] == ["observe", "diagnose"]
    assert "cause: wrong IGP weight" in run.result.finished.because


def test_a_generous_budget_changes_nothing(tmp_path: Path):
    generous = budget(model_calls=100, tokens=10**6, seconds=600, money=1, watt_hours=1)
    assert perform(tmp_path, request(budget=generous)).result.finished.outcome == "resolved"


def test_money_and_energy_are_counted_where_the_price_is_known():
    meter = Meter(budget(money=150), DEAR)
    meter.add(answer(given=100, gave=10))
    assert meter.total.money == pytest.approx(120)
    assert meter.total.watt_hours == pytest.approx(0.12)
    meter.check("planning")
    meter.add(answer(given=30, gave=0))
    with pytest.raises(BudgetError, match="the run has spent its 150 US dollars: 150"):
        meter.check("planning")


def test_what_stands_in_for_a_model_costs_nothing():
    meter = Meter(budget(), DEAR)
    meter.add(answer(model="runbook"))
    assert meter.total == Spent(1, 110, 0.0, 0.0, 0.0)


def test_an_unknown_price_stays_unknown():
    meter = Meter()
    meter.add(answer())
    assert (meter.total.money, meter.total.watt_hours) == (None, None)


def test_a_limit_that_could_not_hold_is_refused_before_anything_begins(tmp_path: Path):
    asked = request(model="local:some-model", budget=budget(money=2))
    with pytest.raises(InputError, match="nobody knows what local:some-model costs"):
        asyncio.run(run_incident(asked, runs=tmp_path / "runs", home=tmp_path, model=Model("t", "t", RunbookClient())))
    assert not (tmp_path / "runs").exists()
    with pytest.raises(InputError, match="nobody knows what energy anthropic:claude-opus-5-5 takes"):
        price_for(budget("planning", watt_hours=1), "anthropic:claude-opus-5-5")
    assert price_for(budget(tokens=2), "local:some-model") is None


def test_the_time_before_an_interruption_counts():
    now = [100.0]
    meter = Meter(budget(seconds=60), worked_s=50, clock=lambda: now[0])
    meter.check("planning")
    assert meter.seconds_left("planning") == 10
    now[0] += 10
    with pytest.raises(BudgetError, match="60 seconds"):
        meter.check("planning")
    assert meter.seconds_left("planning") == 0


def test_the_time_of_a_role_is_that_of_its_turns():
    meter = Meter(budget("planning", seconds=5))
    meter.took("planning", 3)
    meter.took("diagnosis", 30)
    assert meter.seconds_left("planning") == pytest.approx(2)
    assert meter.seconds_left("diagnosis") is None
    meter.took("planning", 3)
    with pytest.raises(BudgetError, match="planning has spent its 5 seconds"):
        meter.check("planning")


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 5000))
def test_a_limit_is_passed_by_one_call_at_most(sizes: list[int], limit: int):
    meter, made = Meter(budget(tokens=limit)), 0
    for size in sizes:
        try:
            meter.check("planning")
        except BudgetError:
            break
        meter.add(answer(given=size, gave=0))
        made += 1
    assert sum(sizes[: made - 1 if made else 0]) < limit or made == 0
    assert made == len(sizes) or sum(sizes[:made]) >= limit


def test_a_role_that_goes_in_circles_is_stopped_and_its_repeats_are_answered_from_the_record(tmp_path: Path):
    def circling(_talk: Conversation, tools: list[str]):
        return calls("network_status") if "report_incident" in tools else None

    run = perform(tmp_path, model=model(circling))
    returned = [x for x in run.of(ToolReturned) if x.tool == "network_status"]
    assert [x.repeated for x in returned] == [False, True, True, True]
    assert ["made before" in x.content for x in returned] == [False, True, True, True]
    assert len({x.content for x in returned}) == 2
    assert run.result.finished.repeated_calls == 3
    assert run.result.finished.outcome == "out of budget"
    assert "monitoring goes round in circles: 3 of its answers made calls again" in run.result.finished.because


def circles(_talk: Conversation, tools: list[str]) -> CreateResult | None:
    return calls("verify_plan") if "decide" in tools else None


def talks(_talk: Conversation, tools: list[str]) -> CreateResult | None:
    return says("All is well.") if "decide" in tools else None


def wanders(_talk: Conversation, tools: list[str]) -> CreateResult | None:
    return calls("explain", subject=f"word{len(_talk.exchanges)}") if "decide" in tools else None


@pytest.mark.parametrize(
    ("character", "said"),
    [
        (circles, "verification goes round in circles: 3 of its answers made calls again"),
        (talks, "verification did not conclude"),
        (wanders, "verification used up its 14 model calls"),
    ],
)
def test_a_model_that_gets_nowhere_is_followed_by_the_runbook(tmp_path: Path, character: Character, said: str):
    lost = Model("test", "lost", Actor(character), fallback=RunbookClient())
    run = perform(tmp_path, model=lost)
    assert run.result.finished.outcome == "resolved"
    assert f"{said}. For the rest of the run, the runbook goes on." in [x.text for x in run.of(Noted)]
    answers = [x.model for x in run.of(ChatAnswered)]
    assert answers == sorted(answers, key=lambda x: x == STAND_IN)
    assert answers[-1] == STAND_IN


def test_budgets_are_read_from_a_file_and_from_a_line(tmp_path: Path):
    path = tmp_path / "budget.toml"
    path.write_text("[run]\nmoney = 2.5\n[roles.planning]\nmodel_calls = 6\n")
    assert read_budget(str(path)) == RunBudget(run=Limits(money=2.5), roles={"planning": Limits(model_calls=6)})
    assert read_budget("money=2.5, seconds = 60") == budget(money=2.5, seconds=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("money", "no budget file 'money'"),
        ("money=two", r"run\.money"),
        ("gold=2", r"run\.gold"),
        ("money=-1", r"run\.money"),
        ("money=nan", r"run\.money"),
        ("seconds=inf", r"run\.seconds"),
        ("[roles.cook]\nmoney = 1\n", r"roles\.cook"),
        ("[run\n", "expected TOML"),
    ],
)
def test_what_is_no_budget_is_named(tmp_path: Path, text: str, words: str):
    if "[" in text:
        (tmp_path / "b.toml").write_text(text)
        text = str(tmp_path / "b.toml")
    with pytest.raises(InputError, match=words):
        read_budget(text)
