"""Plans for a network that is light because a fault swallows traffic: when that excuses a fuller link, and when not.

Held against what is found, every plan that delivers the traffic again makes some failure worse. Held against anything
heavier, a plan could hide harm behind traffic that it does not deliver, behind a fault that somebody invented, or
behind one of another kind. The labels are by the definitions, over what `carried` computes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from evals.oracle.carried import (
    SLACK,
    Failed,
    arriving,
    carried,
    crossing,
    failures,
    gain,
    grown,
    growth,
    hot,
    hotter,
    no_worse,
    slow,
)
from evals.oracle.ways import ways_of
from evals.score.plans import Blame
from twin.model import Astray, Network, SegmentList, Tunnel
from twin.plan import Change, SetTunnel, apply

from .good import NETWORKS, WIDE, Trial, any_link, gate_network, plan_of

FULL = WIDE.model_copy(update={"max_utilisation": 1.0})
_CLEAR = 0.01  # share of capacity that is beyond argument
_TRIES = 12


def room_of_the_lost(seed: int, start: int = 0) -> Trial | None:
    """A failure gets worse by as much as the lost traffic would make it, and none of that traffic is delivered."""
    rng, whole = _tight(seed, 31, start)
    failure, full = _worst(whole)
    network = _filtered(whole, rng, failure, entries=3)
    room = carried(whole, failure).peak
    if carried(network, failure).peak > room - 2 * _CLEAR:
        return None
    for step in _through(network, rng, full):
        final = apply(network, step)
        worse = _hotter(final, (network,), (failure,))
        hidden = worse[failure] and carried(final, failure).peak <= room
        if not hidden or not no_worse(carried(network), carried(final), FULL.max_utilisation):
            continue
        if _drops_otherwise(network, final):
            continue
        return _bad("room of the lost", network, step)
    return None


def invented_loss(seed: int, start: int = 0) -> Trial | None:
    """The loss was never there: what is steered clear of it makes a failure worse than the network is in truth."""
    rng, truth = _tight(seed, 32, start)
    return _around(rng, truth, "invented loss")


def half_a_circuit(seed: int, start: int = 0) -> Trial | None:
    """Beside the loss a circuit has lost half its capacity, and what is delivered again goes where that hurts."""
    rng, sound = _tight(seed, 33, start)
    circuit = any_link(sound, rng).circuit
    links = (x._replace(capacity=x.capacity / 2) if x.circuit == circuit else x for x in sound.links)
    return _around(rng, replace(sound, links=tuple(links)), "half a circuit")


def good_return(seed: int, start: int = 0) -> Trial | None:
    """Lost traffic is delivered again, and no failure is worse than if that had never been lost.

    With everything up nothing may be worse than as found, under grown demands either: there a plan has no such excuse.
    """
    rng, whole = _tight(seed, 34, start, (1.02 / growth(FULL), 1.1 / growth(FULL)))
    failure, full = _worst(whole)
    limit = FULL.max_utilisation
    for source, target in _crossing(whole, failure, full, rng):
        first = ways_of(whole, Failed("nothing"))[target].hops[source][0].name
        network = replace(whole, astray=(Astray("bar", first, target),))
        before = carried(network)
        for step in _steered(network, rng):
            final = apply(network, step)
            was, now = (grown(x, growth(FULL)) for x in (network, final))
            if not _hotter(now, (was,), (failure,))[failure]:
                continue
            fine = no_worse(before, carried(final), limit)
            fine = fine and no_worse(carried(was), carried(now), FULL.max_uncertain_utilisation)
            if not fine or slow(before, carried(final), network, FULL.max_delay_stretch):
                continue
            helps = gain(before, carried(final), limit) > FULL.min_gain + _CLEAR
            if helps and _as_if_never_lost(network, whole, final):
                return Trial("good return", plan_of(network, step), network, FULL)
    return None


def _crossing(network: Network, failure: Failed, link: str, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Some pairs that cross a link in a failure, and do not leave by it."""
    gone = failure.links | {x.circuit for x in network.links if failure.node in (x.tail, x.head)}
    links = tuple(x._replace(up=x.up and x.circuit not in gone) for x in network.links)
    pairs = crossing(replace(network, links=links), link)
    return [pairs[int(i)] for i in rng.permutation(len(pairs))[:4] if failure.node not in pairs[int(i)]]


def _tight(
    seed: int, kind: int, start: int, peak: tuple[float, float] = (1.1, 1.35)
) -> tuple[np.random.Generator, Network]:
    """Draw a network whose worst failure fills a link so far."""
    rng = np.random.default_rng([seed, kind])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    return rng, grown(network, round(float(rng.uniform(*peak)) / carried(network, _worst(network)[0]).peak, 3))


def _worst(network: Network) -> tuple[Failed, str]:
    """The failure that fills a link most, and that link."""
    peaks = {x: carried(network, x).peak for x in failures(network)}
    failure = max(peaks, key=lambda x: peaks[x])
    used = carried(network, failure).utilisation
    return failure, max(used, key=lambda x: used[x])


