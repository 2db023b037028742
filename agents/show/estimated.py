"""What an answer rests on where nobody measured the traffic of the network that it is about."""

from twin.formats.load import load_reading


def estimated_traffic(network: str) -> tuple[str, ...]:
    """The sentence on traffic that is estimated from loads, none where it is stated, measured, or of a gravity model.

    `network` is as `load_network` takes it, which must have taken it before.
    """
    how = load_reading(network).account.estimated_traffic
    return (f"traffic is estimated: {how}",) if how else ()
