"""Arguments that several tools take, each with the small schema that a model reads in every request.

A call is validated by the full types; the schema says no more than what a model needs to write one, and `explain` says
the rest. The ends of a circuit id may come in either order.
"""

import re
from collections.abc import Sequence
from typing import Annotated, cast, get_args

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema

from twin.faults import Fault
from twin.plan import Change

_CIRCUIT = re.compile(r"link/([^:]+:.+?)--([^:]+:.+)")
_IDS = frozenset({"circuit", "element", "target"})


def in_order(value: object) -> object:
    """Put the ends of every circuit id into the order of the network's own ids; anything else stays as it is."""
    match value:
        case str() if (ends := _CIRCUIT.fullmatch(value)) is not None:
            low, high = sorted(ends.groups(), key=lambda end: end.partition(":")[0])
            return f"link/{low}--{high}"
        case list() | tuple():
            return [in_order(x) for x in cast("Sequence[object]", value)]
        case dict():
            found = cast("dict[str, object]", value)
            return {key: in_order(x) if key in _IDS else x for key, x in found.items()}
        case _:
            return value


OPS: tuple[str, ...] = tuple(str(kind.model_fields["op"].default) for kind in get_args(get_args(Change)[0]))
"""What a change can do, by the names that tools take."""

_TEXT: JsonValue = {"type": "string"}
_CHANGE: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "op": {"enum": list(OPS)},
    },
    "required": ["op"],
}
_FORM = (
    "In order: {op: set_weight, link: A->B, weight: 20}, {op: drain_link, circuit: link/A:B--B:A}; `explain` changes."
)
_CHANGES: dict[str, JsonValue] = {
    "type": "array",
    "maxItems": 12,
    "items": _CHANGE,
    "description": _FORM,
}
_FAULT: dict[str, JsonValue] = {
    "type": "object",
    "description": "As `rank_causes` writes it; `explain` lists the kinds.",
    "properties": {"kind": _TEXT, "element": _TEXT, "severity": {"type": "number"}},
    "required": ["kind", "element"],
}

Handle = Annotated[str, Field(max_length=80, description="Handle of a plan, from `propose_plans`.")]
Element = Annotated[str, Field(max_length=300), BeforeValidator(in_order)]
Elements = Annotated[
    tuple[Element, ...], Field(max_length=6, description="Fail together: `node/NAME` or `link/A:B--B:A`.")
]
Changes = Annotated[tuple[Change, ...], Field(max_length=12), BeforeValidator(in_order), WithJsonSchema(_CHANGES)]
OwnChanges = Annotated[
    tuple[Change, ...],
    Field(max_length=12),
    BeforeValidator(in_order),
    WithJsonSchema({"type": "array", "maxItems": 12, "items": {"type": "object"}, "description": _FORM}),
]
"""Changes for who does not need every op in every request."""
MaybeFault = Annotated[Fault | None, BeforeValidator(in_order), WithJsonSchema(_FAULT)]
