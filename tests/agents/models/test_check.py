"""The doctor says what each provider needs, and never what a secret is."""

from pathlib import Path

import pytest

from agents.commands.doctor import examine
from agents.models.check import needs

KEY = "sk-ant-something-secret-123"


def found(name: str, **env: str) -> tuple[str, str, str]:
    (need,) = [need for need in needs(env) if need.name == f"model {name}"]
    return need.state, need.detail, need.fix


def test_without_anything_the_runbook_works_and_the_others_say_how():
    assert found("runbook")[0] == "ok"
    for provider, variable in (("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_BASE_URL")):
        state, _, fix = found(provider)
        assert state == "missing"
        assert f"export {variable}" in fix
    assert "runbook goes on" in found("limits")[1]


def test_a_key_is_said_to_be_there_and_not_shown(tmp_path: Path):
    env = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://me:hidden@host.example/v1"}
    findings = examine(tmp_path, env)
    states = {finding.name: finding.state for finding in findings}
    assert (states["model anthropic"], states["model openai"]) == ("ok", "ok")
    told = " ".join(f"{finding.detail} {finding.fix}" for finding in findings)
    assert "host.example" in told
    assert not [secret for secret in (KEY, "hidden", "me:") if secret in told]


def test_a_server_of_ones_own_needs_no_key():
    assert found("openai", OPENAI_BASE_URL="http://localhost:11434/v1") == ("ok", "without a key, at localhost", "")


@pytest.mark.parametrize(
    ("provider", "env", "words"),
    [
        ("anthropic", {"ANTHROPIC_API_KEY": f" {KEY}\n"}, "blanks or signs"),
        ("anthropic", {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "api.example"}, "no http or https address"),
        ("anthropic", {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://[bad"}, "no http or https address"),
        ("openai", {"OPENAI_BASE_URL": "localhost:11434"}, "no http or https address"),
        ("limits", {"TWINOPS_MODEL_ATTEMPTS": "many"}, "TWINOPS_MODEL_ATTEMPTS"),
        ("prices", {"TWINOPS_PRICES": "/nowhere/prices.toml"}, "cannot read"),
    ],
)
def test_what_would_make_every_call_fail_is_broken_and_says_what_to_do(provider: str, env: dict[str, str], words: str):
    state, detail, fix = found(provider, **env)
    assert state == "broken"
    assert words in detail
    assert fix
    assert KEY not in detail + fix


def test_a_key_that_would_be_sent_in_the_open_is_pointed_out():
    _, detail, fix = found("anthropic", ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="http://api.example")
    assert "goes to api.example unencrypted" in detail
    assert "https" in fix


def test_a_fallback_that_is_off_is_said_to_be():
    assert "fallback is off" in found("limits", TWINOPS_MODEL_FALLBACK="off")[1]
