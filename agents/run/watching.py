"""A fault that harms nobody yet: whether grown traffic would be harmed, whether it is by now, what else there is."""

from datetime import timedelta

from tools.box.run_state import RunState
from tools.telemetry import stated
from twin.diagnose import Hypothesis, as_believed
from twin.faults import TRAITS
from twin.live.network import LiveNetwork
from twin.model import Floats
from twin.observe import Observation
from twin.sim.simulate import simulate

WATCH = timedelta(hours=1)
"""For how long such a fault is watched before a run says that nothing has to be done."""
_EACH = timedelta(minutes=5)  # between two looks


def harm_foreseen(run_state: RunState) -> float:
    """Mbit/s that another routing could carry and that the most traffic which the policy foresees would lose."""
    grown = run_state.state.with_demands(run_state.state.demands * run_state.policy.growth)
    return simulate(grown).harm(run_state.policy.max_utilisation).routable


def seen_later(run_state: RunState, live: LiveNetwork, least: float, known: set[str]) -> str:
    """Wait until the next look, and say why the network is to be diagnosed anew by then; empty where it is not.

    It is where the diagnosed state harms more than `least` Mbit/s, or where devices say of themselves what they said at
    no look before: elements that `known` takes up.
    """
    known |= {x.element for x in stated(run_state)}
    until_next_look(run_state, live)
    state = as_believed(run_state.look(), run_state.faults, run_state.state).network
    if simulate(state).harm(run_state.policy.max_utilisation).routable > least:
        return "no traffic was harmed when it was found, and is now"
    return next((f"{x.detail} by now" for x in stated(run_state) if x.element not in known), "")


def until_next_look(run_state: RunState, live: LiveNetwork, least: int = 1) -> None:
    """Wait until the next look, at least so many samples."""
    interval = run_state.look().interval_s
    live.wait(max(least, round(_EACH.total_seconds() / interval)) if interval else least)


def outlasting(found: Hypothesis, then: Observation, now: Observation) -> tuple[Hypothesis, ...]:
    """Return what was found of traffic that had grown, where it has not fallen back: a later look finds it usual."""
    grown = tuple(x for x in found.faults if TRAITS[x.kind].layer == "traffic" and _stands(x.element, then, now))
    return (found.model_copy(update={"faults": grown}),) if grown else ()


def _stands(node: str, then: Observation, now: Observation) -> bool:
    """Whether the traffic to a node is by ratios nearer to what it had grown to than to what was usual before."""
    here = then.network.node(node)
    grown = then.growth.total(here)
    (before, others), (by_now, others_now) = (_towards(x.network.demands, here) for x in (then, now))
    return grown > 1 and by_now * others > before * others_now / grown**0.5


def _towards(demands: Floats, node: int) -> tuple[float, float]:
    """Mbit/s that go to a node, and to all others, of demands [n, n]."""
    here = float(demands[:, node].sum())
    return here, float(demands.sum()) - here
