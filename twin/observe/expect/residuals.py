"""One sample held against the twin's prediction and against what the network did before: a residual per counter.

Each family of residuals has its own unit; what they share is that they are near 0 on a network that does what its
inventory, its measured traffic and its own recent past say.
"""

from typing import Literal, NamedTuple

import numpy as np

from twin.live.declared import Declaration
from twin.model import Floats, Network
from twin.observe.readings.observation import FRAME_MBIT, arrivals, removed_share
from twin.observe.readings.samples import Samples, ratio

from .prediction import export_noise, predict
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
_SHARE = 1e-4  # share of frames below which nothing is told
_PROBE_ERROR, _DELAY_MS, _DELAY_SHARE = 0.004, 0.08, 0.01
_PAIR_SPREAD, _LEAST_SPREAD, _PACKET_SPREAD = 0.17, 0.05, 0.03  # log units, of one pair within an hour, of a node
_TOTAL = 0.004
_IDLE_MBPS = 5.0


class Residual(NamedTuple):
    """Value and standard error of every stream of a family; NaN where nothing was measured."""

    value: Floats
    error: Floats


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
    prediction = predict(state, removed, noise)
    arrived, expected = arrivals(sample)[0], prediction.arrived
    busy = expected > _IDLE_MBPS
    load = np.where(busy, ratio(arrived - expected, expected), np.nan)
    sigma = np.where(busy, ratio(np.hypot(prediction.sigma, _reading(expected, declared, interval_s)), expected), 1.0)
    delay = prediction.delay_ms[sample.probe_source, sample.probe_target]
    known = np.isfinite(arrived)
    total = float(np.log(max(arrived[known].sum(), 1e-9) / max(expected[known].sum(), 1e-9))) if known.any() else np.nan
    residuals: dict[Family, Residual] = {
        "load": Residual(load, sigma),
        "wire": _wire(sample, declared, interval_s),
        "drops": _drops(network, sample),
        "errors": _errors(sample, interval_s),
        "probe_loss": _constant(sample.probe_loss[0], _PROBE_ERROR),
        "probe_delay": Residual(_finite(sample.probe_delay_ms[0] - delay), _DELAY_MS + _DELAY_SHARE * _finite(delay)),
        "growth": _growth(demands),
        "packets": _constant(_log(sample.packets_per_mbit[0]), _PACKET_SPREAD),
        "exports": Residual(np.array([total]), np.array([_TOTAL])),
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
    busy = np.nan_to_num(rate) > _IDLE_MBPS
    error = np.sqrt(2) * _reading(np.nan_to_num(rate), declared, interval_s)
    return Residual(np.where(busy, ratio(sent - received, rate), np.nan), np.where(busy, ratio(error, rate), 1.0))


def _drops(network: Network, sample: Samples) -> Residual:
    capacity = np.array([x.capacity for x in network.links])
    dropped = sample.dropped_mbps[0]
    return Residual(dropped / capacity, np.where(np.isfinite(dropped), 2e-4 + 0.2 / capacity, 1.0))


def _errors(sample: Samples, interval_s: float) -> Residual:
    """Share of the frames that arrive broken; the fewer are counted, the less well it is known."""
    broken = sample.errors_per_s[0] * interval_s
    frames = np.nan_to_num(sample.in_mbps[0]) * interval_s / FRAME_MBIT + np.nan_to_num(broken)
    counting = np.sqrt(np.nan_to_num(broken) + 1) / np.maximum(frames, 1.0)
    return Residual(ratio(broken, frames), np.hypot(_SHARE, counting))


def _growth(demands: Floats) -> Residual:
    """Log of what goes to each node [n]; the fewer pairs make it up, the more it strays."""
    total = demands.sum(axis=0)
    concentration = np.sqrt(ratio((demands**2).sum(axis=0), total**2))
    return Residual(_log(total), np.fmax(_PAIR_SPREAD * concentration, _LEAST_SPREAD))


def _constant(value: Floats, error: float) -> Residual:
    return Residual(value, np.full(value.size, error))


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _log(values: Floats) -> Floats:
    return np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)
