"""What a plan showed while it was in place, and what it is held against."""

from typing import NamedTuple

import numpy as np

from tools.box.run_state import RunState
from twin.corrections import recorded_states
from twin.diagnose import PlanTrial, set_anew
from twin.execute.agreement import Tolerance, recent
from twin.execute.executor import Execution
from twin.harm import Harm
from twin.live.network import LiveNetwork, until
from twin.model import Network
from twin.observe import Observation, observe
from twin.observe.expect.prediction import conditioned
from twin.plan import Plan, apply_all
from twin.sim.simulate import simulate

_OTHER = 3.0  # standard errors by which a wire must lose another share than was diagnosed


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


class Benefit(NamedTuple):
    """What a plan in place is good for, by what is measured and what the twin says of the same traffic.

    Harm `after` the plan as measured, `without` it and as `promised` of it as simulated, and `untold` in Mbit/s: what
    was measured before any plan beyond what the twin says.
    """

    after: Harm
    without: Harm
    promised: Harm
    untold: float

    def helps(self, min_gain: float, negligible: float, noise: float) -> bool:
        """Whether enough is gained, or nothing is left that matters.

        A plan that helps is not taken back for missing its gain by less than what is measured strays, nor where what it
        does to the traffic of now is nearer to what the twin says than to nothing.
        """
        left, after = self.without.routable + self.untold, self.after.routable
        asked = (1 - min_gain) * left
        kept = max(asked + noise, (left + self.promised.routable + self.untold) / 2)
        return after <= max(asked, negligible) or (after < left and after <= kept)


def benefit(run_state: RunState, observation: Observation, plan: Plan, diagnosed: Observation | None) -> Benefit:
    """Compare what is measured with a plan in place with the twin; `diagnosed` is what was seen before any plan."""
    planned, limit = apply_all(run_state.state, plan.steps), run_state.policy.max_utilisation
    demands = run_state.put_right(observation).network.demands
    lossy = (as_lossy_as_now(x.with_demands(demands), observation) for x in (run_state.state, planned))
    without, promised = (simulate(x).harm(limit) for x in lossy)
    return Benefit(run_state.harm_of(observation, planned), without, promised, _harm_untold(run_state, diagnosed))


def as_lossy_as_now(state: Network, observation: Observation) -> Network:
    """Return the state with lossy wires that lose the share measured by now, where that surely is another one."""
    measured, error = observation.wire_loss, observation.wire_error
    shares = [
        float(np.clip(now, 0.0, 1.0)) if link.loss and abs(now - link.loss) > _OTHER * off else link.loss
        for link, now, off in zip(state.links, measured, error, strict=True)
    ]
    return conditioned(state, np.array(shares))


def _harm_untold(run_state: RunState, seen: Observation | None) -> float:
    """Mbit/s that were measured as harmed when the cause was found, beyond what the twin said of that moment.

    The twin, asked what would be harmed by now without a plan, says as much too little again: how severe a fault is was
    estimated. Nothing is taken off where it said more: readings miss what nobody probes, before a plan as after it.
    """
    if seen is None:
        return 0.0
    told = simulate(run_state.state.with_demands(run_state.put_right(seen).network.demands)).harm(
        run_state.policy.max_utilisation
    )
    return max(0.0, run_state.harm_of(seen, run_state.state).routable - told.routable)
