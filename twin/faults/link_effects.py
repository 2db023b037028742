"""What faults make of a link that they strike: effects that several kinds share."""

from twin.model import Link


def lost(link: Link, _: float) -> Link:
    """It has no light."""
    return link._replace(up=False)


def unrouted(link: Link, _: float) -> Link:
    """It has light, and no routing neighbour."""
    return link._replace(adjacent=False)


def untold(link: Link, _: float) -> Link:
    """It has light and its neighbour, and routing hears of nothing behind it."""
    return link._replace(drained=True)


def lossy(link: Link, share: float) -> Link:
    """It loses a share of what is sent, of what it has not lost already."""
    return link._replace(loss=1 - (1 - link.loss) * (1 - share) if link.loss else share)
