"""The words of the roles agree with their contracts."""

import re
from pathlib import Path

import pytest

import prompts
from agents.roles.contracts import CONTRACTS

ROLES = sorted(CONTRACTS)
FOLDER = Path(prompts.__file__).parent


@pytest.mark.parametrize("role", ROLES)
def test_every_tool_that_a_prompt_names_is_one_the_role_may_call(role: str):
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", prompts.prompt(role)))
    assert named
    assert named <= CONTRACTS[role].tools


@pytest.mark.parametrize("role", ROLES)
def test_every_prompt_names_the_evidence_and_the_conclusion_of_its_contract(role: str):
    words = prompts.prompt(role)
    contract = CONTRACTS[role]
    assert all(f"`{tool}`" in words or f"`{tool}" in words for tool in contract.evidence | contract.concludes_with)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_a_prompt_fits_on_one_page(path: Path):
    assert len(prompts.split(path.read_text())[1].splitlines()) <= 40


def test_the_version_follows_the_words():
    versions = {role: CONTRACTS[role].version for role in ROLES}
    assert len(set(versions.values())) == len(ROLES)
    assert all(re.fullmatch(r"[0-9a-f]{12}", version) for version in versions.values())


def test_a_role_without_words_is_an_error():
    with pytest.raises(KeyError):
        prompts.prompt("executor")
