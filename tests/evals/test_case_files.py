"""Suites that people write: what is wrong is named by file and field; what is right runs as the built-in ones do."""

import pytest

from evals.cases.case import read_case_file
from evals.run.record import RunSpec
from evals.run.run import begin, evaluate, units_of
from evals.suites import NAMES, names, suite_of
from twin.errors import FormatError, InputError

GOOD = """
like = "diagnose"
purpose = "cuts that I care about"

[[cases]]
network = "sndlib/abilene"
faults = [{ kind = "link_down", element = "link/CHINng:NYCMng--NYCMng:CHINng" }]

[[cases]]
network = "sndlib/abilene"
faults = []
"""


def written(tmp_path, text):
    path = tmp_path / "my-cuts.toml"
    path.write_text(text)
    return path


def test_a_written_suite_has_the_name_of_its_file_and_a_case_for_each_table(tmp_path):
    file, cases = read_case_file(written(tmp_path, GOOD))
    assert file.like == "diagnose"
    assert [(x.suite, x.seed, len(x.faults)) for x in cases] == [("my-cuts", 1, 1), ("my-cuts", 2, 0)]


def test_a_written_suite_runs_without_being_named_anywhere(tmp_path):
    spec = RunSpec(suites=(str(written(tmp_path, GOOD)),))
    ended = evaluate(begin(spec, tmp_path / "runs"), workers=1)
    assert [x.error for x in ended.results] == [None, None]
    assert [x.suite for x in ended.results] == ["my-cuts"] * 2
    assert ended.head.status == "complete"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('network = "sndlib/abilene"\nfaults = []', "faults = []", "case 2: network"),
        ("faults = []", 'faults = []\nseeed = 4\n"x" = 1', "case 2: seeed: expected a field that exists, perhaps seed"),
        ("faults = []", "faults = []\nseed = -1", "case 2: seed"),
        ("faults = []", 'faults = [{kind = "link_dwon", element = "x"}]', "case 2: faults.0.kind"),
        ("faults = []", "faults = []\nexpect = {max_utilisation = 0}", "case 2: expect.max_utilisation"),
        ('purpose = "cuts that I care about"', "", "purpose"),
        ("[[cases]]", "[[cases]", "expected TOML"),
    ],
)
def test_what_is_malformed_is_named_by_file_case_and_field(tmp_path, old, new, where):
    with pytest.raises(FormatError) as caught:
        read_case_file(written(tmp_path, GOOD.replace(old, new)))
    assert "my-cuts.toml" in str(caught.value)
    assert where in str(caught.value)


def test_a_suite_like_no_other_is_refused(tmp_path):
    with pytest.raises(InputError, match="no suite 'diagnos'"):
        suite_of(str(written(tmp_path, GOOD.replace('"diagnose"', '"diagnos"'))))


def test_an_unknown_suite_names_the_closest_one():
    with pytest.raises(InputError) as caught:
        suite_of("smok")
    assert "smoke" in caught.value.fix


def test_a_case_that_cannot_be_set_up_is_void_and_says_why(tmp_path):
    text = GOOD.replace("link/CHINng:NYCMng--NYCMng:CHINng", "link/A:B--B:A")
    ended = evaluate(begin(RunSpec(suites=(str(written(tmp_path, text)),)), tmp_path / "runs"), workers=1)
    first = ended.results[0]
    assert first.void
    assert "link/A:B--B:A" in first.error
    assert {row.cases for row in ended.rows if row.metric == "crashed"} == {1}


def test_a_written_plan_without_an_expectation_cannot_be_judged(tmp_path):
    text = """
like = "verify"
purpose = "a plan of mine"
[[cases]]
network = "sndlib/abilene"
plan = { goal = "x", base = "0123456789abcdef", steps = [{ op = "drain_node", node = "CHINng" }] }
"""
    ended = evaluate(begin(RunSpec(suites=(str(written(tmp_path, text)),)), tmp_path / "runs"), workers=1)
    assert ended.results[0].void
    assert "expect.approved" in ended.results[0].error


def test_every_suite_is_found_by_name():
    assert set(NAMES) <= set(names())
    assert all(suite_of(name).name == name for name in names())


def test_seeds_that_no_case_has_are_refused():
    with pytest.raises(InputError) as caught:
        units_of(RunSpec(suites=("verify",), seeds=(1, 5)))
    assert "40000" in caught.value.fix
