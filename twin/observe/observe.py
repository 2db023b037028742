"""From telemetry to an observation: the newest samples between which nothing changed, and what came before."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.declared import Declaration
from twin.live.network import Configuration, Flags, Telemetry
from twin.model import Floats, Ints, Network

from .expect.prediction import export_noise, predict
from .expect.probing import probe_error
from .readings.exported import Exported
from .readings.growth import RECENT, Growth, growth, onsets, strayed
from .readings.link_rates import arrivals, removed_share
from .readings.observation import REMEMBERED, Observation, Quality
from .readings.peerings import read_peerings
from .readings.readback import read_back
from .readings.samples import Samples, read_samples
from .readings.syslog import read_events
from .readings.turning import turned_samples
from .readings.with_gaps import mean, ratio

HISTORY = 2 * RECENT
"""Earlier samples that are kept for comparison."""
_CALIBRATION = 4  # earlier samples whose residuals tell how noisy this network is
_CHANGED = 5.0  # standard deviations by which a link must have moved for an earlier sample to be of another state
_FOLLOWS = 0.4  # share of a residual that may come and go with the traffic itself
_CHANGED_WIRE = 6.0  # standard errors by which what a wire loses must differ between two samples
_CHANGED_LOSSY = 3.0  # the same of a wire that loses more than late readings can make of none: it is no chance of all
_FULL, _EXCEEDED = 0.02, 2.0  # share dropped by a full queue; largest errors of a rate, one of each of two samples
_LEAST_CHANGED = 0.02  # share below which a change of a rate is no other state
_CHANGED_GROWTH = 0.25
_UNTOLD_S = 300.0  # between samples, where one sample alone is there and nothing says so


def observe(
    network: Network,
    telemetry: Telemetry,
    *,
    window: int = 3,
    now: datetime | None = None,
    configuration: Configuration | None = None,
) -> Observation:
    """Measure the state of `network`, the inventory, over at most `window` of the newest samples.

    Samples from before a change (a link went down, traffic moved, loss began, demands surged) are left out of the
    window. A pair whose export is missing keeps its last known demand, or the provisioned one at the network-wide
    level; `fallback` names its source. `now` is the reader's clock, by default the newest sample;
    `configuration` what the routers said of theirs, where it was collected.
    Raises `InputError` without samples or with a window below 1.
    """
    if window < 1:
        raise InputError(f"a window of {window} samples measures nothing", fix="use 3")
    samples = read_samples(network, telemetry, window + HISTORY)
    declared = telemetry.declared
    interval = interval_of(declared, samples.time)
    filled = _filled(network, samples)
    end = float(samples.time[-1])
    lines = [x for x in telemetry.events if x.time > end - (window + RECENT) * interval]
    facts = read_events(network, lines)
    residuals = _Residuals(network, samples, filled, declared, interval)
    steady = _steady(samples, filled, residuals, window)
    recent, past = samples.rows(slice(-steady, None)), samples.rows(slice(0, -steady))
    source_known = recent.demands.known()
    demands = np.where(source_known, np.nan_to_num(recent.demands.mean()), filled.matrix(-1))
    calm = np.flatnonzero(~turned_samples(network, facts, samples.time, interval))
    return Observation(
        inventory=network,
        network=network.with_demands(demands),
        window=recent,
        past=past,
        quality=_quality(network, recent, residuals.noise(steady, calm)),
        growth=_growth(network, samples, filled, steady, residuals),
        fallback=tuple(network.nodes[i].name for i in np.flatnonzero(np.any(~source_known, axis=1))),
        age_s=max(0.0, now.timestamp() - end) if now else 0.0,
        interval_s=interval,
        events=facts,
        unread_lines=len(lines) - len(facts),
        readbacks=read_back(network, {x.name: configuration for x in network.nodes}) if configuration else (),
        peerings=read_peerings(network, telemetry.peerings),
        declared=declared,
    )


def interval_of(declared: Declaration, times: Floats) -> float:
    """Return the seconds between samples: as the network declares them, else as the samples' times tell."""
    if declared.interval_s is not None:
        return declared.interval_s
    apart = np.diff(np.unique(times))
    return float(np.median(apart)) if apart.size else _UNTOLD_S


class _Filled(NamedTuple):
    """The demands of K samples with what is missing carried over from the sample before, or from those provisioned."""

    exported: Exported
    rates: list[Floats]  # [q] Mbit/s of each sample; one that lacks nothing, or everything, is no copy

    def matrix(self, row: int) -> Floats:
        """The demands of one sample, Mbit/s by source first [n, n]."""
        return self.exported.placed(self.rates[row])

    def arriving(self) -> Floats:
        """All that goes to each node in every sample, Mbit/s [K, n]."""
        return np.array([self.exported.arriving(rates) for rates in self.rates])


