"""Faults of the gate: what lets a harmful plan pass."""

from .mutant import Mutant

_USE = ("tests/twin/test_verdict_policy_and_use.py",)
_CHECKS = ("tests/twin/test_verdict_checks.py",)
_DEMANDS = ("tests/twin/test_verdict_uncertain.py",)
_POLICY = ("tests/twin/test_policy_file.py",)
_SIGNED = ("tests/twin/test_certificate_signing.py",)

_RULED = (
    Mutant(
        "a verdict without a check has passed",
        "twin/verdict.py",
        "return bool(self.checks) and all(",
        "return all(",
        _SIGNED,
    ),
    Mutant(
        "checks run on what is not grounded",
        "twin/verdict.py",
        "if grounding.check.passed else",
        "if True else",
        _CHECKS,
    ),
    Mutant(
        "a plan that failed is of low risk",
        "twin/verdict.py",
        "if moved is None or not verdict.passed:",
        "if moved is None:",
        _POLICY,
    ),
    Mutant(
        "many steps are of low risk",
        "twin/verdict.py",
        " and len(plan.steps) <= policy.low_risk_steps",
        "",
        _POLICY,
    ),
    Mutant(
        "half of what may move is no high risk",
        "twin/verdict.py",
        "moved > policy.max_blast_radius / 2",
        "moved > policy.max_blast_radius",
        _POLICY,
    ),
    Mutant(
        "one step too many is allowed",
        "twin/checks/limits.py",
        "if len(steps) > rules.max_steps:",
        "if len(steps) > rules.max_steps + 1:",
        _USE,
    ),
    Mutant(
        "only what a step names is protected, not what it touches",
        "twin/checks/limits.py",
        "touched(state, step) & set(rules.protected)",
        "{subject(step)} & set(rules.protected)",
        _USE,
    ),
    Mutant(
        "a protected element that is not there protects nothing and nobody is told",
        "twin/checks/limits.py",
        "if not any(exists(state, element) for state in rehearsal.states):",
        "if not rehearsal.states:",
        _USE,
    ),
    Mutant(
        "capacities are set",
        "twin/checks/limits.py",
        "if isinstance(step, SetCapacity):",
        "if isinstance(step, SetCapacity) and rules.protected:",
        _USE,
    ),
    Mutant("rate limits need nobody's leave", "twin/checks/limits.py", " and not rules.allow_rate_limits", "", _USE),
    Mutant(
        "any amount of traffic moves",
        "twin/checks/limits.py",
        "if share > limit + 1e-9:",
        "if share > limit + 1:",
        _USE,
    ),
    Mutant(
        "old measurements are fresh",
        "twin/checks/fresh.py",
        "measured > limit if at_most",
        "measured < 0 if at_most",
        _DEMANDS,
    ),
    Mutant(
        "evidence is never required",
        "twin/checks/fresh.py",
        "if limits.require_evidence:",
        "if False:",
        _DEMANDS,
    ),
    Mutant(
        "a plan of another snapshot is grounded",
        "twin/checks/grounded.py",
        "if plan.base != network.id:",
        "if not plan.base:",
        _CHECKS,
    ),
    Mutant(
        "a step that changes nothing is a step",
        "twin/checks/grounded.py",
        "if states[-1].id == states[-2].id:",
        "if False:",
        _CHECKS,
    ),
    Mutant(
        "the tail of the demands that may come is cut at its edge",
        "twin/checks/rules.py",
        "return float((worst[:whole].sum() + edge) / tail)",
        "return float(worst[:whole].sum() / tail)",
        _DEMANDS,
    ),
    Mutant(
        "a plan that gains nothing is useful",
        "twin/checks/useful.py",
        "if gain >= limits.min_gain and gain > 0:",
        "if gain > 0:",
        _USE,
    ),
)

GATE: tuple[Mutant, ...] = _RULED
