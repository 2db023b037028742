"""Good plans spoilt on paper: what they name, touch, ask for or were made for is wrong."""

from dataclasses import replace

from evals.oracle.carried import carried
from evals.oracle.walker import expected_share
from evals.score.plans import Blame
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    UndrainLink,
    UndrainNode,
    WakeLink,
    apply,
    subject,
)

from .good import POLICY, Trial, any_link, insert, relief_to_spoil, spoilt


def unknown_element(seed: int, start: int = 0) -> Trial | None:
    """A step names a link, circuit, node or tunnel that does not exist."""
    rng, case = relief_to_spoil(seed, start)
    link = any_link(case.network, rng)
    wrong: list[tuple[Change, str]] = [
        (SetWeight(link=f"{link.tail}->R99", weight=5), f"{link.tail}->R99"),
        (DrainLink(circuit=f"link/{link.tail}:R99--R99:{link.tail}"), f"link/{link.tail}:R99--R99:{link.tail}"),
        (DrainNode(node="r0"), "r0"),
        (RemoveTunnel(name="T77"), "tunnel/T77"),
        (SetWeight(link=f"{link.tail}->{link.head}.2", weight=5), f"{link.tail}->{link.head}.2"),
    ]
    step, element = wrong[int(rng.integers(len(wrong)))]
    steps, number = insert(rng, case.plan.steps, step)
    return spoilt("unknown element", case, steps, Blame("grounded", frozenset((element,)), step=number))


def stale_twin(seed: int, start: int = 0) -> Trial | None:
    """The plan was made for another snapshot."""
    rng, case = relief_to_spoil(seed, start)
    moved = replace(case.network, demands=case.network.demands * float(rng.uniform(1.001, 1.2)))
    blame = Blame("grounded", frozenset((f"snapshot/{case.network.id}",)))
    return Trial("stale twin", case.plan, moved, POLICY, blame)


def impossible_step(seed: int, start: int = 0) -> Trial | None:
    """A step undoes what was never done, or does what is already done."""
    rng, case = relief_to_spoil(seed, start)
    link, node = any_link(case.network, rng), case.network.nodes[0]
    options: list[tuple[Change, str]] = [
        (UndrainLink(circuit=link.circuit), link.circuit),
        (WakeLink(circuit=link.circuit), link.circuit),
        (UndrainNode(node=node.name), node.id),
    ]
    step, element = options[int(rng.integers(len(options)))]
    steps, number = insert(rng, case.plan.steps, step)
    return spoilt("impossible step", case, steps, Blame("grounded", frozenset((element,)), step=number))


def protected_element(seed: int, start: int = 0) -> Trial | None:
    """A good plan, but the policy protects what one of its steps touches."""
    rng, case = relief_to_spoil(seed, start)
    number = int(rng.integers(len(case.plan.steps)))
    step = case.plan.steps[number]
    if isinstance(step, SetWeight):
        link = case.network.links[case.network.link(step.link)]
        element = str(rng.choice([link.circuit, link.interface, f"node/{link.tail}"]))
        touching = [x for x in case.plan.steps if isinstance(x, SetWeight) and x.link.startswith(f"{link.tail}->")]
    elif isinstance(step, SetTunnel):
        element = f"node/{rng.choice([step.tunnel.source, step.tunnel.paths[0].via[0]])}"
        touching = [step]
    else:
        return None
    first = min(case.plan.steps.index(x) for x in touching) + 1
    policy = POLICY.model_copy(update={"protected": (element,)})
    step_known = first if len(case.plan.steps) == 1 else None
    blame = Blame("policy", frozenset((element,)), step=step_known)
    return spoilt("protected element", case, case.plan.steps, blame, policy)


def too_many_steps(seed: int, start: int = 0) -> Trial | None:
    """More steps than the policy allows."""
    case = relief_to_spoil(seed, start)[1]
    if len(case.plan.steps) < 2:
        return None
    policy = POLICY.model_copy(update={"max_steps": len(case.plan.steps) - 1})
    last = case.plan.steps[-1]
    element = subject(last)
    blame = Blame("policy", frozenset((element,)), step=len(case.plan.steps))
    return spoilt("too many steps", case, case.plan.steps, blame, policy)


def smuggled_upgrade(seed: int, start: int = 0) -> Trial | None:
    """An upgrade hidden among the steps: on paper it solves everything."""
    rng, case = relief_to_spoil(seed, start)
    busiest = max(carried(case.network).utilisation.items(), key=lambda x: x[1])[0]
    circuit = case.network.links[case.network.link(busiest)].circuit
    steps, number = insert(rng, case.plan.steps, SetCapacity(circuit=circuit, capacity=400_000.0))
    return spoilt("smuggled upgrade", case, steps, Blame("policy", frozenset((circuit,)), step=number))


def forbidden_rate_limit(seed: int, start: int = 0) -> Trial | None:
    """A customer's traffic is cut to relieve a link, which the policy does not allow."""
    rng, case = relief_to_spoil(seed, start)
    s, t = divmod(int(case.network.demands.argmax()), len(case.network.nodes))
    source, target = case.network.nodes[s].name, case.network.nodes[t].name
    steps, number = insert(rng, case.plan.steps, LimitDemand(source=source, target=target, limit=1.0))
    element = f"demand/{source}->{target}"
    return spoilt("forbidden rate limit", case, steps, Blame("policy", frozenset((element,)), step=number))


def wide_blast(seed: int, start: int = 0) -> Trial | None:
    """A good plan that moves more of the traffic than the policy allows."""
    case = relief_to_spoil(seed, start)[1]
    shares: list[float] = []
    state = case.network
    for step in case.plan.steps:
        state = apply(state, step)
        shares.append(expected_share(case.network, state))
    limit = max(shares) * 0.8
    if limit <= 0.001:
        return None
    first = next(i for i, share in enumerate(shares) if share > limit)
    step = case.plan.steps[first]
    element = subject(step)
    blame = Blame("policy", frozenset((element,)), step=first + 1)
    return spoilt("wide blast", case, case.plan.steps, blame, POLICY.model_copy(update={"max_blast_radius": limit}))
