"""A network as its interfaces and neighbours are reported: what routing leaves out, and what it keeps all the same."""

from dataclasses import replace

from twin.live.network import Flags
from twin.model import Astray, Floats, Network


def as_reported(network: Network, lit: Flags, near: Floats, *, two_way: bool) -> Network:
    """The network without the circuits of which an end reports no light or no neighbour.

    `lit` is whether the tail of each link has light as far as it says [m], `near` 1 with a neighbour, 0 without, NaN
    where nobody says [m]. Where routers check no circuit both ways (`two_way`), one that a single end has a neighbour
    over is used from that end.
    """
    lost = ~lit | (near == 0)
    if not lost.any():
        return network
    out, trusted = lost.copy(), list[Astray]()
    for positions in network.circuits.values():
        for i in positions:
            back = network.reverse[i]
            if not lost[back]:
                continue
            if two_way or not lit[back] or near[i] != 1:
                out[i] = True
            elif back != i and not lost[i]:
                trusted.append(Astray("trust", network.links[i].name))
    links = tuple(x._replace(adjacent=x.adjacent and not gone) for x, gone in zip(network.links, out, strict=True))
    if links == network.links and not trusted:
        return network
    return replace(network, links=links, astray=(*network.astray, *trusted))
