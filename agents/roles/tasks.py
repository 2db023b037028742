"""The task that each stage gives its role: the typed hand-over as JSON, and one sentence around it."""

import json
from collections.abc import Sequence

from pydantic import JsonValue

from tools.box.goal import Aim
from tools.box.provenance import labelled
from tools.box.run_state import Desk
from twin.model import Frozen
from twin.untrusted import NAME, WRITTEN_BY, Quoted, quote, swept


def observe(desk: Desk) -> str:
    """Ask monitoring for the state of the network."""
    name = quote(desk.inventory.name, "file", NAME)
    return f"Look at the network and report what is not as it should be, or that nothing is. Its name:\n{_json(name)}"


def diagnose(desk: Desk) -> str:
    """Hand the incident to diagnosis."""
    return f"Monitoring hands you this incident. Find its cause.\n{_json(desk.incident)}"


def plan(desk: Desk) -> str:
    """Hand the diagnosis to planning, with what became of earlier plans."""
    task = f"Diagnosis hands you this. Find the plan that removes the harm.\n{_json(desk.diagnosis)}"
    if desk.aim is not None:
        task = f"This was asked for, and read by code. Find the plan that serves it.\n{_asked(desk.aim)}"
    rejections: list[JsonValue] = [
        {
            "plan": decision.plan,
            "reasons": decision.reasons,
            "failed": [check.model_dump(mode="json") for check in decision.verdict.checks if not check.passed]
            if decision.verdict
            else [],
        }
        for decision in desk.rejected
    ]
    if not rejections:
        return task
    told = json.dumps(
        {"untrusted": {"reasons": WRITTEN_BY["model"]}, "rejected": swept(rejections)}, ensure_ascii=False
    )
    return f"{task}\nThese plans were rejected; answer their counterexamples.\n{told}"


def verify(desk: Desk) -> str:
    """Hand the submitted plan to verification."""
    task = f"Planning submits this plan, round {desk.round}. Decide on it.\n{_json(desk.submission)}"
    return (
        task
        if desk.aim is None
        else f"{task}\nThis was asked for; reject a plan for anything else.\n{_asked(desk.aim)}"
    )


def remind(tools: Sequence[str]) -> str:
    """Ask a role that stopped too early to conclude."""
    return f"You have not concluded. Call {' or '.join(tools)} now."


def _asked(aim: Aim) -> str:
    """The goal as it was read, beside the words that it was read from."""
    return f"{quote(aim.words, 'person').text}\nIn the words of whoever asked:\n{_json(quote(aim.said, 'person'))}"


def _json(value: Frozen | Quoted | None) -> str:
    return labelled(value) if value is not None else "{}"
