"""One question, every planner: what relieves this network? The best answer first."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from twin.errors import InputError
from twin.model import Network
from twin.policy import Policy
from twin.verdict import Counterexample

from . import drain, restore, segments, tunnels, weight_search, weights
from .assemble import without_plan
from .judge import Judge
from .proposal import Proposal

Planner = Callable[..., Proposal]

METHODS: Mapping[str, Planner] = MappingProxyType(
    {
        restore.METHOD: restore.relieve_by_restoring,
        drain.METHOD: drain.relieve_by_drain,
        weights.METHOD: weights.relieve_by_weights,
        tunnels.METHOD: tunnels.relieve_by_tunnels,
        segments.METHOD: segments.relieve_by_segments,
        weight_search.METHOD: weight_search.relieve_by_weight_search,
    }
)
"""Every planner of relief by the name that its plans carry."""

TACTICAL = (restore.METHOD, drain.METHOD, weights.METHOD, tunnels.METHOD)
"""The planners that look for few changes, which is what an incident needs; the others plan the whole matrix anew."""


def relieve(
    network: Network,
    policy: Policy,
    *,
    methods: Sequence[str] = TACTICAL,
    reference: Network | None = None,
    avoid: Sequence[Counterexample] = (),
    seed: int = 0,
) -> tuple[Proposal, ...]:
    """Ask each planner to relieve `network`, and return their proposals, best first.

    `reference` is the network as it should be, for weights to be set back. `avoid` holds what was wrong with rejected
    plans; no proposal breaks a limit there again. Raises `InputError` on an unknown method.
    """
    proposals: list[Proposal] = []
    for method in methods:
        if method not in METHODS:
            raise InputError(f"no planner {method!r}", fix=f"planners: {', '.join(METHODS)}")
        planner = METHODS[method]
        if planner is restore.relieve_by_restoring:
            planner = partial(planner, reference=reference)
        proposals.append(_answering(partial(planner, network, policy, seed=seed), network, policy, avoid))
    return tuple(sorted(proposals, key=rank))


def rank(proposal: Proposal) -> tuple[object, ...]:
    """Sort key of proposals for relief, best first.

    Least harm first; then fewest steps if there was harm, else the lowest peak; then the planner named first.

    Setting things back comes before anything new: it is right even where the diagnosis has the severity wrong.
    """
    peak, steps = round(proposal.after.max_utilisation, 3), proposal.steps
    order = list(METHODS).index(proposal.method)
    tail = (steps, order) if proposal.before.harm > 0 else (peak, steps, order)
    return proposal.plan is None, round(proposal.after.harm, 3), *tail


def _answering(planner: Planner, network: Network, policy: Policy, avoid: Sequence[Counterexample]) -> Proposal:
    """Ask again, more strictly, when the answer to counterexamples would be the plan that met them."""
    proposal = planner(avoid=avoid)
    if not avoid or proposal.plan is None or proposal.plan.steps != _steps(planner(avoid=())):
        return proposal
    closed = [x.model_copy(update={"limit": 0.0, "failure": failure}) for x in avoid for failure in {x.failure, None}]
    stricter = planner(avoid=closed)
    if stricter.plan is None or stricter.plan.steps != proposal.plan.steps:
        return stricter
    reason = "knows no other plan than one that was rejected"
    return without_plan(Judge(network, policy, avoid), proposal.method, reason)


def _steps(proposal: Proposal) -> object:
    return proposal.plan.steps if proposal.plan else None
