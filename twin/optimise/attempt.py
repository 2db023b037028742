"""One planner asked on its own: whatever goes wrong with it is its own reason to have no plan."""

from collections.abc import Callable

from twin.errors import TwinError
from twin.model import Network
from twin.policy import Policy
from twin.sim.simulate import simulate

from .proposal import Proposal, Value


def attempt(method: str, planner: Callable[[], Proposal], network: Network, policy: Policy) -> Proposal:
    """Return what the planner proposes for `network`, or a proposal without a plan that says how it failed.

    Nothing a planner raises ends the others: limits of size and time, no memory left, a solver that gives up. Raises
    what `simulate` does, when the network cannot even be simulated.
    """
    try:
        return planner()
    except TwinError as error:
        reason = f"could not plan: {error}" + (f"; {error.fix}" if error.fix else "")
    except MemoryError:
        reason = "could not plan: not enough memory for a network of this size"
    except Exception as error:  # a planner that breaks down must not take the others with it
        reason = f"broke down: {type(error).__name__}: {error}"
    outcome = simulate(network)
    before = Value(outcome.harm(policy.max_utilisation).routable, outcome.max_utilisation)
    return Proposal(method, None, before, before, reason=reason)
