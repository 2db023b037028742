"""A model that is late for its turn: the runbook goes on while there is time for it, and the record says so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.models import STAND_IN, Model
from agents.models.runbook import RunbookClient
from agents.record.events import ChatAnswered, Noted
from agents.roles import chat
from tests.agents.incidents import perform


class Slow(RunbookClient):
    """A model that knows the procedures, and takes its time where a tool is on offer."""

    def __init__(self, seconds: float, tool: str) -> None:
        super().__init__()
        self._seconds, self._tool = seconds, tool

    async def create(self, *args: Any, **kwargs: Any) -> Any:
        if self._tool in {x["name"] for x in kwargs["tools"]}:
            await asyncio.sleep(self._seconds)
        return await super().create(*args, **kwargs)


@pytest.mark.parametrize(
    ("seconds", "tool", "patience", "own", "said"),
    [
        (3600.0, "report_incident", 1.0, 0, "it gave no answer in the"),
        (5.0, "submit_plan", 8.0, 3, "s are left for it and it took"),
    ],
    ids=["never answers", "would be late next time"],
)
def test_a_model_that_is_late_is_followed_by_the_runbook_in_the_same_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, tool: str, patience: float, own: int, said: str
):
    monkeypatch.setattr(chat, "FOR_MODEL", patience / 300)
    slow = Model("test", "slow", Slow(seconds, tool), fallback=RunbookClient())
    run = perform(tmp_path, model=slow)
    assert run.result.finished.outcome == "resolved"
    answers = [x.model for x in run.of(ChatAnswered)]
    assert answers == ["slow"] * own + [STAND_IN] * (len(answers) - own)
    assert len(answers) > own
    (note,) = (x.text for x in run.of(Noted))
    assert note.startswith("slow is too slow for ")
    assert said in note
    assert note.endswith("For the rest of the run, the runbook goes on.")
