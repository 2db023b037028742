"""One question, every planner: what relieves this network? The best answer first."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache, partial
from types import MappingProxyType

from twin.errors import InputError
from twin.faults import REMEDIES, Fault
from twin.faults.remedies import Measure
from twin.gate.checks.gain import least_harm
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import Change, SetCapacity, subject
from twin.policy import Policy
from twin.sim.simulate import simulate

from . import evade, restore, segments, sequential, tunnels, weight_search, weights
from . import relieve_by_drain as drain
from .ahead import Lasting
from .allowance import Allowance
from .assemble import without_plan
from .attempt import attempt
from .damping import damped
from .growing import Growing
from .judge import Judge
from .proposal import Proposal

Planner = Callable[..., Proposal]
Steps = tuple[Change, ...]

METHODS: Mapping[str, Planner] = MappingProxyType(
    {
        restore.METHOD: restore.relieve_by_restoring,
        restore.UNDO: restore.relieve_by_undoing,
        drain.METHOD: drain.relieve_by_drain,
        evade.METHOD: evade.relieve_by_evading,
        weights.METHOD: weights.relieve_by_weights,
        tunnels.METHOD: tunnels.relieve_by_tunnels,
        segments.METHOD: segments.relieve_by_segments,
        weight_search.METHOD: weight_search.relieve_by_weight_search,
        sequential.METHOD: sequential.relieve_in_sequence,
    }
)
"""Every planner of relief by the name that its plans carry."""

_OPERATIONS: Mapping[str, str] = {
    weights.METHOD: "set_weight",
    weight_search.METHOD: "set_weight",
    tunnels.METHOD: "set_tunnel",
    segments.METHOD: "set_tunnel",
    sequential.METHOD: "set_tunnel",
}
"""What all the plans of a planner are made of, where that is one operation."""

TACTICAL = (restore.METHOD, restore.UNDO, drain.METHOD, evade.METHOD, weights.METHOD, tunnels.METHOD)
"""The planners that look for few changes, which is what an incident needs; the others plan the whole matrix anew."""


TAKES: Mapping[Measure, tuple[str, ...]] = MappingProxyType(
    {
        "restore weight": (restore.METHOD,),
        "undrain": (restore.METHOD, restore.UNDO),
        "drain": (drain.METHOD,),
        "steer around": (evade.METHOD, weights.METHOD, tunnels.METHOD),
    }
)
"""The planners that take each measure against a fault."""


def suited(faults: Sequence[Fault], methods: Sequence[str]) -> tuple[str, ...]:
    """Return the planners whose measures help against some of the faults; all where no fault is known.

    Setting back and undoing cost nothing and are always among them.
    """
    if not faults:
        return tuple(methods)
    chosen = {restore.METHOD, restore.UNDO}.union(
        method for fault in faults for measure in REMEDIES[fault.kind].ours for method in TAKES[measure]
    )
    return tuple(x for x in methods if x in chosen)


def relieve(  # noqa: PLR0913 - who is asked, about what, on what terms
    network: Network,
    policy: Policy,
    *,
    methods: Sequence[str] = TACTICAL,
    faults: Sequence[Fault] = (),
    reference: Network | None = None,
    avoid: Sequence[Counterexample] = (),
    rejected: Collection[Steps] = (),
    makes: Set[str] | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    lasts: Lasting | None = None,
    alternatives: bool = False,
) -> tuple[Proposal, ...]:
    """Ask each planner to relieve `network`, and return their proposals, best first.

    Those whose measures help against `faults` come first; where one of them takes all harm off, no other is asked. Nor
    is any of them, once there is a plan that no further one could come before (`rank`), and that `lasts`, unless
    `alternatives` to it are wanted.
    `reference` is the network as it should be, for it to be set back to. `avoid` holds what was wrong with rejected
    plans; no proposal breaks a limit there again. `rejected` are the steps of the plans that were rejected for this
    state: none of them is proposed again. `makes` are the operations that the network can make, all if None: no plan
    has any other. A planner that fails says why and ends no other; a time limit, of
    computing (`Allowance`), is shared out among them. Raises `InputError` on an unknown method.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise InputError(f"no planner {unknown[0]!r}", fix=f"planners: {', '.join(METHODS)}")
    allowance = Allowance(time_limit_s)
    proposals, growing = list[Proposal](), Growing(network, policy)
    stays = cache(lambda: least_harm(network, policy.max_utilisation) - simulate(network).stranded)
    first = suited(faults, methods)
    methods = (*first, *(x for x in methods if x not in first))
    for number, method in enumerate(methods):
        if number == len(first) and any(x.plan and x.after.harm <= 0 for x in proposals):
            break
        if faults and not alternatives and _none_better(proposals, methods[number:], stays, lasts):
            break
        planner = METHODS[method]
        if planner is restore.relieve_by_restoring:
            planner = partial(planner, reference=reference, passing=lasts.passing if lasts is not None else ())
        if planner is evade.relieve_by_evading:
            planner = partial(planner, makes=makes)
        each = allowance.share(len(methods) - number)
        planner = partial(planner, network, policy, seed=seed, time_limit_s=each)
        answering = partial(_answering, planner, network, policy, avoid, rejected)
        if makes is not None and method in _OPERATIONS and _OPERATIONS[method] not in makes:
            answering = partial(_unable, network, policy, method, _OPERATIONS[method])
        proposal = damped(attempt(method, answering, network, policy), network, policy, faults)
        proposal = _lasting(possible(proposal, makes), growing)
        proposals.append(_unless_known(proposal, proposals))
    return tuple(sorted(proposals, key=rank))


