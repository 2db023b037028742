"""What a plan showed before it was taken back: the readings of the time when it was in place."""

from twin.corrections import recorded_states
from twin.diagnose import PlanTrial, set_anew
from twin.execute.agreement import Tolerance, recent
from twin.execute.executor import Execution
from twin.live.network import LiveNetwork, until
from twin.model import Network
from twin.observe import Observation, observe
from twin.plan import Plan


def trial_of(plan: Plan, execution: Execution, configured: Network, live: LiveNetwork) -> PlanTrial | None:
    """Return what was measured of the steps that telemetry contradicted; None where it contradicted none.

    `configured` is what the inventory said before the plan.
    """
    if not execution.contradicted:
        return None
    ended = next(x.live_time for x in execution.records if x.action == "disagree" and x.step == execution.contradicted)
    inventory = recorded_states(configured, plan.steps)[execution.contradicted]
    samples = Tolerance().at_first(passing=execution.contradicted != len(plan.steps)).samples
    telemetry = until(recent(live, samples, of=ended), ended)
    return PlanTrial(observe(inventory, telemetry, window=samples, now=ended), set_anew(configured, inventory))


def trial_in_place(observation: Observation, configured: Network) -> PlanTrial:
    """Return what is measured while a whole plan is in place; `configured` is what the inventory said before it."""
    return PlanTrial(observation, set_anew(configured, observation.inventory))
