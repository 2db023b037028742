"""What a plan showed while it was in place, and what it is held against."""

from tools.box.run_state import Desk
from twin.corrections import recorded_states
from twin.diagnose import PlanTrial, set_anew
from twin.execute.agreement import Tolerance, recent
from twin.execute.executor import Execution
from twin.live.network import LiveNetwork, until
from twin.model import Network
from twin.observe import Observation, observe
from twin.plan import Plan
from twin.sim.simulate import simulate


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


def harm_untold(desk: Desk, seen: Observation | None) -> float:
    """Mbit/s that were measured as harmed when the cause was found, beyond what the twin said of that moment.

    The twin, asked what would be harmed by now without a plan, says as much too little again: how severe a fault is was
    estimated. Nothing is taken off where it said more: readings miss what nobody probes, before a plan as after it.
    """
    if seen is None:
        return 0.0
    told = simulate(desk.state.with_demands(desk.put_right(seen).network.demands)).harm(desk.policy.max_utilisation)
    return max(0.0, desk.harm_of(seen, desk.state).routable - told.routable)