def _none_better(
    proposals: Sequence[Proposal],
    left: Sequence[str],
    stays: Callable[[], float],
    lasts: Lasting | None,
) -> bool:
    """Whether a plan against harm lasts that comes before any that the planners left could make.

    The best of theirs would change one thing and leave what no plan can spare the network: harm that `stays`, Mbit/s.
    """
    relieving = [x for x in proposals if x.plan is not None and x.before.harm > 0]
    if not relieving:
        return False
    best = False, round(max(stays(), 0.0), 3), 1, min(list(METHODS).index(x) for x in left)
    return any(rank(x) < best and (lasts is None or lasts(x)) for x in relieving)


def _lasting(proposal: Proposal, growing: Growing) -> Proposal:
    """Leave out a plan that would harm more than it spares once traffic grows as the policy foresees."""
    objection = growing.objection(proposal)
    return replace(proposal, plan=None, after=proposal.before, reason=objection) if objection else proposal


def possible(proposal: Proposal, makes: Set[str] | None) -> Proposal:
    """Leave out a plan with a step that the network cannot make; `makes` are its operations, all if None.

    Capacity is no network's to make: a plan that asks for it is for a person to order, on every network.
    """
    wanted = {step.op for step in _steps(proposal) if not isinstance(step, SetCapacity)}
    unable = sorted(wanted - makes) if makes is not None else []
    return replace(proposal, plan=None, after=proposal.before, reason=_cannot(unable[0])) if unable else proposal


def _unable(network: Network, policy: Policy, method: str, operation: str) -> Proposal:
    return without_plan(Judge(network, policy), method, _cannot(operation))


def _cannot(operation: str) -> str:
    return f"this network cannot {operation.replace('_', ' ')}"


def rank(proposal: Proposal) -> tuple[object, ...]:
    """Sort key of proposals for relief, best first.

    Least harm first; then fewest things changed if there was harm, else the lowest peak; then the planner named first.

    Setting back and undoing cost nothing and come before anything new: they are right even where the diagnosis has the
    severity wrong. A weight that is set in increments is one thing changed.
    """
    peak, changed = round(proposal.after.max_utilisation, 3), len({subject(x) for x in _steps(proposal)})
    order = list(METHODS).index(proposal.method)
    tail = (changed, order) if proposal.before.harm > 0 else (peak, changed, order)
    return proposal.plan is None, round(proposal.after.harm, 3), *tail


def _unless_known(proposal: Proposal, proposals: Sequence[Proposal]) -> Proposal:
    """Leave out a plan that another planner has already."""
    same = next((x for x in proposals if x.plan and proposal.plan and x.plan.steps == proposal.plan.steps), None)
    if same is None:
        return proposal
    reason = f"its plan is that of {same.method}"
    return replace(proposal, plan=None, after=proposal.before, reason=reason)


def _answering(
    planner: Planner, network: Network, policy: Policy, avoid: Sequence[Counterexample], rejected: Collection[Steps]
) -> Proposal:
    """Ask again, more strictly, when the answer to counterexamples would be a plan that met them."""
    proposal = planner(avoid=avoid)
    if not _is_among(proposal, rejected):
        return proposal
    closed = [x.model_copy(update={"limit": 0.0, "failure": failure}) for x in avoid for failure in {x.failure, None}]
    stricter = planner(avoid=closed) if closed else proposal
    if not _is_among(stricter, rejected):
        return stricter
    reason = "knows no other plan than one that was rejected"
    return without_plan(Judge(network, policy, avoid), proposal.method, reason)


def _is_among(proposal: Proposal, rejected: Collection[Steps]) -> bool:
    return proposal.plan is not None and _steps(proposal) in rejected


def _steps(proposal: Proposal) -> Steps:
    return proposal.plan.steps if proposal.plan else ()
