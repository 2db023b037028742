"""The contracts agree with the tools there are, and give nobody a way to act."""

import json

import pytest

from agents.roles.contracts import CONTRACTS, FOR_EYES, RIGHTS, alone, read_role
from tests.tools.conftest import run_state
from tools.catalogue import TOOLS
from twin.errors import InputError

__all__ = ["run_state"]

NAMES = {tool.name for tool in TOOLS}
SCHEMAS = {tool.name: len(json.dumps(tool.schema)) + len(tool.description) + len(tool.name) for tool in TOOLS}


def test_every_tool_of_a_contract_exists_and_every_tool_is_in_one():
    assert set().union(*RIGHTS.values()) == NAMES - {"advise"}  # which advisers conclude with


def test_evidence_and_conclusion_are_tools_of_the_same_contract():
    for contract in CONTRACTS.values():
        assert contract.evidence | contract.concludes_with <= contract.tools


def test_no_two_roles_can_conclude_for_each_other():
    for contract in CONTRACTS.values():
        others = [rights for role, rights in RIGHTS.items() if role != contract.role]
        assert not contract.concludes_with & set().union(*others)


def test_no_tool_changes_the_network_or_signs():
    assert not [
        name for name in NAMES if any(word in name for word in ("apply", "execute", "sign", "rollback", "inject"))
    ]


def test_every_tool_says_what_it_does_and_describes_every_argument_that_is_not_plain():
    for tool in TOOLS:
        assert tool.description.endswith(".")
        assert len(tool.description) < 300
        assert set(tool.schema["properties"]) <= set(tool.arguments.model_fields)


def test_what_a_request_carries_of_tools_is_at_most_a_thousand_tokens_and_the_prompt_names_the_others():
    for contract in CONTRACTS.values():
        at_hand = contract.at_hand(())
        assert contract.evidence | contract.concludes_with <= at_hand
        assert sum(SCHEMAS[x] for x in at_hand - FOR_EYES) < 4 * 1_000
        assert contract.tools & FOR_EYES <= at_hand  # who says that a model sees has it offered the picture at once
        named = contract.prompt.rpartition("On request")[2]
        assert {x for x in contract.tools if f"`{x}`" in named} == contract.tools - at_hand | {"explain"}
        assert contract.at_hand(contract.on_request) == contract.tools


def test_one_agent_with_all_tools_is_sent_what_some_role_is_and_asks_for_the_rest():
    every = alone()
    assert every.at_hand(()) == set().union(*(x.at_hand(()) for x in CONTRACTS.values()))
    assert every.tools == set().union(*RIGHTS.values())


def test_a_role_can_ask_for_each_tool_on_request_and_is_told_of_a_name_that_is_none(run_state):
    explain = next(x for x in TOOLS if x.name == "explain")
    for name in sorted(set().union(*(x.on_request for x in CONTRACTS.values()))):
        (entry,) = explain.function(run_state, subject=name).entries
        assert entry.name == name
        assert entry.means
    with pytest.raises(InputError, match="nothing is called 'squeal'"):
        explain.function(run_state, subject="squeal")


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ('["sing"]', "no tool sing"),
        ('["verify_plan"]', "on request are tools of its own"),
        ('["what_if", "advise"]', "on request are tools of its own"),
        ('["explain"]', "on request are tools of its own"),
    ],
)
def test_a_role_whose_tools_on_request_are_wrong_is_refused(named: str, problem: str):
    with pytest.raises(InputError, match=problem):
        read_role(ROLE.format(named))


ROLE = """+++
name = "thrift"
place = "after plan"
description = "Looks what it costs."
tools = ["what_if", "sql", "explain", "advise"]
on_request = {}
concludes_with = ["advise"]
+++
Look.
"""
