"""Figures for budgets: from the list or a file, and unknown otherwise."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models.prices import LIST, Price, Tokens, cost, energy, price_of, read_prices
from twin.errors import FormatError, StoreError

OPUS = LIST["anthropic:claude-opus-5-5"]


def test_a_price_counts_what_came_from_the_cache_at_its_own_rate():
    tokens = Tokens(input=1_000_000, output=100_000, cache_read=800_000, cache_write=100_000)
    assert cost(tokens, OPUS) == pytest.approx(0.1 * 4 + 0.8 * 0.2 + 0.1 * 5 + 0.1 * 20)


def test_a_long_prompt_has_a_price_of_its_own():
    haiku = LIST["anthropic:claude-haiku-5-5"]
    assert cost(Tokens(input=100_000, output=0), haiku) == pytest.approx(0.01)
    assert cost(Tokens(input=200_000, output=0), haiku) == pytest.approx(0.1)


def test_without_a_price_for_the_cache_its_tokens_cost_what_new_ones_do():
    price = Price(input=2, output=1)
    assert cost(Tokens(input=10, output=0, cache_read=5, cache_write=5), price) == pytest.approx(20e-6)


@pytest.mark.parametrize("model", ["openai:qwen3:8b", "anthropic:claude-next", "local:smollm2", "nonsense"])
def test_what_nobody_has_priced_is_unknown(model: str):
    tokens = Tokens(input=1, output=1)
    assert price_of(model) is None
    assert cost(tokens, price_of(model)) is None
    assert energy(tokens, price_of(model)) is None


def test_a_dated_name_has_the_price_of_its_model():
    assert price_of("anthropic:claude-haiku-4-5-20251001") == LIST["anthropic:claude-haiku-4-5"]


@pytest.mark.parametrize("model", ["runbook", "adversary:liar@3", "replay:some-run"])
def test_what_asks_no_provider_costs_nothing(model: str):
    tokens = Tokens(input=1_000, output=1_000)
    assert (cost(tokens, price_of(model)), energy(tokens, price_of(model))) == (0, 0)


def test_no_energy_is_listed_because_no_provider_states_any():
    assert [name for name, price in LIST.items() if price.input_wh is not None or price.output_wh is not None] == []


def test_a_file_adds_and_replaces(tmp_path: Path):
    path = tmp_path / "prices.toml"
    path.write_text(
        '["openai:qwen3:8b"]\ninput = 0\noutput = 0\ninput_wh = 50\noutput_wh = 400\n'
        '["anthropic:claude-opus-5-5"]\ninput = 3\noutput = 15\n'
    )
    prices = read_prices({"TWINOPS_PRICES": str(path)})
    tokens = Tokens(input=1_000_000, output=500_000)
    assert energy(tokens, price_of("openai:qwen3:8b", prices)) == pytest.approx(250)
    assert cost(tokens, price_of("anthropic:claude-opus-5-5", prices)) == pytest.approx(10.5)
    assert price_of("anthropic:claude-sonnet-5", prices) == LIST["anthropic:claude-sonnet-5"]


@pytest.mark.parametrize("text", ["[x", '["a:b"]\ninput = -1\noutput = 1\n', '["a:b"]\ninput = 1\n', "a = 1\n"])
def test_a_file_that_is_wrong_is_said_to_be(tmp_path: Path, text: str):
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"prices\.toml"):
        read_prices({"TWINOPS_PRICES": str(path)})


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path):
    with pytest.raises(StoreError, match="cannot read"):
        read_prices({"TWINOPS_PRICES": str(tmp_path / "none.toml")})


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_cost_is_never_negative(given_: int, made: int, read: int, written: int):
    for price in LIST.values():
        found = cost(Tokens(input=given_, output=made, cache_read=read, cache_write=written), price)
        assert found is not None
        assert found >= 0
