"""Counters and exports that are doubted, each with what it says, what it should say, and why it is not believed."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Link, Network

from .demand_input import DemandFactor
from .plausible import CheckName, Doubt

_UNITS = {8.0: "octets", 0.125: "octets", 1000.0: "thousands", 0.001: "thousands", 1e6: "millions", 1e-6: "millions"}
_UNIT_ERROR = 0.04
_STILL_TRUST = 0.5


class DoubtedColumn(NamedTuple):
    """The counters at one end of every link [m]: read, taken to be true, how far trusted, whether they stand still."""

    reading: Literal["sent", "received"]
    elements: Sequence[str]
    measured: Floats
    true: Floats
    trust: Floats
    still: Flags


def far_interface(link: Link) -> str:
    """Element id of the interface at the head, which counts what is received."""
    return link._replace(tail=link.head, head=link.tail).interface


def counter_doubts(column: DoubtedColumn) -> Iterator[Doubt]:
    """Counters that are missing, contradicted, in doubt or standing still."""
    for position in np.flatnonzero((column.trust < 1) | column.still):
        i = int(position)
        measured, true = float(column.measured[i]), float(column.true[i])
        trust = float(column.trust[i])
        check, reason = _why(measured, true, still=bool(column.still[i]))
        yield Doubt(
            check=check,
            element=column.elements[i],
            reading=column.reading,
            measured=measured if np.isfinite(measured) else None,
            expected=true,
            trust=min(trust, _STILL_TRUST) if column.still[i] else trust,
            reason=reason,
            repaired=0 < trust < 1,
        )


def demand_doubts(
    network: Network, factor: DemandFactor, nodes: Sequence[str], fallback: Sequence[str]
) -> Iterator[Doubt]:
    """Exports that do not explain the loads, as a whole or of one node, and those that are missing."""
    found: list[tuple[str, CheckName, float, str]] = []
    if factor.off:
        more = "more" if factor.factor > 1 else "less"
        share = 100 * abs(factor.factor - 1)
        found.append((f"network/{network.name}", "demands", 0.0, f"links carry {share:.1f} % {more} than was exported"))
    contradicted, missing = "its links and its balance contradict its exports", "exports are missing: carried over"
    found.extend((name, "demands", 0.2, contradicted) for name in nodes)
    found.extend((f"node/{name}", "complete", 0.5, missing) for name in fallback)
    for element, check, trust, reason in found:
        whole = element.startswith("network/")
        yield Doubt(
            check=check,
            element=element,
            reading="exports",
            measured=1.0 if whole else None,
            expected=factor.factor if whole else None,
            trust=trust,
            reason=reason,
        )


def _why(measured: float, true: float, *, still: bool) -> tuple[CheckName, str]:
    """Which check a counter fails, from how its rate relates to the true one."""
    if not np.isfinite(measured):
        return "complete", "was not read"
    if still:
        return "stale", "reports the very same rate in every sample"
    if measured <= 0 < true:
        return "stale", "stands still while traffic flows"
    for unit, name in _UNITS.items():
        if true > 0 and abs(measured / true / unit - 1) < _UNIT_ERROR:
            return "units", f"{unit:g} times the true rate: {name}?"
    return "both_ends", "contradicted by the other end and by what its nodes pass on"
