"""A link-state database laid over an inventory: a link that is gone from it is down, never deleted.

A database knows only what routing uses now. What the inventory has besides is there still, without its neighbour; and
what the database says of metrics and overload bits can differ from what is on record.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import FormatError
from twin.formats.account import Account
from twin.formats.build import Choices
from twin.formats.content import Content, read_content
from twin.formats.measurements.assemble import Series
from twin.formats.measurements.part import Part, use
from twin.formats.node_names import Names, known_as
from twin.formats.recognise import records_in
from twin.formats.records import LinkRecord
from twin.model import UNUSED_METRIC, Floats, Network

_NAMED = 5


class DatabaseSays(NamedTuple):
    """What a database says of the links of an inventory, [m] each.

    `adjacent` is 1 where both ends name each other, 0 where they do not, NaN where parallel links cannot be told apart;
    `metric` is NaN where it says none. `strangers` are routers that the inventory has not. `unheard` are routers that
    others name and that are not in it: then it is cut off, and what is missing proves nothing (`adjacent` is NaN). A
    link with neither of its routers in it is not down by that, either. `time` is in epoch seconds; `name` is where the
    database is from.
    """

    name: str
    time: float
    adjacent: Floats
    metric: Floats
    strangers: tuple[str, ...]
    unheard: tuple[str, ...] = ()


def read_neighbours(path: Path, network: Network, names: Names | None = None) -> DatabaseSays:
    """Read a database of whatever make as of the time of its file.

    Raises what reading a topology raises, and `FormatError` where none of its routers is in the inventory.
    """
    return neighbours_in(read_content(path), network, names, path.stat().st_mtime)


def neighbours_in(content: Content, network: Network, names: Names | None, time: float) -> DatabaseSays:
    """Read a database of whatever make as of a time, in epoch seconds. Raises as `read_neighbours` does."""
    records = records_in(content, Choices())
    known = known_as(network, names)
    stated: dict[tuple[int, int], list[LinkRecord]] = {}
    found: dict[str, int | None] = {}
    for node in {*records.alone, *(x for link in records.links for x in (link.source, link.target))}:
        own = known.names.get(node, ())
        found[node] = known.index[own[0]] if len(own) == 1 else None
    if found and all(x is None for x in found.values()):
        raise FormatError(content.path, "the names of its routers", "routers of the inventory")
    for link in records.links:
        ends = found[link.source], found[link.target]
        if ends[0] is not None and ends[1] is not None:
            stated.setdefault((ends[0], ends[1]), []).append(link)
    adjacent, metric = np.full(len(network.links), np.nan), np.full(len(network.links), np.nan)
    exits, heard = set(network.exits), set(found.values())
    pairs: dict[tuple[int, int], list[int]] = {}
    for i, one in enumerate(network.links):
        if i not in exits:
            pairs.setdefault((network.node(one.tail), network.node(one.head)), []).append(i)
    for ends, links in pairs.items():
        if heard.isdisjoint(ends):
            continue
        _of_pair(network, links, stated.get(ends, []), adjacent, metric)
    strangers = tuple(sorted(x for x, node in found.items() if node is None))
    if records.unheard:
        adjacent = np.where(adjacent == 0, np.nan, adjacent)
    return DatabaseSays(content.path, time, adjacent, metric, strangers, records.unheard)


def neighbours_part(said: DatabaseSays, network: Network) -> Part:
    """What a database says of neighbours, as a part of the measurements of a site."""
    told = np.flatnonzero(np.isfinite(said.adjacent))
    at = np.full(told.size, said.time)
    series = Series("adjacent", at, np.full(told.size, np.nan), told.astype(np.int64), said.adjacent[told])
    gone = [network.links[i].name for i in told if said.adjacent[i] == 0]
    fields = [use("adjacencies", "used", told.size, f"{len(gone)} of the inventory's links are not in it: down")]
    if said.strangers:
        note = f"{', '.join(said.strangers[:_NAMED])}: not in the inventory, left out"
        fields.append(use("systems", "not modelled", len(said.strangers), note))
    if said.unheard:
        note = (
            f"{', '.join(said.unheard[:_NAMED])}: named by others and not in it; cut off, so that nothing is down by it"
        )
        fields.append(use("the end of the file", "not modelled", len(said.unheard), note))
    account = Account(file=said.name, format="link-state database", fields=tuple(fields))
    return Part(account, (series,), end=said.time)


def metrics_apart(said: DatabaseSays, network: Network) -> Mapping[str, tuple[int, int]]:
    """Metrics on record and in the database, by the name of the link, where they differ; drained links are left out."""
    return {
        link.name: (link.weight, int(said.metric[i]))
        for i, link in enumerate(network.links)
        if np.isfinite(said.metric[i]) and said.metric[i] != link.weight and not link.drained
    }


def _of_pair(
    network: Network, links: Sequence[int], stated: Sequence[LinkRecord], adjacent: Floats, metric: Floats
) -> None:
    """Tell which of the parallel links between two nodes are there: by number, where all are; else by their metrics."""
    used = [x for x in stated if _metric(x) < UNUSED_METRIC]
    left = sorted(_metric(x) for x in used)
    if len(left) >= len(links):
        adjacent[list(links)] = 1.0
    elif not left:
        adjacent[list(links)] = 0.0
        return
    by_metric = {i: network.links[i].weight for i in links}
    for i in sorted(by_metric, key=lambda x: by_metric[x]):
        same = [x for x in links if by_metric[x] == by_metric[i]]
        if len(left) < len(links):
            there = left.count(by_metric[i])
            adjacent[i] = 1.0 if there >= len(same) else 0.0 if there == 0 else np.nan
    if len(links) == 1 and left:
        metric[links[0]] = left[0]
    elif len(left) == len(links):
        for i, value in zip(sorted(links, key=lambda x: by_metric[x]), left, strict=True):
            metric[i] = value


def _metric(link: LinkRecord) -> int:
    value = link.fields.get("metric")
    return int(value) if isinstance(value, int | float) else 1
