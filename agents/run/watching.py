"""A fault that harms nobody yet: whether grown traffic would be harmed, and whether it is by now."""

from datetime import timedelta

from tools.box.run_state import Desk
from twin.diagnose import as_believed
from twin.live.network import LiveNetwork
from twin.sim.simulate import simulate

WATCH = timedelta(hours=1)
"""For how long such a fault is watched before a run says that nothing has to be done."""
_EACH = timedelta(minutes=5)  # between two looks


def harm_foreseen(desk: Desk) -> float:
    """Mbit/s that another routing could carry and that the most traffic which the policy foresees would lose."""
    grown = desk.state.with_demands(desk.state.demands * desk.policy.growth)
    return simulate(grown).harm(desk.policy.max_utilisation).routable


def harmed_later(desk: Desk, live: LiveNetwork, least: float) -> bool:
    """Wait until the next look, and say whether the diagnosed state harms more than `least` Mbit/s by then."""
    interval = desk.look().interval_s
    live.wait(max(1, round(_EACH.total_seconds() / interval)) if interval else 1)
    state = as_believed(desk.look(), desk.faults, desk.state).network
    return simulate(state).harm(desk.policy.max_utilisation).routable > least
