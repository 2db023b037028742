"""A plan as it unfolds: the outcome before the first step and after each one."""

from collections.abc import Sequence

from twin.model import Network
from twin.plan import Change, states

from .simulate import Failure, Outcome, simulate
from .sweep import SERIAL, Engine


def rollout(
    network: Network, steps: Sequence[Change], *, failures: Sequence[Failure] = (), engine: Engine = SERIAL
) -> tuple[Outcome, ...]:
    """Simulate every state that a plan goes through, each under the failures too: len(steps) + 1 outcomes.

    Raises `PlanError` that names the step which cannot be made.
    """
    return tuple(simulate(state, failures=failures, engine=engine) for state in states(network, steps))
