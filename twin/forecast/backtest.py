"""Rolling backtest: what every method would have said at past origins, and how far intervals would have covered."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints

from .conformal import LEAST_ORIGINS, Conformal, LevelScale, level_scale, load_groups, usual_move
from .methods import LEARNT, METHODS, Method, Methods

NAIVE: tuple[Method, ...] = ("last value", "seasonal naive")


@dataclass
class Backtest:
    """Forecasts at origins [O] and the truth, Mbit/s [O, S]. WAPE is the sum of absolute errors over that of values."""

    origins: Ints
    truth: Floats
    forecasts: dict[Method, Floats]
    scale: Floats
    level: Floats  # mean of each series before the origins, Mbit/s [S]
    wape: dict[Method, float] = field(init=False)

    def __post_init__(self) -> None:
        total = max(float(self.truth.sum()), 1e-9)
        self.wape = {name: float(np.abs(x - self.truth).sum()) / total for name, x in self.forecasts.items()}

    @property
    def best(self) -> Method:
        """The method of least WAPE; of methods that learn, the plainest within one standard error of the best of them.

        A method with more to learn must earn it: among few origins the least error is partly luck (the
        one-standard-error rule, Breiman et al. 1984, section 3.4.3).
        """
        least = min(self.wape, key=lambda name: (self.wape[name], METHODS.index(name)))
        if least not in LEARNT:
            return least
        return next(name for name in LEARNT if name in self.wape and self._as_good(name, least))

    def _as_good(self, one: Method, other: Method) -> bool:
        worse = (np.abs(self.forecasts[one] - self.truth) - np.abs(self.forecasts[other] - self.truth)).sum(axis=1)
        return bool(worse.mean() <= worse.std() / np.sqrt(len(worse)))

    @property
    def naive(self) -> Method:
        """The better of last value and seasonal naive."""
        return min((x for x in NAIVE if x in self.wape), key=lambda name: self.wape[name])

    def errors(self, method: Method) -> Floats:
        """Truth minus forecast in units of each series' usual move [O, S]."""
        return (self.truth - self.forecasts[method]) / self.scale


def backtest(methods: Methods, origins: Ints, *, refit_every: int = 0) -> Backtest:
    """Forecast at each origin by all methods that can at every one of them; the regression knows only what was before.

    It is fitted before the first origin and again every `refit_every` origins, 0 for never again.
    """
    values, horizon = methods.values, methods.horizon
    day = methods.periods.day or 96
    told: list[dict[Method, Floats]] = []
    for number, origin in enumerate(origins.tolist()):
        if number == 0 or (refit_every and number % refit_every == 0):
            methods.learn(origin + 1)
        told.append(methods.predict(origin))
    shared: list[Method] = [name for name in METHODS if all(name in x for x in told)]
    return Backtest(
        origins,
        values[origins + horizon],
        {name: np.stack([x[name] for x in told]) for name in shared},
        np.stack([usual_move(values, origin, horizon, day) for origin in origins.tolist()]),
        values[: int(origins[0]) + 1].mean(axis=0),
    )


class Calibrated(NamedTuple):
    """The intervals of one method, how they grow with the level, and what they held.

    `held` [N, C] is of the C counted series at the N origins that had an interval; N is 0 with too few origins.
    """

    conformal: Conformal
    levels: LevelScale
    held: Flags


def calibrate(test: Backtest, method: Method, coverage: float, counted: Flags, lag: int = 1) -> Calibrated:
    """Learn the intervals of one method in order of time, over the series that are `counted` [S].

    An error is learnt `lag` origins later, when it is known.
    """
    centre, truth, scale = (x[:, counted] for x in (test.forecasts[method], test.truth, test.scale))
    levels = level_scale(truth, centre, scale, lag)
    scale = levels.at(centre, scale)
    telling = max(len(truth) - LEAST_ORIGINS, 1)
    conformal = Conformal(coverage, load_groups(test.level[counted]), overlap=lag, origins=telling)
    held = dict[int, Flags]()
    for now in range(len(truth)):
        if conformal.ready:
            low, high = conformal.interval(centre[now], scale[now])
            held[now] = (truth[now] >= low) & (truth[now] <= high)
        if now >= lag - 1:
            known = now - lag + 1
            conformal.learn(truth[known], centre[known], scale[known])
    for known in range(max(len(truth) - lag + 1, 0), len(truth)):  # known by now, as all of the backtest is
        conformal.learn(truth[known], centre[known], scale[known])
    inside = np.array(list(held.values()), np.bool_).reshape(len(held), int(counted.sum()))
    return Calibrated(conformal, levels, inside)
