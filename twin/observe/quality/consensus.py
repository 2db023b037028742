"""What each link really carries, by vote of all that bear on it: both counters, both nodes' balance, the demands.

Every link is counted twice and passes two nodes that keep what enters equal to what leaves, so that one counter that
lies is contradicted and can be replaced. The vote is a coordinate descent over explanations per link.
"""

import math
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints
from twin.observe.expect.balance import Ends, Expected
from twin.observe.readings.with_gaps import middle

WRONG, LOSS = 12.0, 9.0
"""What it costs to call a counter wrong, and to call a difference between both ends a loss: squared standard errors."""
CONSPIRACY = 60.0
"""What it costs more when two counters that agree on traffic are both to be wrong: all else must contradict them."""
_CAP = 30.0  # no single witness outvotes two others
_ROUNDS = 6
_APART = 5.0
_DOUBTFUL = 6.0  # squared standard errors between the best and the second explanation
_LOST, _BOTH_RIGHT, _SENT_RIGHT, _RECEIVED_RIGHT, _NEITHER = range(-1, 4)


class Witness(NamedTuple):
    """What was read of each link [m], Mbit/s; NaN where nothing was."""

    sent: Floats
    received: Floats
    dropped: Floats  # by the tail's queue, 0 where it was not read
    error: Floats  # standard error of a reading


class Consensus(NamedTuple):
    """The rates that are most likely true [m], Mbit/s, and what that makes of the counters."""

    sent: Floats
    received: Floats
    sent_wrong: Flags  # the tail's counter was read and is contradicted
    received_wrong: Flags
    lossy: Flags  # both counters are right, the wire loses
    by_demands: Flags  # no counter is left: the rate is what the demands say
    doubtful: Flags  # another explanation is nearly as good

    @property
    def removed(self) -> Floats:
        """Share that the wire takes off [m]."""
        lost = np.where(self.lossy, self.sent - self.received, 0.0)
        return np.clip(lost / np.maximum(self.sent, 1e-9), 0.0, 1.0)


def agreeing(witness: Witness) -> Flags:
    """Links whose two ends were both read and say the same [m]."""
    apart = np.abs(witness.sent - witness.received)
    return np.nan_to_num(apart, nan=np.inf) <= _APART * np.sqrt(2) * witness.error


def vote(witness: Witness, expect: Expected, ends: Ends) -> Consensus:
    """Settle on one explanation per link, so that together they contradict the fewest readings."""
    court = _Court(witness, expect, ends)
    order = [int(i) for i in np.argsort(-court.surprise(), kind="stable")]
    for _ in range(_ROUNDS):
        if not sum(court.judge(link) for link in order):
            break
    wrong_at_tail = np.isin(court.chosen, (_RECEIVED_RIGHT, _NEITHER)) & np.isfinite(witness.sent)
    wrong_at_head = np.isin(court.chosen, (_SENT_RIGHT, _NEITHER)) & np.isfinite(witness.received)
    return Consensus(
        court.sent,
        court.received,
        wrong_at_tail,
        wrong_at_head,
        court.chosen == _LOST,
        court.chosen == _NEITHER,
        court.margin < _DOUBTFUL,
    )


class _Court:
    """The state of the vote: rates, the imbalance that they leave at each node, the explanation chosen per link."""

    def __init__(self, witness: Witness, expect: Expected, ends: Ends) -> None:
        self._witness, self._expect, self._ends = witness, expect, ends
        candidates = np.array([witness.sent, witness.received, expect.arrived])
        self.sent = middle(candidates)
        self.received = self.sent.copy()
        m = self.sent.size
        self.chosen: Ints = np.full(m, _BOTH_RIGHT, dtype=np.int64)
        self.margin = np.full(m, np.inf)
        self._agree = agreeing(witness) & (np.nan_to_num(witness.sent) > 0)
        n = expect.net.size
        leaves = np.bincount(ends.tail, self.sent + witness.dropped, n)
        self._excess = leaves - np.bincount(ends.head, self.received, n) - expect.net

    def surprise(self) -> Floats:
        """How far apart what bears on each link is, in standard errors [m]."""
        both = np.abs(self._witness.sent - self._witness.received) / self._witness.error
        return np.nan_to_num(both, nan=1e6)

    def judge(self, link: int) -> bool:
        """Take the cheapest explanation of one link; whether that changed its rates."""
        options = self._options(link)
        costs = [(self._cost(link, option), number) for number, option in enumerate(options)]
        costs.sort()
        kind, sent, received = options[costs[0][1]]
        rivals = [cost for cost, number in costs[1:] if _differs(options[number], (kind, sent, received))]
        self.margin[link] = rivals[0] - costs[0][0] if rivals else np.inf
        moved = abs(sent - self.sent[link]) + abs(received - self.received[link]) > 1e-9 * max(1.0, sent)
        self._excess[self._ends.tail[link]] += sent - self.sent[link]
        self._excess[self._ends.head[link]] -= received - self.received[link]
        self.sent[link], self.received[link], self.chosen[link] = sent, received, kind
        return bool(moved)

    def _options(self, link: int) -> list[tuple[int, float, float]]:
        sent, received = float(self._witness.sent[link]), float(self._witness.received[link])
        error, guess = float(self._witness.error[link]), float(self._expect.arrived[link] - self._witness.dropped[link])
        guess = max(guess, 0.0)
        options = [(_NEITHER, guess, guess)]
        if np.isfinite(sent):
            options.append((_SENT_RIGHT, sent, sent))
        if np.isfinite(received):
            options.append((_RECEIVED_RIGHT, received, received))
        if np.isfinite(sent) and np.isfinite(received):
            if abs(sent - received) <= _APART * math.sqrt(2) * error:
                middle = (sent + received) / 2
                options = [(_BOTH_RIGHT, middle, middle), (_NEITHER, guess, guess)]
            elif received < sent:
                options.append((_LOST, sent, received))
        return options

    def _cost(self, link: int, option: tuple[int, float, float]) -> float:
        """Squared standard errors that the witnesses are off, none counting too much, and the price of blame."""
        kind, sent, received = option
        expect, tail, head = self._expect, int(self._ends.tail[link]), int(self._ends.head[link])
        at_tail = self._excess[tail] + sent - self.sent[link]
        at_head = self._excess[head] - (received - self.received[link])
        demands = sent + self._witness.dropped[link] - expect.arrived[link]
        off = [
            float(z)
            for z in (
                at_tail / expect.net_sigma[tail],
                at_head / expect.net_sigma[head],
                demands / expect.sigma[link],
            )
        ]
        blamed = float(kind in (_RECEIVED_RIGHT, _NEITHER) and np.isfinite(self._witness.sent[link]))
        blamed += float(kind in (_SENT_RIGHT, _NEITHER) and np.isfinite(self._witness.received[link]))
        if kind == _NEITHER and self._agree[link]:
            blamed += CONSPIRACY / WRONG
        return sum(min(z**2, _CAP) for z in off) + WRONG * blamed + LOSS * (kind == _LOST)


def _differs(a: tuple[int, float, float], b: tuple[int, float, float]) -> bool:
    scale = 0.02 * max(a[1], b[1], 1.0)
    return abs(a[1] - b[1]) > scale or abs(a[2] - b[2]) > scale
