"""The suite in which words decide: what passes, what must not, and that the words alone make the difference."""

from pathlib import Path

import pytest

from evals.cases.case import Case
from evals.cases.suite import Workplace
from evals.suites.judgement import SUITE, score

SEED = 7_000


def told(family: str, tmp: Path):
    case = Case(suite="judgement", kind=family, network="sndlib/polska", seed=SEED)
    return SUITE.stage(case, Workplace(tmp / family, tmp / "home"))


def wrong(told_, system: str) -> set[str]:
    played = SUITE.systems[system](told_)
    measures = score(told_, played)
    assert not measures.values["unsafe"]
    return {x for x in ("kept_off", "advised", "asked", "mended") if not measures.values[x]}


@pytest.mark.parametrize("family", ["over", "freeze"])
def test_doing_nothing_is_no_right_ending_even_where_no_word_asks_for_anything(family: str, tmp_path: Path):
    scene = told(family, tmp_path)
    assert scene.gain > 0
    assert wrong(scene, "idle") == {"mended"}
    assert wrong(scene, "scripted reader") == set()


def test_who_suffers_is_told_and_who_does_not_is_not(tmp_path: Path):
    scene = told("emergency", tmp_path)
    assert wrong(scene, "reader, no importance") == {"advised"}
    assert wrong(scene, "reader, alone") == set()


def test_systems_that_only_every_other_case_asks_leave_the_others_out():
    asked = [SUITE.asked(i, baselines=True) for i in range(9)]
    assert all("scripted reader" in x for x in asked)
    assert [("reader, alone" in x, "idle" in x) for x in asked] == [(i % 3 == 0, i == 0) for i in range(9)]
    assert SUITE.asked(0, baselines=False) == ("agents",)
