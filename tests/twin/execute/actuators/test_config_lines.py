"""Configuration as routers print it, as sets of settings: at whatever level braces are drawn."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.execute.actuators.config_lines import by_braces, by_indentation

WORDS = st.sampled_from(["router", "isis", "interface ge-0/0/0.0", "level 2", "metric 10", "overload", "area 0.0.0.0"])
PATHS = st.lists(st.lists(WORDS, min_size=2, max_size=4).map(tuple), min_size=1, max_size=5, unique=True)


def drawn(paths, signs, splits):
    """Each setting in a block of its own, with braces for the words up to where it is split."""
    lines = []
    for path, sign, at in zip(paths, signs, splits, strict=True):
        at = min(at, len(path) - 1)
        lines += [f"{'  ' * depth}{word} {{" for depth, word in enumerate(path[:at])]
        lines += [f"{sign}{'  ' * at}{' '.join(path[at:])};", *("  " * x + "}" for x in reversed(range(at)))]
    return lines


@settings(max_examples=60)
@given(PATHS, st.data())
def test_settings_are_the_same_at_whatever_level_braces_are_drawn(paths, data):
    signs = [data.draw(st.sampled_from("+- ")) for _ in paths]
    splits = [data.draw(st.integers(0, 3)) for _ in paths]
    found = by_braces(drawn(paths, signs, splits))
    assert found.added == {" ".join(x) for x, sign in zip(paths, signs, strict=True) if sign == "+"}
    assert found.removed == {" ".join(x) for x, sign in zip(paths, signs, strict=True) if sign == "-"}


def test_a_comparison_of_junos_says_where_it_is():
    lines = ["[edit protocols isis interface ge-0/0/0.0 level 2]", "-     metric 10;", "+     metric 20;"]
    lines += ["[edit protocols isis]", "+    interface ge-0/0/1.0 {", "+        level 2 metric 7;", "+    }"]
    assert by_braces(lines) == (
        {
            "protocols isis interface ge-0/0/0.0 level 2 metric 20",
            "protocols isis interface ge-0/0/1.0 level 2 metric 7",
        },
        {"protocols isis interface ge-0/0/0.0 level 2 metric 10"},
    )


@pytest.mark.parametrize("lines", [["a {", "+ b;"], ["}"], ["a {", "[edit b]", "}"]])
def test_braces_that_do_not_fit_are_no_comparison(lines):
    with pytest.raises(ValueError, match="a block that is"):
        by_braces(lines)


@settings(max_examples=60)
@given(st.lists(st.text(max_size=30), max_size=8))
def test_whatever_a_router_prints_is_read_or_refused(lines):
    with suppress(ValueError):
        by_braces(lines)
    by_indentation(lines)


def test_indented_lines_are_settings_under_those_above_them():
    text = "router isis CORE\n set-overload-bit\n interface A\n  address-family ipv4 unicast\n   metric 9 level 2\n"
    text += "  !\n !\n interface B\n  passive\n !\n!\nend\n"
    assert by_indentation(text.splitlines()) == {
        "router isis CORE set-overload-bit",
        "router isis CORE interface A address-family ipv4 unicast metric 9 level 2",
        "router isis CORE interface B passive",
    }
    assert by_indentation(["!", "end"]) == frozenset()
