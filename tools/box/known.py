"""All that the gate is told of a plan of a run: one way for whoever plans, verifies or tries one."""

from twin.gate.checks.context import Context

from .run_state import Desk


def known_to(desk: Desk) -> Context:
    """Return what is known beyond the believed state and the policy."""
    seen = desk.observation
    return Context(
        evidence=desk.evidence if seen is not None else None,
        outlook=desk.outlook,
        starts=desk.starts,
        works=desk.works,
        step_lasts=desk.step_lasts,
        declared=desk.inventory,
        unmodelled=desk.unmodelled,
        estimated=seen.declared.estimated if seen is not None else "",
    )
