"""What an answer rests on where nobody measured the traffic of the network that it is about."""

from twin.formats.load import load_reading


def estimated_traffic(network: str) -> tuple[str, ...]:
    """The sentence on traffic that is estimated from loads, none where it is stated, measured, or of a gravity model.

    `network` is as `load_network` takes it, which must have taken it before.
    """
    fields = load_reading(network).account.fields
    notes = [x.note for x in fields if x.field == "traffic" and x.became == "assumed" and "from link loads" in x.note]
    return tuple(f"traffic is estimated: {note}" for note in notes[:1])