class _Residuals:
    """Measured minus predicted arrivals of single samples under the inventory's routing, in standard errors [m]."""

    def __init__(
        self, network: Network, samples: Samples, filled: _Filled, declared: Declaration, interval_s: float
    ) -> None:
        self._network, self._samples, self._filled = network, samples, filled
        self.declared, self.interval_s = declared, interval_s
        self._known: dict[int, tuple[Floats, Floats]] = {}
        self._counting = declared.sampled_mbit / interval_s
        self._strays = strayed(samples.demands)

    def of(self, row: int) -> tuple[Floats, Floats]:
        """Residual and its standard error of one sample, Mbit/s [m]; NaN where it was not measured."""
        if row not in self._known:
            sample = self._samples.rows(slice(row, row + 1))
            state, removed = self._network.with_demands(self._filled.matrix(row)), self._removed(row)
            noise = export_noise(state, removed, self.declared, samples=1, interval_s=self.interval_s)
            prediction = predict(state, removed, noise)
            self._known[row] = arrivals(sample)[0] - prediction.arrived, prediction.sigma
        return self._known[row]

    def growth(self, before: Floats, now: Floats, samples: tuple[int, int]) -> Growth:
        """Growth between two mean matrices of so many samples each, judged by how far pairs strayed in the samples."""
        return growth(before, now, self._counting, samples, self.declared, self._strays)

    def _removed(self, row: int) -> Floats:
        """Share that each link takes off, [m]: of the newest sample up to `row` that shows it."""
        removed = np.full(len(self._network.links), np.nan)
        for earlier in range(row, max(-1, row - 1 - REMEMBERED), -1):
            sample = self._samples.rows(slice(earlier, earlier + 1))
            known = removed_share(sample, self.declared.read_s / self.interval_s)
            removed = np.where(np.isfinite(removed), removed, known)
        return np.nan_to_num(removed)

    def noise(self, steady: int, calm: Ints) -> float:
        """How many times larger than stated the errors are, at least 1.

        Robust over links; of the samples before and within the window, the quieter ones count. `calm` are the positions
        of those that mix no states of a circuit that flaps: the others are no measure of errors.
        """
        begin = len(self._samples.time) - steady
        halves = [calm[calm < begin][-_CALIBRATION:], calm[calm >= begin]]
        return max(1.0, min((self._spread(rows.tolist()) for rows in halves if rows.size), default=1.0))

    def _spread(self, rows: Sequence[int]) -> float:
        scores = np.concatenate([np.abs(residual / sigma) for residual, sigma in map(self.of, rows)])
        known = scores[np.isfinite(scores)]
        return 1.4826 * float(np.median(known)) if known.size else 1.0


def _steady(samples: Samples, filled: _Filled, residuals: _Residuals, window: int) -> int:
    """How many of the newest samples, up to `window`, show one and the same state."""
    newest = len(samples.time) - 1
    steady = 1
    while steady < min(window, newest + 1) and _same(samples, filled, residuals, (newest - steady, newest)):
        steady += 1
    return steady


def _same(samples: Samples, filled: _Filled, residuals: _Residuals, pair: tuple[int, int]) -> bool:
    earlier, newest = pair
    both = samples.told[earlier] & samples.told[newest]
    if (both & (samples.up[earlier] != samples.up[newest])).any():
        return False
    (residual_a, sigma_a), (residual_b, sigma_b) = residuals.of(earlier), residuals.of(newest)
    follows = _FOLLOWS * np.fmax(np.abs(residual_a), np.abs(residual_b))
    moved = np.abs(residual_b - residual_a) > _CHANGED * np.hypot(sigma_a, sigma_b) + follows
    began = _wire_changed(samples, pair, residuals) | _plateau_changed(samples, pair, residuals)
    lost = samples.probe_loss[earlier], samples.probe_loss[newest]
    probed = np.abs(lost[1] - lost[0]) > _CHANGED * np.hypot(*(probe_error(x, residuals.declared) for x in lost))
    surge = residuals.growth(filled.matrix(earlier), filled.matrix(newest), (1, 1))
    surged = (np.abs(surge.score) > _CHANGED) & (np.abs(np.nan_to_num(surge.log_factor)) > _CHANGED_GROWTH)
    return not (moved.any() or began.any() or probed.any() or surged.any())


