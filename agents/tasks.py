"""The task that each stage gives its role: the typed hand-over as JSON, and one sentence around it."""

import json
from collections.abc import Sequence

from tools.desk import Desk
from twin.model import Frozen


def observe(desk: Desk) -> str:
    """Ask monitoring for the state of the network."""
    return f"Look at the network {desk.inventory.name} and report what is not as it should be, or that nothing is."


def diagnose(desk: Desk) -> str:
    """Hand the incident to diagnosis."""
    return f"Monitoring hands you this incident. Find its cause.\n{_json(desk.incident)}"


def plan(desk: Desk) -> str:
    """Hand the diagnosis to planning, with what became of earlier plans."""
    task = f"Diagnosis hands you this. Find the plan that removes the harm.\n{_json(desk.diagnosis)}"
    rejections = [
        {
            "plan": decision.plan,
            "reasons": decision.reasons,
            "failed": [check.model_dump() for check in decision.verdict.checks if not check.passed]
            if decision.verdict
            else [],
        }
        for decision in desk.rejected
    ]
    if not rejections:
        return task
    return f"{task}\nThese plans were rejected; answer their counterexamples.\n{json.dumps(rejections)}"


def verify(desk: Desk) -> str:
    """Hand the submitted plan to verification."""
    return f"Planning submits this plan, round {desk.round}. Decide on it.\n{_json(desk.submission)}"


def remind(tools: Sequence[str]) -> str:
    """Ask a role that stopped too early to conclude."""
    return f"You have not concluded. Call {' or '.join(tools)} now."


def _json(value: Frozen | None) -> str:
    return value.model_dump_json(exclude_none=True) if value is not None else "{}"
