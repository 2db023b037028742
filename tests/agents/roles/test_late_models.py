"""A model that is late for its turn: the runbook goes on while there is time for it, and the record says so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.models import STAND_IN, Model
from agents.models.runbook import RunbookClient
from agents.record.events import ChatAnswered, Noted
from agents.roles import chat
from tests.agents.incidents import perform, request


class Slow(RunbookClient):
    """A model that knows the procedures, and takes its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def create(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(self._seconds)
        return await super().create(*args, **kwargs)


@pytest.mark.parametrize(
    ("seconds", "patience", "own", "said"),
    [(3600.0, 1.0, 0, "it gave no answer in the"), (5.0, 8.0, 1, "s are left for it and it took")],
    ids=["never answers", "would be late next time"],
)
def test_a_model_that_is_late_is_followed_by_the_runbook_in_the_same_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, patience: float, own: int, said: str
):
    monkeypatch.setattr(chat, "FOR_MODEL", patience / 300)
    slow = Model("test", "slow", Slow(seconds), fallback=RunbookClient())
    run = perform(tmp_path, request(fault=None, healthy=True), model=slow)
    assert run.result.finished.outcome == "healthy"
    answers = [x.model for x in run.of(ChatAnswered)]
    assert answers == ["slow"] * own + [STAND_IN] * (len(answers) - own)
    assert len(answers) > own
    (note,) = (x.text for x in run.of(Noted))
    assert note.startswith("slow is too slow for monitoring: ")
    assert said in note
    assert note.endswith("For the rest of the run, the runbook goes on.")