def _wire_changed(samples: Samples, pair: tuple[int, int], residuals: _Residuals) -> Flags:
    """Whether the share that each wire loses differs between two samples [m], each of two rates of two readings."""
    sent, received = samples.out_mbps[list(pair)], samples.in_mbps[list(pair)]
    lost = ratio(sent - received, np.nan_to_num(sent))
    error = np.sqrt(8) * residuals.declared.read_s / residuals.interval_s
    lossy = np.nan_to_num(lost[1]) > max(2 * residuals.declared.mistimed(residuals.interval_s), _LEAST_CHANGED)
    least = np.where(lossy, _CHANGED_LOSSY, _CHANGED_WIRE) * error
    return np.nan_to_num(np.abs(lost[1] - lost[0])) > np.maximum(least, _LEAST_CHANGED)


def _plateau_changed(samples: Samples, pair: tuple[int, int], residuals: _Residuals) -> Flags:
    """Whether each link is full in one sample at a rate that it exceeded in the other [m]."""
    sent, dropped = samples.out_mbps[list(pair)], samples.dropped_mbps[list(pair)]
    full = np.nan_to_num(dropped) > _FULL * np.nan_to_num(sent)
    off = max(_EXCEEDED * residuals.declared.mistimed(residuals.interval_s), _LEAST_CHANGED)
    exceeded = np.nan_to_num(sent[::-1]) > (1 + off) * np.nan_to_num(sent)
    return np.any(full & exceeded, axis=0)


def _filled(network: Network, samples: Samples) -> _Filled:
    exported = samples.demands
    provisioned = sum(float(network.demands[np.isfinite(matrix)].sum()) for matrix in exported)
    level = sum(float(np.nansum(matrix)) for matrix in exported) / provisioned if provisioned else 1.0
    last = exported.of(network.demands * level)
    filled = [last] * (len(samples.time) - len(exported))
    for rates in exported.mbps:
        known = np.isfinite(rates)
        if known.all():
            last = rates
        elif known.any():
            last = np.where(known, rates, last)
        filled.append(last)
    return _Filled(exported, filled)


def _growth(network: Network, samples: Samples, filled: _Filled, steady: int, residuals: _Residuals) -> Growth:
    """Growth of the last `steady` samples against the recent past.

    That ends for each node before its traffic last changed its level. Without a past, against the provisioned matrix.
    """
    first = len(samples.time) - steady
    if not first:
        return residuals.growth(network.demands, samples.demands.mean(), (1, steady))
    towards = filled.arriving()
    level, began = _level(towards), onsets(towards, residuals.declared)
    usual = level[max(0, first - RECENT) : first].mean()
    measured = partial(_measured, samples)
    before, now = measured(slice(max(0, first - RECENT), first)).mean(), measured(slice(first, None)).mean()
    for node in map(int, np.flatnonzero(began)):
        onset = int(began[node])
        rows = slice(max(0, onset - RECENT), onset)
        of_node = measured(rows).towards(node)
        calm = of_node * (usual / level[rows][onset - rows.start - len(of_node) :])[:, None]
        before[:, node], now[:, node] = mean(calm), mean(measured(slice(max(first, onset), None)).towards(node))
    found = residuals.growth(before, now, (min(RECENT, first), steady))
    return found._replace(since=np.where(began > 0, np.minimum(began, first), first))


def _measured(samples: Samples, chosen: slice) -> Exported:
    """The demands of some samples, but of those from before any flow export."""
    return samples.rows(chosen).demands


def _level(towards: Floats) -> Floats:
    """How large the traffic of the whole network is in each sample [K]: the median over nodes of what goes to them."""
    return np.exp(np.median(np.log(np.where(towards > 0, towards, 1.0)), axis=1))


def _quality(network: Network, recent: Samples, noise: float) -> Quality:
    up = recent.up.all(axis=0)
    counters = np.concatenate([recent.out_mbps[:, up].ravel(), recent.in_mbps[:, up].ravel()])
    exports = recent.rates()[:, recent.demands.of(network.demands) > 0]
    sent, received = mean(recent.out_mbps), mean(recent.in_mbps)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(sent - received) / sent
    apart = apart[np.isfinite(apart)]
    return Quality(
        missing_counters=_missing(counters),
        missing_exports=_missing(exports),
        disagreement=float(np.median(apart)) if apart.size else 0.0,
        noise=noise,
    )


def _missing(values: Floats | Sequence[float]) -> float:
    array = np.asarray(values)
    return float(np.isnan(array).mean()) if array.size else 0.0
