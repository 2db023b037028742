"""What helps against each kind of fault: what a plan can change, and what only a person can do.

Remedies are data, and part of the declaration of a kind. `ours` says which changes take the harm off while the fault is
there, or undo it; `theirs` what ends the fault itself, and how it shows that it has ended.
"""

from typing import Literal, NamedTuple

Measure = Literal["steer around", "drain", "undrain", "restore weight"]
"""What planners can do: paths around it by weights or tunnels, take out of service, put back, set back.

Which planner takes which measure is in `twin.optimise.relieve`.
"""

Action = Literal[
    "repair circuit", "restore interface", "restore router", "restore capacity", "replace optic", "replace line card",
    "check path delay", "restart routing", "correct area", "add to routing", "remove filter", "fix MTU",
    "correct weight", "rebuild ECMP group", "remove static route", "remove blackhole route", "find the senders",
    "filter the attack",
    "reset counters", "correct counter scale", "restore polling", "correct interface mapping", "correct inventory",
    "correct flow export", "collect configuration", "repair measurement", "find the cause",
    "restore peering", "ask for the routes", "correct route policy", "correct next hop", "lift the discard",
    "correct preference",
    "ask about the path", "withdraw the announcement", "reject the announcement", "restart BGP",
]  # fmt: skip
"""What a person does."""


class Advice(NamedTuple):
    """One thing for a person to do. In the texts, {here} is the element, {router} its router, {target} the target."""

    action: Action
    words: str
    confirmed_by: str
    reverts: bool = False  # whether taking back what was committed last may be the quickest way


class Remedy(NamedTuple):
    """What helps against a kind of fault. `ours` is empty where nothing that a plan can change helps."""

    ours: tuple[Measure, ...]
    theirs: Advice


AROUND: tuple[Measure, ...] = ("steer around", "drain")
"""Where paths around it help, and taking it out of service does as well."""
