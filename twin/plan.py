"""Changes to a network, ordered into plans; `apply` and `inverse` are exact opposites.

A step is one change. A change that would do nothing, or whose element does not exist, is refused: only so can every
step be undone exactly, in reverse order.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, assert_never

from pydantic import AwareDatetime, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from .drawn import Drawn
from .errors import PlanError, TopologyError
from .model import DemandLimit, Frozen, Link, Network, Node, Tunnel
from .printed import short
from .untrusted import Origin

CircuitId = Annotated[str, Field(pattern=r"^link/.+--.+$", max_length=300, description="Circuit id, link/A:IF--B:IF.")]
LinkName = Annotated[str, Field(pattern=r"^.+->.+$", max_length=140, description="Directed link, A->B.")]
NodeName = Annotated[str, Field(min_length=1, max_length=64, description="Node name.")]


MAX_STEPS = 50


class SetWeight(Frozen):
    """Set the IGP weight of one directed link."""

    op: Literal["set_weight"] = "set_weight"
    link: LinkName
    weight: int = Field(ge=1, le=2**24)


class _Drain(Frozen):
    """A drain is written without the mode that all of them had when there was one."""

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        content: dict[str, object] = write(self)
        usual = type(self).model_fields["mode"].default
        return {key: value for key, value in content.items() if key != "mode" or value != usual}


class DrainLink(_Drain):
    """Take a circuit out of routing, both directions, while it stays up.

    By `cost_out` it keeps the largest metric that routing uses, and carries what has no other way.
    """

    op: Literal["drain_link"] = "drain_link"
    circuit: CircuitId
    mode: Literal["remove", "cost_out"] = "remove"


class UndrainLink(Frozen):
    """Give a drained circuit back to routing."""

    op: Literal["undrain_link"] = "undrain_link"
    circuit: CircuitId


class DrainNode(_Drain):
    """Keep transit traffic away from a node; its own demands still reach it.

    By `cost_out` all its links get the largest metric that routing uses (RFC 6987): transit is its last resort.
    """

    op: Literal["drain_node"] = "drain_node"
    node: NodeName
    mode: Literal["overload", "cost_out"] = "overload"


class UndrainNode(Frozen):
    """Let a drained node carry transit traffic again."""

    op: Literal["undrain_node"] = "undrain_node"
    node: NodeName


class SetTunnel(Frozen):
    """Create or replace the tunnel that carries one demand."""

    op: Literal["set_tunnel"] = "set_tunnel"
    tunnel: Tunnel


class RemoveTunnel(Frozen):
    """Remove a tunnel: its demand follows the IGP again."""

    op: Literal["remove_tunnel"] = "remove_tunnel"
    name: str = Field(min_length=1, max_length=128)


class SleepLink(Frozen):
    """Put a circuit to sleep to save power."""

    op: Literal["sleep_link"] = "sleep_link"
    circuit: CircuitId


class WakeLink(Frozen):
    """Wake a sleeping circuit."""

    op: Literal["wake_link"] = "wake_link"
    circuit: CircuitId


class SetCapacity(Frozen):
    """Ask for another capacity on a circuit: an upgrade request, which the executor never applies."""

    op: Literal["set_capacity"] = "set_capacity"
    circuit: CircuitId
    capacity: float = Field(gt=0, description="Mbit/s in each direction.")


class LimitDemand(Frozen):
    """Rate-limit what enters at `source` for `target`; `limit` null lifts the limit."""

    op: Literal["limit_demand"] = "limit_demand"
    source: NodeName
    target: NodeName
    limit: float | None = Field(ge=0, description="Mbit/s, or null for no limit.")


Change = Annotated[
    SetWeight
    | DrainLink
    | UndrainLink
    | DrainNode
    | UndrainNode
    | SetTunnel
    | RemoveTunnel
    | SleepLink
    | WakeLink
    | SetCapacity
    | LimitDemand,
    Field(discriminator="op"),
]


class ExpectedEffect(Frozen):
    """What the planner computed that the plan does, before and after."""

    max_utilisation: tuple[float, float] = Field(description="Share of capacity on the busiest link, before and after.")
    harm: tuple[float, float] = Field(description="Mbit/s lost or above the limit, before and after.")


Objective = Literal["relieve", "drain", "sleep", "restore", "change"]


class Plan(Drawn, Frozen):
    """What the planner proposes and the gate decides on: ordered steps on exactly one snapshot."""

    goal: Annotated[str, Origin("file")] = Field(
        min_length=1, max_length=300, description="One sentence: what gets better."
    )
    base: str = Field(pattern=r"^[0-9a-f]{16}$", description="Id of the snapshot the plan is for.")
    steps: tuple[Change, ...] = Field(min_length=1, max_length=MAX_STEPS)
    method: str = Field(default="manual", max_length=60, description="Who computed it: an optimiser's name, or manual.")
    expected: ExpectedEffect | None = None
    objective: Objective = Field(
        default="relieve",
        description="What gets better: less harm, nothing on what is drained, circuits asleep, measures undone; for a "
        "change that somebody asks for, nothing has to.",
    )

    until: AwareDatetime | None = Field(
        default=None, description="When it ends and the closing steps are made; none: it stays."
    )
    closing: tuple[Change, ...] = Field(
        default=(), max_length=MAX_STEPS, description="The steps that end it: circuits woken, elements undrained."
    )

    @model_validator(mode="after")
    def _ends_by_steps(self) -> "Plan":
        if (self.until is None) != (not self.closing):
            raise ValueError("a plan that ends has both: `until` and the `closing` steps that end it")
        return self

    @property
    def hash(self) -> str:
        """Canonical content hash, 16 hex digits; the same in every process."""
        stays = {"until", "closing"} if self.until is None else set[str]()
        return hashlib.sha256(self.model_dump_json(exclude=stays).encode()).hexdigest()[:16]

    def ending(self, network: Network, until: datetime) -> "Plan":
        """The same plan with an end: at `until` all its steps are undone, last one first. `network` is its base.

        Raises as `way_back` does.
        """
        content = {**self.model_dump(), "until": until, "closing": way_back(network, self.steps)}
        return Plan.model_validate(content)


def apply(network: Network, change: Change) -> Network:
    """Return the network with one change made. Raises `PlanError` or `UnknownElementError`."""
    match change:
        case SetWeight():
            position = network.link(change.link)
            return _with_links(network, (position,), lambda link: link._replace(weight=change.weight))
        case DrainLink() | UndrainLink():
            network = _toggle_circuit(network, change.circuit, "drained", to=isinstance(change, DrainLink))
            last = isinstance(change, DrainLink) and change.mode == "cost_out"
            return _with_links(network, network.circuit(change.circuit), lambda link: link._replace(cost_out=last))
        case SleepLink() | WakeLink():
            return _toggle_circuit(network, change.circuit, "asleep", to=isinstance(change, SleepLink))
        case DrainNode() | UndrainNode():
            last = isinstance(change, DrainNode) and change.mode == "cost_out"
            return _toggle_node(network, change.node, to=isinstance(change, DrainNode), cost_out=last)
        case SetTunnel():
            return _with_tunnel(network, change.tunnel)
        case RemoveTunnel():
            _tunnel(network, change.name)
            return replace(network, tunnels=tuple(x for x in network.tunnels if x.name != change.name))
        case SetCapacity():
            positions = network.circuit(change.circuit)
            return _with_links(network, positions, lambda link: link._replace(capacity=change.capacity))
        case LimitDemand():
            network.node(change.source)
            network.node(change.target)
            kept = tuple(x for x in network.limits if (x.source, x.target) != (change.source, change.target))
            added = () if change.limit is None else (DemandLimit(change.source, change.target, change.limit),)
            return replace(network, limits=kept + added)
        case _:
            assert_never(change)


def inverse(network: Network, change: Change) -> Change:
    """Return the change that undoes `change` on the state it was made in, exactly.

    Raises `PlanError` or `UnknownElementError` where `apply` would.
    """
    match change:
        case SetWeight():
            return SetWeight(link=change.link, weight=network.links[network.link(change.link)].weight)
        case DrainLink():
            return UndrainLink(circuit=change.circuit)
        case UndrainLink():
            last = any(network.links[i].cost_out for i in network.circuit(change.circuit))
            return DrainLink(circuit=change.circuit, mode="cost_out" if last else "remove")
        case SleepLink():
            return WakeLink(circuit=change.circuit)
        case WakeLink():
            return SleepLink(circuit=change.circuit)
        case DrainNode():
            return UndrainNode(node=change.node)
        case UndrainNode():
            last = network.nodes[network.node(change.node)].cost_out
            return DrainNode(node=change.node, mode="cost_out" if last else "overload")
        case SetTunnel():
            known = [x for x in network.tunnels if x.name == change.tunnel.name]
            return SetTunnel(tunnel=known[0]) if known else RemoveTunnel(name=change.tunnel.name)
        case RemoveTunnel():
            return SetTunnel(tunnel=_tunnel(network, change.name))
        case SetCapacity():
            return SetCapacity(circuit=change.circuit, capacity=_common_capacity(network, change.circuit))
        case LimitDemand():
            known = [x.limit for x in network.limits if (x.source, x.target) == (change.source, change.target)]
            return LimitDemand(source=change.source, target=change.target, limit=known[0] if known else None)
        case _:
            assert_never(change)


def subject(change: Change) -> str:
    """Return the one element that a change is about."""
    match change:
        case SetWeight():
            return change.link
        case DrainLink() | UndrainLink() | SleepLink() | WakeLink() | SetCapacity():
            return change.circuit
        case DrainNode() | UndrainNode():
            return f"node/{change.node.removeprefix('node/')}"
        case SetTunnel():
            return f"tunnel/{change.tunnel.name}"
        case RemoveTunnel():
            return f"tunnel/{change.name}"
        case LimitDemand():
            return f"demand/{change.source}->{change.target}"
        case _:
            assert_never(change)


def apply_all(network: Network, steps: Sequence[Change]) -> Network:
    """Apply the steps in order. Raises `PlanError` that names the step which cannot be applied."""
    return states(network, steps)[-1]


def states(network: Network, steps: Sequence[Change]) -> list[Network]:
    """Return the state before the first step and after each one: len(steps) + 1 networks."""
    reached = [network]
    for number, step in enumerate(steps, start=1):
        try:
            reached.append(apply(reached[-1], step))
        except (PlanError, TopologyError) as error:
            raise PlanError(f"step {number} ({step.op}): {error}", fix=error.fix) from error
    return reached


def way_back(network: Network, steps: Sequence[Change]) -> tuple[Change, ...]:
    """Return the steps that lead from the end of a plan back to `network`, last change first."""
    reached = states(network, steps)
    return tuple(reversed([inverse(before, step) for before, step in zip(reached[:-1], steps, strict=True)]))


def _with_links(network: Network, positions: tuple[int, ...], change: Callable[[Link], Link]) -> Network:
    links = list(network.links)
    for position in positions:
        links[position] = change(links[position])
    return replace(network, links=tuple(links))


def _toggle_circuit(network: Network, circuit: str, flag: Literal["drained", "asleep"], *, to: bool) -> Network:
    positions = network.circuit(circuit)
    if any(getattr(network.links[i], flag) is to for i in positions):
        raise PlanError(f"{short(circuit)} is {'already' if to else 'not'} {flag}", fix="leave this step out")
    return _with_links(network, positions, lambda link: link._replace(**{flag: to}))


def _toggle_node(network: Network, name: str, *, to: bool, cost_out: bool) -> Network:
    position = network.node(name)
    if network.nodes[position].kind == "exits":
        raise PlanError(f"{name} is a group of exits, not a router", fix="drain the circuits that lead to it")
    if network.nodes[position].drained is to:
        raise PlanError(f"node {name} is {'already' if to else 'not'} drained", fix="leave this step out")
    nodes: list[Node] = list(network.nodes)
    nodes[position] = nodes[position]._replace(drained=to, cost_out=cost_out)
    return replace(network, nodes=tuple(nodes))


def _with_tunnel(network: Network, tunnel: Tunnel) -> Network:
    for name in (tunnel.source, tunnel.target, *(via for path in tunnel.paths for via in path.via)):
        network.node(name)
    return replace(network, tunnels=(*(x for x in network.tunnels if x.name != tunnel.name), tunnel))


def _tunnel(network: Network, name: str) -> Tunnel:
    for tunnel in network.tunnels:
        if tunnel.name == name:
            return tunnel
    raise PlanError(f"no tunnel {name!r}", fix=f"tunnels: {', '.join(x.name for x in network.tunnels) or 'none'}")


def _common_capacity(network: Network, circuit: str) -> float:
    capacities = {network.links[i].capacity for i in network.circuit(circuit)}
    if len(capacities) > 1:
        raise PlanError(f"{short(circuit)} has a different capacity in each direction", fix="change it by hand")
    return capacities.pop()
