"""The contracts agree with the tools there are, and give nobody a way to act."""

from agents.roles.contracts import CONTRACTS, RIGHTS
from tools.catalogue import TOOLS

NAMES = {tool.name for tool in TOOLS}


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
