import re
from pathlib import Path

import pytest

from twin.demand_limits import DemandLimits
from twin.errors import PolicyError
from twin.gate.checks.finding import Check
from twin.gate.verdict import Verdict, risk_tier
from twin.plan import Plan, SetWeight
from twin.policy import ClassLimits, Policy
from twin.policy_file import load_policy

DOCS = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def test_an_empty_file_is_the_default_policy(tmp_path):
    assert load_policy(written(tmp_path, "")) == Policy()


def test_every_key_can_be_set(tmp_path):
    text = """
    max_utilisation = 0.7
    max_failure_utilisation = 0.95
    protected = ["node/Berlin", "link/A:B--B:A"]
    person_from = "medium"
    """
    policy = load_policy(written(tmp_path, text))
    assert policy.protected == ("node/Berlin", "link/A:B--B:A")
    assert (policy.max_utilisation, policy.max_failure_utilisation, policy.person_from) == (0.7, 0.95, "medium")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_utilization = 0.7", "max_utilization: no such key"),
        ("max_utilisation = 80", "max_utilisation: Input should be less than or equal to 1, got 80"),
        ("max_steps = 0", "max_steps"),
        ("max_steps = 2.5", "max_steps"),
        ("protected = 'node/A'", "protected"),
        ("protected = ['A']", "protected: 'A' is not an element id"),
        ("max_utilisation = 0.9\nmax_failure_utilisation = 0.8", "max_failure_utilisation: 0.8 is below"),
        ("max_utilisation = inf", "max_utilisation"),
        ("max_utilisation = ", "expected TOML"),
        ("person_from = 'always'", "person_from"),
    ],
)
def test_a_wrong_policy_names_file_and_key(tmp_path, text, said):
    path = written(tmp_path, text)
    with pytest.raises(PolicyError, match=re.escape(f"{path}: ")) as error:
        load_policy(path)
    assert said in str(error.value)
    assert error.value.fix


def test_a_misspelt_key_gets_a_suggestion(tmp_path):
    with pytest.raises(PolicyError) as error:
        load_policy(written(tmp_path, "max_utilization = 0.7"))
    assert "max_utilisation" in error.value.fix


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(PolicyError, match="cannot read"):
        load_policy(tmp_path / name)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="expected UTF-8"):
        load_policy(path)


def test_another_limit_is_another_policy():
    assert Policy().hash == Policy().hash
    assert Policy(max_steps=3).hash != Policy().hash


def test_the_documentation_names_every_key_with_its_default():
    text = DOCS.read_text()
    for name in Policy.model_fields:
        assert f"`{name}`" in text
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example


def test_the_documented_example_is_the_default_policy(tmp_path):
    example = re.search(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert load_policy(written(tmp_path, example[1])) == Policy()


@pytest.mark.parametrize(
    ("moved", "steps", "passed", "tier"),
    [
        (0.01, 2, True, "low"),
        (0.01, 5, True, "medium"),
        (0.10, 2, True, "medium"),
        (0.30, 2, True, "high"),
        (0.01, 9, True, "high"),
        (0.01, 2, False, "high"),
    ],
)
def test_the_risk_tier_grows_with_the_traffic_moved_and_the_steps(moved, steps, passed, tier):
    plan = Plan(goal="g", base="0" * 16, steps=tuple(SetWeight(link="A->B", weight=i + 1) for i in range(steps)))
    checks = (
        Check(name="policy", passed=True, measured=moved, detail="d"),
        Check(name="useful", passed=passed, detail="d"),
    )
    verdict = Verdict(plan=plan.hash, snapshot=plan.base, policy=Policy().hash, checks=checks)
    assert risk_tier(plan, verdict, Policy()) == tier


DIRECTIONS = {
    "max_utilisation": (0.7, 0.9),
    "max_failure_utilisation": (0.95, 1.1),
    "max_maintenance_loss": (0.1, 0.3),
    "max_steps": (3, 20),
    "max_loop_share": (0.1, None),
    "max_weight": (63, None),
    "max_blast_radius": (0.1, 0.9),
    "max_delay_stretch": (1.2, 3.0),
    "max_repair_utilisation": (1.0, None),
    "max_demand_stretch": (1.5, None),
    "max_demand_delay_ms": (20.0, None),
    "max_failure_delay_ms": (30.0, 60.0),
    "max_failure_stretch": (3.0, None),
    "demands": ({"A->B": DemandLimits(max_delay_ms=5.0)}, {"A->B": DemandLimits(max_delay_ms=6.0)}),
    "min_gain": (0.5, 0.01),
    "windows": (("Tue 01:00-02:00",), ("Tue 01:00-02:00", "Wed 01:00-02:00")),
    "freeze": (("2026-12-20/2026-12-24",), ()),
    "tags": ({}, {"core": ("node/A",)}),
    "blackouts": (("node/A 01:00-02:00",), ()),
    "power_model": ("8201-32FH", "backbone"),
    "min_watts_saved": (50.0, 0.0),
    "classes": ({"voice": ClassLimits(max_loss=0.0)}, {"voice": ClassLimits(max_loss=0.1)}),
    "protected": (("node/A", "node/B"), ("node/A",)),
    "allow_rate_limits": (False, True),
    "max_age_s": (60, 7_200),
    "min_quality": (0.95, 0.5),
    "min_fidelity": (0.93, 0.5),
    "horizon_hours": (48, 12),
    "day": ((), (0.5,) * 24),
    "require_evidence": (True, False),
    "refuse_unmodelled": (True, False),
    "refuse_estimated": (True, False),
    "demand_factors": ((1.0, 1.5), (1.0, 1.1)),
    "cvar_alpha": (0.95, 0.1),
    "max_uncertain_utilisation": (0.8, 2.0),
    "low_risk_blast_radius": (0.01, 0.1),
    "low_risk_steps": (1, 10),
    "person_from": ("low", "never"),
    "two_people_from": ("medium", "high"),
    "approval_hours": (1, 48),
    "autonomy": ("suggest", "act"),
    "fidelity_for_act": (0.99, 0.9),
    "fidelity_for_approve": (0.95, 0.5),
}


def test_of_every_key_it_is_known_which_value_is_the_looser_one():
    assert set(DIRECTIONS) == set(Policy.model_fields) - {"upgrade_costs", "currency"}  # which allow nothing
    for key, (strict, loose) in DIRECTIONS.items():
        strict_one, loose_one = Policy.model_validate({key: strict}), Policy.model_validate({key: loose})
        assert loose_one.looser_than(strict_one) == (key,), key
        assert strict_one.looser_than(strict_one) == ()
        if key not in (
            "day",
            "demand_factors",
            "power_model",
            "tags",
        ):  # of two sets, or models, neither is the stricter one
            assert strict_one.looser_than(loose_one) == (), key
    assert Policy().looser_than(Policy(demand_factors=())) == ()
    assert Policy(demand_factors=()).looser_than(Policy()) == ("demand_factors",)
