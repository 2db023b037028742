"""One sample held against the twin's prediction and against what the network did before: a residual per counter.

Each family of residuals has its own unit; what they share is that they are near 0 on a network that does what its
inventory, its measured traffic and its own recent past say.
"""

from typing import Literal, NamedTuple

import numpy as np

from twin.live.declared import Declaration
from twin.model import Floats, Network
from twin.observe.readings.growth import RECENT
from twin.observe.readings.link_rates import arrivals, removed_share
from twin.observe.readings.observation import FRAME_MBIT, Probes
from twin.observe.readings.samples import Samples
from twin.observe.readings.with_gaps import ratio

from .prediction import Prediction, export_noise, predict
from .probing import delay_error
from .reported import as_reported

Family = Literal["load", "wire", "drops", "errors", "probe_loss", "probe_delay", "growth", "packets", "exports"]
FAMILIES: tuple[Family, ...] = (
    "load",
    "wire",
    "drops",
    "errors",
    "probe_loss",
    "probe_delay",
    "growth",
    "packets",
    "exports",
)
SELF_CENTRED: frozenset[Family] = frozenset({"load", "probe_delay", "growth", "packets", "exports"})
"""Families whose residual is taken off its own recent past; the others are 0 on a healthy network."""
_TELLING = 10.0  # times the load that nobody exports from which on a link's relative residual tells something

_EXACT = 1e-6  # no instrument is more exact


class Residual(NamedTuple):
    """Value and standard error of every stream of a family; NaN where nothing was measured.

    `lasting` is what a stream may be off by in every sample alike: none of it is left once the stream's own recent past
    is taken off.
    """

    value: Floats
    error: Floats
    lasting: Floats | None = None

    def error_of(self, *, centred: bool) -> Floats:
        """Standard error of what is left of the values, with or without their recent past taken off."""
        return self.error if centred or self.lasting is None else np.hypot(self.error, self.lasting)


class Held(NamedTuple):
    """One sample: the residuals by family, and the state of the network that they are against."""

    residuals: dict[Family, Residual]
    state: Network


def stream_names(network: Network, samples: Samples) -> dict[Family, list[str]]:
    """Element ids of the streams of each family; of a probed pair, `probe/A/B`."""
    interfaces, nodes = [x.interface for x in network.links], [x.id for x in network.nodes]
    names = [x.name for x in network.nodes]
    pairs = zip(samples.probe_source, samples.probe_target, strict=True)
    probes = [f"probe/{names[int(s)]}/{names[int(t)]}" for s, t in pairs]
    of: dict[Family, list[str]] = dict.fromkeys(("load", "wire", "drops", "errors"), interfaces)
    return {
        **of,
        "probe_loss": probes,
        "probe_delay": probes,
        "growth": nodes,
        "packets": nodes,
        "exports": [f"network/{network.name}"],
    }


def hold(network: Network, sample: Samples, demands: Floats, declared: Declaration, interval_s: float) -> Held:
    """Hold one sample (one row) against the twin: `network` is the inventory, `demands` the matrix of the sample."""
    removed = np.nan_to_num(removed_share(sample, declared.read_s / interval_s))
    state = _reported(network.with_demands(demands), sample, declared)
    noise = export_noise(state, removed, declared, samples=1, interval_s=interval_s)
    pairs = sample.probe_source, sample.probe_target
    prediction = predict(state, removed, noise, pairs=pairs, carried=arrivals(sample))
    arrived, expected = arrivals(sample)[0], prediction.arrived
    busy = expected > _TELLING * declared.unexported_mbps
    load = np.where(busy, ratio(arrived - expected, expected), np.nan)
    sigma = np.where(busy, ratio(np.hypot(prediction.sigma, _reading(expected, declared, interval_s)), expected), 1.0)
    residuals: dict[Family, Residual] = {
        "load": Residual(load, sigma),
        "wire": _wire(sample, declared, interval_s),
        "drops": _drops(network, sample),
        "errors": _errors(sample, declared, interval_s),
        "probe_loss": _constant(sample.probe_loss[0], lost_by_chance(declared)),
        "probe_delay": _late(sample, prediction, declared),
        "growth": _growth(demands, declared, interval_s),
        "packets": _constant(_log(sample.packets_per_mbit[0]), np.sqrt(2) * declared.export_error),
        "exports": _exports(arrived, expected, demands, declared, interval_s),
    }
    return Held(residuals, state)


def _reported(network: Network, sample: Samples, declared: Declaration) -> Network:
    """The network with the circuits out of routing of which an end reports no link or no neighbour in this sample."""
    answered = sample.answered[0][[network.node_index[x.tail] for x in network.links]]
    near = np.where(answered, sample.adjacent[0], np.nan)
    return as_reported(network, ~answered | sample.up[0], near, two_way=declared.two_way)


