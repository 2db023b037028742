"""Which link of one end is which of the other, where there are several between two routers.

The ends are told by the addresses or numbers of their interfaces (RFC 5305, sections 3.2 and 3.3; RFC 5307): one states
its own and the other's, or both lie in one network of two hosts. What is left goes by metric.
"""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address

from .database import Database, Neighbour


def paired(database: Database) -> tuple[dict[int, int], int]:
    """Number the links between two routers that have several, by `id` of their neighbours at both ends.

    Also returns how many links were paired by metric alone although it matters which is which.
    """
    between: dict[tuple[str, str], list[Neighbour]] = {}
    for system, neighbour, back in database.adjacencies():
        if back:
            between.setdefault((system.name, neighbour.system), []).append(neighbour)
    numbers: dict[int, int] = {}
    untold = 0
    for (a, b), ours in between.items():
        theirs = between.get((b, a), [])
        if a < b and max(len(ours), len(theirs)) > 1:
            untold += _number(ours, theirs, numbers)
    return numbers, untold


def _number(ours: Sequence[Neighbour], theirs: Sequence[Neighbour], numbers: dict[int, int]) -> int:
    free, left = list(theirs), list[Neighbour]()
    pairs: list[tuple[Neighbour, ...]] = []
    for one in ours:
        other = _other_end(one, free)
        if other is None:
            left.append(one)
        else:
            free = [x for x in free if x is not other]
            pairs.append((one, other))
    rest = [sorted(x, key=_cost) for x in (left, free)]
    alike = any(len({_cost(x) for x in end}) <= 1 for end in rest)
    untold = 0 if alike else max(map(len, rest))
    pairs += list(zip(*rest, strict=False))
    shared = min(map(len, rest))
    pairs += [(x,) for end in rest for x in end[shared:]]
    for number, pair in enumerate(pairs, start=1):
        numbers.update((id(x), number) for x in pair)
    return untold


def _cost(neighbour: Neighbour) -> tuple[int, float]:
    return neighbour.metric, neighbour.mbps or 0.0


def _other_end(one: Neighbour, free: Sequence[Neighbour]) -> Neighbour | None:
    """The only link whose ends are the same as those of this one, None where there is none or several."""
    if not one.near:
        return None
    same = [x for x in free if x.near and x.far and (x.near, x.far) == (one.far, one.near)]
    if not same and not one.far:
        same = [x for x in free if not x.far and _pair_of_hosts(one.near, x.near)]
    return same[0] if len(same) == 1 else None


def _pair_of_hosts(a: str, b: str) -> bool:
    """Whether two addresses are the two hosts of one network of 31 or of 30 bits."""
    try:
        x, y = int(IPv4Address(a)), int(IPv4Address(b))
    except AddressValueError:
        return False
    return x != y and (x >> 1 == y >> 1 or (x >> 2 == y >> 2 and {x & 3, y & 3} == {1, 2}))
