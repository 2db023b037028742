"""What may stand next in a goal that is being typed: verbs, keys, and the elements of the network."""

from zoneinfo import available_timezones

from twin.model import Network
from twin.optimise.preference import OBJECTIVES

from .resolve import TAKES
from .types import DRAIN_MODES, VERBS
from .written import KEYS, PREFERRING, REHEARSE


def completions(typed: str, network: Network) -> list[str]:
    """Every way to go on from what was typed, each as the whole text so far."""
    before, _, word = typed.rpartition(" ")
    key, colon, value = word.partition(":")
    done, comma, part = value.rpartition(">" if key in PREFERRING else ",")
    if not before and not colon:
        offers = [f"{verb}:" if TAKES[verb].must or verb == "grow" else verb for verb in VERBS]
    elif not colon:
        used = {x.partition(":")[0] for x in before.split()}
        offers = [x for x in (*(f"{key}:" for key in KEYS), REHEARSE) if x.rstrip(":") not in used]
    else:
        chosen = f"{key}:{done}{comma}"
        offers = [chosen + name for name in _names(key, network) if name.lower().startswith(part.lower())]
        if key in PREFERRING:
            offers = [x for x in offers if x.rpartition(comma or ":")[2] not in done.split(">")]
    ahead = f"{before} " if before else ""
    return [ahead + offer for offer in offers if offer.lower().startswith(word.lower())]


def _names(key: str, network: Network) -> list[str]:
    if key == "zone":
        return sorted(available_timezones())
    if key in PREFERRING:
        return [*OBJECTIVES]
    if key == "mode":
        return [*DRAIN_MODES]
    kind = next((takes.kind for verb, takes in TAKES.items() if verb == key), "element" if key == "protect" else "")
    nodes = [node.name for node in network.nodes]
    if kind == "demand":
        return [f"{a}->{b}" for a in nodes for b in nodes if a != b]
    if kind == "link":
        return [link.name for link in network.links]
    links = [network.links[first] for first, *_ in network.circuits.values()]
    circuits = [link.circuit if link.index > 1 else f"{link.tail}--{link.head}" for link in links]
    return {"element": nodes + circuits, "circuit": circuits}.get(kind, [])