def _filtered(network: Network, rng: np.random.Generator, failure: Failed, entries: int) -> Network:
    """Put filters on links that are full in a failure, each against one node that much goes to by that link then."""
    used = carried(network, failure).utilisation
    fullest = sorted(used, key=lambda x: -used[x])[:3]
    astray: list[Astray] = []
    for target in rng.permutation(np.argsort(network.demands.sum(axis=0))[::-1][:6])[:entries]:
        name = network.nodes[int(target)].name
        places = [x for x in fullest if network.links[network.link(x)].tail != name]
        astray.append(Astray("bar", places[int(rng.integers(len(places)) * (rng.random() < 0.5))], name))
    return replace(network, astray=tuple(astray))


def _through(network: Network, rng: np.random.Generator, link: str) -> Iterable[SetTunnel]:
    """Tunnels over a link for larger demands that no filter is against."""
    used, filtered = network.links[network.link(link)], {x.target for x in network.astray}
    for place in rng.permutation(np.argsort(network.demands, axis=None)[::-1][:60])[:40]:
        s, t = divmod(int(place), len(network.nodes))
        ends = network.nodes[s].name, network.nodes[t].name
        via = tuple(x for x in (used.tail, used.head) if x not in ends)
        if via and s != t and ends[1] not in filtered and used.tail != ends[1] and used.head != ends[0]:
            yield _tunnel(ends, via)


def _tunnel(ends: tuple[str, str], via: tuple[str, ...]) -> SetTunnel:
    paths = (SegmentList(via=via),)
    return SetTunnel(tunnel=Tunnel(name="T0", source=ends[0], target=ends[1], paths=paths, on_invalid="igp"))


def _steered(network: Network, rng: np.random.Generator) -> Iterable[SetTunnel]:
    """Tunnels for what goes to the node that a filter is against, from where the filter is."""
    for entry in network.astray:
        source = network.links[network.link(entry.at)].tail
        middles = [x.name for x in network.nodes if x.name not in (source, entry.target)]
        for via in rng.permutation(middles)[:_TRIES]:
            yield _tunnel((source, entry.target), (str(via),))


def _around(rng: np.random.Generator, truth: Network, name: str) -> Trial | None:
    network = _filtered(truth, rng, _worst(truth)[0], entries=1)
    if not any(carried(network).dropped.values()):
        return None
    for step in _steered(network, rng):
        final = apply(network, step)
        if any(_hotter(final, (network, truth), failures(network)).values()):
            return _bad(name, network, step)
    return None


def _bad(name: str, network: Network, step: Change) -> Trial:
    """Blame any link that is over the limit in a failure and fuller than it was."""
    states = {x.name: (carried(network, x), carried(apply(network, step), x)) for x in failures(network)}
    worse = {x: hotter(was, now, FULL.max_failure_utilisation) for x, (was, now) in states.items()}
    elements = frozenset(x for links in worse.values() for x in links)
    blame = Blame("survivable", elements, frozenset(x for x in worse if worse[x]), 1)
    return Trial(name, plan_of(network, step), network, FULL, blame)


def _hotter(final: Network, befores: Sequence[Network], dead: Sequence[Failed]) -> dict[Failed, set[str]]:
    """Links that are beyond argument too busy in each failure: over the limit, and fuller than any was in any state."""
    limit = FULL.max_failure_utilisation
    found: dict[Failed, set[str]] = {failure: set() for failure in dead}
    for failure in dead:
        after = carried(final, failure)
        if after.peak > limit + _CLEAR:
            most = max(limit, *(carried(x, failure).peak for x in befores))
            found[failure] = {x for x in hot(after, limit) if after.utilisation[x] > most + _CLEAR}
    return found


def _drops_otherwise(before: Network, after: Network) -> bool:
    """Whether any link drops something else than before, with everything up or in any failure."""
    states = ((carried(x, failure).dropped for x in (before, after)) for failure in _states(before))
    return any(abs(now[x] - was.get(x, 0.0)) > SLACK for was, now in states for x in now)


def _as_if_never_lost(found: Network, whole: Network, final: Network) -> bool:
    """Whether no link over the limit is fuller than as found, and than if what is delivered again had not been lost.

    In all failures, under grown demands too.
    """
    for factor in (1.0, growth(FULL)):
        was, mended, now = (grown(x, factor) for x in (found, whole, final))
        for failure in failures(found):
            missed = [1 - arriving(x, failure) for x in (was, now)]
            back = np.divide(missed[0] - missed[1], missed[0], out=np.zeros_like(missed[0]), where=missed[0] > 0)
            if (missed[1] > missed[0] + SLACK).any():
                return False
            as_found, returned = (
                carried(replace(x, demands=x.demands * part), failure).utilisation
                for x, part in ((was, 1 - back), (mended, back))
            )
            after = carried(now, failure)
            allowed = carried(was, failure).utilisation
            full = hot(after, FULL.max_failure_utilisation)
            if any(after.utilisation[x] > max(allowed[x], as_found[x] + returned[x]) + SLACK for x in full):
                return False
            if after.lost - carried(was, failure).lost:
                return False
    return True


def _states(network: Network) -> list[Failed]:
    return [Failed("nothing"), *failures(network)]
