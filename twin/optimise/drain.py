"""Maintenance: empty a node or circuit for work on it, in an order that no traffic notices."""

from collections.abc import Sequence
from functools import partial

from twin.errors import UnknownElementError
from twin.gate.checks.touch import touched
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, RemoveTunnel, apply_all
from twin.policy import Policy

from .assemble import assemble, without_plan
from .attempt import attempt
from .judge import Judge
from .proposal import Proposal
from .tunnels import relieve_by_tunnels
from .weights import relieve_by_weights

METHOD = "drain"


def plan_drain(  # noqa: PLR0913 - what is drained and how, under which rules, on what terms
    network: Network,
    policy: Policy,
    element: str,
    *,
    cost_out: bool = False,
    avoid: Sequence[Counterexample] = (),
    seed: int = 0,
    time_limit_s: float | None = None,
) -> Proposal:
    """Plan to drain a node (by name or id) or a circuit (by id), after moving away what would overload other links.

    Tunnels or weights make room first where the drain alone would break a limit. Without a safe way the proposal says
    what breaks. By `cost_out` it keeps the largest metric and is the last resort. A time limit applies to each of the
    two. Raises `UnknownElementError`.
    """
    step = _drain_of(network, element, cost_out=cost_out)
    judge = Judge(network, policy, avoid)
    if _is_drained(network, step):
        return without_plan(judge, METHOD, f"{element} is drained already")
    if judge.protects(*touched(network, step)):
        return without_plan(judge, METHOD, f"the policy protects {element}")
    needed: tuple[Change, ...] = (*_labels_through(network, step), *_own_exits(network, step), step)
    alone = assemble(judge, METHOD, needed, objective="drain", required=needed)
    if alone.plan or policy.max_steps <= len(needed):
        return alone
    drained = apply_all(network, needed)
    rest = policy.model_copy(update={"max_steps": policy.max_steps - len(needed), "min_gain": 0.0})
    for planner in (relieve_by_tunnels, relieve_by_weights):
        asked = partial(planner, drained, rest, seed=seed, time_limit_s=time_limit_s)
        room = attempt(METHOD, asked, drained, rest)
        judge.evaluations += room.evaluations
        if room.plan:
            steps: tuple[Change, ...] = (*room.plan.steps, *needed)
            proposal = assemble(judge, METHOD, steps, objective="drain", required=needed)
            if proposal.plan:
                return proposal
    return without_plan(judge, METHOD, alone.reason)


def _drain_of(network: Network, element: str, *, cost_out: bool) -> DrainNode | DrainLink:
    if element in network.circuits:
        return DrainLink(circuit=element, mode="cost_out" if cost_out else "remove")
    if element.startswith("link/"):
        raise UnknownElementError("circuit", element, network.circuits)
    name = network.nodes[network.node(element)].name
    return DrainNode(node=name, mode="cost_out" if cost_out else "overload")


def _labels_through(network: Network, step: DrainNode | DrainLink) -> tuple[RemoveTunnel, ...]:
    """Tunnels whose lists are labels through the node that is to be drained: they would not leave it by themselves."""
    if isinstance(step, DrainLink):
        return ()
    through = [x for x in network.tunnels if x.path == "explicit" and any(step.node in y.via for y in x.paths)]
    return tuple(RemoveTunnel(name=x.name) for x in through)


def _own_exits(network: Network, step: DrainNode | DrainLink) -> tuple[DrainLink, ...]:
    """The exits of a node that is to be drained: what leaves by them would go on passing it (see RFC 8326)."""
    if isinstance(step, DrainLink):
        return ()
    links = (network.links[i] for i in network.exits)
    own = (x for x in links if x.tail == step.node and x.usable)
    return tuple(DrainLink(circuit=x.circuit) for x in own)


def _is_drained(network: Network, step: DrainNode | DrainLink) -> bool:
    if isinstance(step, DrainNode):
        return network.nodes[network.node(step.node)].drained
    return any(network.links[i].drained for i in network.circuits[step.circuit])
