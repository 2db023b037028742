"""The limits of a goal as policy: they may tighten what holds, and never loosen it."""

from twin.policy import Policy

from .types import Goal


def tighten(policy: Policy, goal: Goal) -> Policy:
    """The policy under which both hold, its own limits and the goal's: nothing is ever allowed that it forbids."""
    kept = policy.model_dump()
    tighter: dict[str, object] = {
        name: min(kept[name], value) for name, value in goal.limits.model_dump(exclude_none=True).items()
    }
    failing = tighter.get("max_failure_utilisation", policy.max_failure_utilisation)
    plain = tighter.get("max_utilisation", policy.max_utilisation)
    if isinstance(plain, float) and isinstance(failing, float) and failing < plain:
        tighter["max_utilisation"] = failing
    if goal.protected:
        tighter["protected"] = tuple(dict.fromkeys((*policy.protected, *goal.protected)))
    return Policy.model_validate({**kept, **tighter})