def _reading(rate: Floats, declared: Declaration, interval_s: float) -> Floats:
    return np.sqrt(2) * declared.read_s / interval_s * rate + declared.unexported_mbps


def _wire(sample: Samples, declared: Declaration, interval_s: float) -> Residual:
    sent, received = sample.out_mbps[0], sample.in_mbps[0]
    rate = np.fmax(sent, received)
    busy = np.nan_to_num(rate) > _TELLING * declared.unexported_mbps
    error = np.sqrt(2) * _reading(np.nan_to_num(rate), declared, interval_s)
    return Residual(np.where(busy, ratio(sent - received, rate), np.nan), np.where(busy, ratio(error, rate), 1.0))


def _drops(network: Network, sample: Samples) -> Residual:
    capacity = np.array([x.capacity for x in network.links])
    dropped = sample.dropped_mbps[0]
    return Residual(dropped / capacity, np.where(np.isfinite(dropped), 2e-4 + 0.2 / capacity, 1.0))


def _errors(sample: Samples, declared: Declaration, interval_s: float) -> Residual:
    """Share of the frames that arrive broken; the fewer are counted, the less well it is known."""
    broken = sample.errors_per_s[0] * interval_s
    frames = np.nan_to_num(sample.in_mbps[0]) * interval_s / FRAME_MBIT + np.nan_to_num(broken)
    counting = np.sqrt(np.nan_to_num(broken) + 1) / np.maximum(frames, 1.0)
    return Residual(ratio(broken, frames), np.hypot(declared.ordinary_errors, counting))


def lost_by_chance(declared: Declaration) -> float:
    """Standard error of the share that one reading of a healthy path's probes shows as lost.

    Of n packets each gets lost with the ordinary share p: counting strays by sqrt(p (1 - p) / n), and what is ordinary
    may be anything up to p.
    """
    p = declared.ordinary_loss
    return float(np.hypot(p, np.sqrt(p * (1 - p) / declared.probe_packets)))


def _late(sample: Samples, prediction: Prediction, declared: Declaration) -> Residual:
    """How much later than predicted probes arrive, ms [p]; how wrong distances and paths are lasts."""
    pairs = sample.probe_source, sample.probe_target
    probes = Probes(*pairs, sample.probe_loss[0], sample.probe_delay_ms[0])
    noise = declared.delay_error_ms + prediction.queue_ms
    value = _finite(probes.delay_ms - prediction.delay_ms)
    return Residual(value, noise, delay_error(prediction, declared))


def _exports(arrived: Floats, expected: Floats, demands: Floats, declared: Declaration, interval_s: float) -> Residual:
    """Log of all loads over what all exports say they are, one stream.

    Its error is that of the sum of all exports, each with one of its own, and of as many counters read late. What
    nobody exports lasts.
    """
    known = np.isfinite(arrived)
    if not known.any():
        return Residual(np.array([np.nan]), np.ones(1))
    total = float(np.log(max(arrived[known].sum(), 1e-9) / max(expected[known].sum(), 1e-9)))
    exported = np.sqrt(_exported_variance(demands, declared, interval_s).sum()) / max(float(demands.sum()), 1e-9)
    read = np.sqrt(2 / known.sum()) * declared.read_s / interval_s
    beyond = declared.unexported_mbps * known.sum() / max(float(expected[known].sum()), 1e-9)
    return Residual(np.array([total]), np.array([max(np.hypot(exported, read), _EXACT)]), np.array([beyond]))


def _growth(demands: Floats, declared: Declaration, interval_s: float) -> Residual:
    """Log of what goes to each node [n]; the fewer pairs make it up, the more it strays.

    A pair that strays by `pair_spread` from one sample to the next has strayed by sqrt(N) times that over the N samples
    that are the recent past; the node by `drift`, and its exports by their own error.
    """
    total = demands.sum(axis=0)
    concentration = np.sqrt(ratio((demands**2).sum(axis=0), total**2))
    pairs = declared.pair_spread * np.sqrt(RECENT) * concentration
    exported = np.sqrt(ratio(_exported_variance(demands, declared, interval_s).sum(axis=0), total**2))
    error = np.sqrt(np.nan_to_num(pairs) ** 2 + declared.drift**2 + np.nan_to_num(exported) ** 2)
    return Residual(_log(total), error)


def _exported_variance(demands: Floats, declared: Declaration, interval_s: float) -> Floats:
    """Variance of each exported demand [n, n], (Mbit/s)^2: of flow export itself, and of counting sampled packets."""
    return (declared.export_error * demands) ** 2 + declared.sampled_mbit / interval_s * demands


def _constant(value: Floats, error: float) -> Residual:
    return Residual(value, np.full(value.size, max(error, _EXACT)))


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _log(values: Floats) -> Floats:
    return np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)
