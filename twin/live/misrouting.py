"""What routers get wrong: equal paths left out, static routes, filters, blackholes."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from twin.model import Ints

from .tables import Tables

MOST_HOPS = 64
"""Hops after which a packet in a loop ends: the usual first time-to-live."""
NOWHERE = -1


class Route(NamedTuple):
    """What a router does with all that goes to `target`: positions, `link` may be `NOWHERE`."""

    node: int
    target: int
    link: int


class Drops(NamedTuple):
    """Where traffic is dropped that has a route, and after how many hops it ends; None is never."""

    pairs: Ints  # source * n + target, dropped where they enter
    exits: Ints  # link * n + target, dropped before they leave by the link
    most_hops: int | None

    @classmethod
    def none(cls) -> "Drops":
        """Nothing is dropped."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), None)


def without_members(tables: Tables, links: Iterable[int]) -> Tables:
    """Leave each of these links out of every group of equal next hops, but not where it is the only one."""
    for link in links:
        choices = np.diff(tables.first)
        slot = np.repeat(np.arange(choices.size), choices)
        kept = (tables.links != link) | (choices[slot] == 1)
        tables = _regrouped(tables, slot[kept], tables.links[kept])
    return tables


def with_routes(tables: Tables, routes: Iterable[Route], n: int) -> Tables:
    """Let these routes take the place of what the IGP found. n nodes."""
    for route in routes:
        wanted = route.target * n + route.node
        slot = np.repeat(np.arange(tables.first.size - 1), np.diff(tables.first))
        kept = slot != wanted
        slot, links = slot[kept], tables.links[kept]
        if route.link != NOWHERE:
            place = int(np.searchsorted(slot, wanted))
            slot, links = np.insert(slot, place, wanted), np.insert(links, place, route.link)
        tables = _regrouped(tables, slot, links)
    return tables


def _regrouped(tables: Tables, slot: Ints, links: Ints) -> Tables:
    ends = np.cumsum(np.bincount(slot, minlength=tables.first.size - 1))
    return tables._replace(first=np.concatenate(([0], ends)).astype(np.int64), links=links)
