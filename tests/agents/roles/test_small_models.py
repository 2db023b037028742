"""What small models are shown: prompt, tools and window fit into what they take, and every answer has to be a call."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.models import Model
from agents.models.runbook import RunbookClient
from agents.record.events import ChatRequested, RunStarted
from agents.roles.context import CHARACTERS_A_TOKEN, SMALL
from agents.roles.contracts import CONTRACTS
from tests.agents.incidents import perform, request
from tools.catalogue import TOOLS

SCHEMAS = {x.name: len(json.dumps(x.schema)) + len(x.description) + len(x.name) for x in TOOLS}


class Watched(RunbookClient):
    """The runbook, and how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.choices: set[str] = set()
        self.longest = 0

    async def create(self, messages: Any, **kwargs: Any) -> Any:
        self.choices.add(str(kwargs.get("tool_choice")))
        self.longest = max(self.longest, sum(len(x.model_dump_json()) for x in messages if x.type != "SystemMessage"))
        return await super().create(messages, **kwargs)


@pytest.mark.parametrize("role", CONTRACTS)
def test_prompt_and_tools_of_a_role_are_below_2_000_tokens_and_name_each_other(role: str):
    full, small = CONTRACTS[role], CONTRACTS[role].for_small_model()
    tokens = (len(small.prompt) + sum(SCHEMAS[x] for x in small.tools)) / CHARACTERS_A_TOKEN
    assert tokens < 2_000
    assert small.tools < full.tools
    assert small.evidence | small.concludes_with <= small.tools
    assert not [x for x in full.tools - small.tools if f"`{x}`" in small.prompt]


def test_a_run_for_a_small_model_ends_alike_and_asks_for_calls_alone(tmp_path: Path):
    watched = Watched()
    run = perform(tmp_path, request(compact=True), model=Model("test", "small", watched))
    assert run.result.finished.outcome == "resolved"
    assert watched.choices == {"required"}
    assert watched.longest <= SMALL * CHARACTERS_A_TOKEN
    assert run.of(RunStarted)[0].compact
    assert all("sql" not in x.tools for x in run.of(ChatRequested))
