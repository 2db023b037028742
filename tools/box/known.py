"""All that the gate is told of a plan of a run: one way for whoever plans, verifies or tries one."""

from twin.gate.checks.context import Context

from .run_state import RunState


def known_to(run_state: RunState) -> Context:
    """Return what is known beyond the believed state and the policy."""
    seen = run_state.observation
    return Context(
        evidence=run_state.evidence if seen is not None else None,
        outlook=run_state.outlook,
        starts=run_state.starts,
        works=run_state.works,
        step_lasts=run_state.step_lasts,
        declared=run_state.inventory,
        unmodelled=run_state.unmodelled,
        estimated=seen.declared.estimated if seen is not None else "",
    )
