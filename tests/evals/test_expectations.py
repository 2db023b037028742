"""What a written case expects is checked, or refused when its file is read."""

from types import SimpleNamespace

import pytest

from agents.record.events import Figures
from evals.cases.case import Case, Expectation
from evals.run.record import RunSpec
from evals.run.run import begin, evaluate
from evals.suites import names, suite_of
from evals.suites.incident import PlayedIncident
from twin.errors import FormatError
from twin.faults import Fault

DOWN = "link_down at link/CHINng:NYCMng--NYCMng:CHINng"
ELEMENT = DOWN.removeprefix("link_down at ")
CAUSES = f"""
like = "diagnose"
purpose = "cuts that I care about"
[[cases]]
network = "sndlib/abilene"
faults = [{{ kind = "link_down", element = "{ELEMENT}" }}]
expect = {{ causes = ["{DOWN}"] }}
[[cases]]
network = "sndlib/abilene"
faults = [{{ kind = "link_down", element = "{ELEMENT}" }}]
expect = {{ causes = [] }}
[[cases]]
network = "sndlib/abilene"
faults = []
"""
SAMPLES = {
    "causes": "[]",
    "outcomes": '["resolved"]',
    "max_utilisation": "0.8",
    "approved": "true",
    "failed_check": '"nominal"',
    "answer": "3",
}
PLAN = '{ goal = "x", base = "0123456789abcdef", steps = [{ op = "drain_node", node = "CHINng" }] }'


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def one_case(like, field, more=""):
    return f"""
like = "{like}"
purpose = "mine"
[[cases]]
network = "sndlib/abilene"
{more}
expect = {{ {field} = {SAMPLES[field]} }}
"""


def test_there_is_a_sample_of_every_field():
    assert set(SAMPLES) == set(Expectation.model_fields)


@pytest.mark.parametrize("like", names())
@pytest.mark.parametrize("field", SAMPLES)
def test_an_expectation_is_one_that_the_suite_checks_or_is_refused(tmp_path, like, field):
    path = written(tmp_path, one_case(like, field, f"plan = {PLAN}"))
    checks = suite_of(like).checks
    if field in checks:
        assert suite_of(path).metrics[-1].name == "expectations met"
        return
    with pytest.raises(FormatError) as caught:
        suite_of(path)
    can = ", ".join(checks) or "nothing"
    assert str(caught.value) == f"{path}: case 1: expect.{field}: expected what {like} can check, which is {can}"


def test_a_ruling_is_expected_of_a_plan_that_is_given(tmp_path):
    with pytest.raises(FormatError, match=r"case 1: expect.approved: expected plan in the same case"):
        suite_of(written(tmp_path, one_case("verify", "approved")))


@pytest.mark.parametrize(
    ("expect", "field"),
    [
        ('causes = ["link_dwon at link/A:B--B:A"]', "expect.causes"),
        ('causes = ["link_down"]', "expect.causes"),
        ('outcomes = ["resovled"]', "expect.outcomes.0"),
        ("outcomes = []", "expect.outcomes"),
        ('approved = false\nfailed_check = "nominl"', "expect.failed_check"),
        ('approved = true\nfailed_check = "nominal"', "expect"),
    ],
)
def test_what_can_never_hold_is_malformed(tmp_path, expect, field):
    text = f'like = "incident"\npurpose = "x"\n[[cases]]\nnetwork = "sndlib/abilene"\n[cases.expect]\n{expect}\n'
    with pytest.raises(FormatError) as caught:
        suite_of(written(tmp_path, text))
    assert f"case 1: {field}: " in str(caught.value)


def test_causes_are_held_to_what_was_named_and_reported(tmp_path):
    spec = RunSpec(suites=(written(tmp_path, CAUSES),))
    ended = evaluate(begin(spec, tmp_path / "runs"), workers=1)
    assert [x.passed for x in ended.results] == [True, False, True]
    assert [x.values.get("expected") for x in ended.results] == [1.0, 0.0, None]
    assert ended.results[1].truth == f"{DOWN}; expected causes: ()"
    (row,) = [row for row in ended.rows if row.metric == "expectations met"]
    assert (row.value, row.cases) == (0.5, 2)


def played(outcome, cause=None, before=None, after=None):
    """What the checks of `incident` look at, of a run that ended so."""
    figures = Figures(max_utilisation_before=before, max_utilisation_after=after)
    return PlayedIncident((), SimpleNamespace(finished=SimpleNamespace(outcome=outcome, cause=cause, figures=figures)))


@pytest.mark.parametrize(
    ("field", "wanted", "ended", "holds"),
    [
        ("outcomes", ("resolved", "relieved"), played("relieved"), True),
        ("outcomes", ("resolved",), played("relieved"), False),
        ("causes", (DOWN,), played("resolved", Fault(kind="link_down", element=ELEMENT)), True),
        ("causes", (), played("resolved", Fault(kind="link_down", element=ELEMENT)), False),
        ("causes", (), played("healthy"), True),
        ("causes", (), played("failed"), False),
        ("causes", (DOWN,), played("healthy"), False),
        ("max_utilisation", 0.8, played("resolved", before=0.9, after=0.8), True),
        ("max_utilisation", 0.8, played("resolved", before=0.7, after=0.9), False),
        ("max_utilisation", 0.8, played("healthy", before=0.7), True),
        ("max_utilisation", 0.8, played("failed"), False),
    ],
)
def test_an_incident_is_held_to_its_end(field, wanted, ended, holds):
    assert suite_of("incident").checks[field].holds(wanted, None, ended) is holds


@pytest.mark.parametrize("field", suite_of("incident").checks)
def test_a_system_without_agents_is_not_judged_by_what_only_agents_say(field):
    assert suite_of("incident").checks[field].holds((), None, PlayedIncident(())) is None


def test_a_ruling_is_held_to_the_check_that_must_fail():
    suite = suite_of("verify")
    case = next(x for x in suite.take("dev", cases=1) if not x.kind.startswith("good"))
    trial = suite.stage(case, None)
    ruling = suite.systems["gate"](trial)
    first = next(x.name for x in ruling.verdict.checks if x.counterexample)
    other = next(name for name in ("useful", "nominal") if name != first)
    expecting = Case(suite="verify", kind=case.kind, network="x", seed=1, plan=trial.plan)
    right = expecting.model_copy(update={"expect": Expectation(approved=False, failed_check=first)})
    wrong = expecting.model_copy(update={"expect": Expectation(approved=False, failed_check=other)})
    assert suite.judge(right, trial, ruling).passed
    assert not suite.judge(wrong, trial, ruling).passed
    assert "expected" not in suite.judge(expecting, trial, ruling).values


def test_an_answer_that_is_written_is_the_truth():
    suite = suite_of("whatif")
    case = suite.take("dev", cases=1)[0]
    answer = suite.systems["twin"](suite.stage(case, None))
    for wanted, met in ((answer, True), (["nothing of the kind"], False)):
        expecting = case.model_copy(update={"expect": Expectation(answer=wanted)})
        assert suite.judge(expecting, suite.stage(expecting, None), answer).passed is met
