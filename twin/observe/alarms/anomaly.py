"""Anomalies as they begin: every sample against the twin and the recent past, at a stated rate of false alarms.

A reading alarms when it is off in two samples running, by more than its family's smallest effect that matters and by
more standard errors than a healthy network is expected to reach at the stated rate. That threshold comes from the
largest scores of the samples so far: their tail is a generalised Pareto distribution (peaks over threshold; Coles
(2001), Siffer et al. (2017)), extrapolated to the stated risk, and never below a floor that holds while there is little
history.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Literal, get_args
from zipfile import BadZipFile

import numpy as np
from pydantic import Field

from twin.errors import InputError
from twin.live.declared import Declaration
from twin.live.network import Flags, Telemetry
from twin.model import Floats, Frozen, Network
from twin.observe.expect.residuals import FAMILIES, Family, Residual, hold, stream_names
from twin.observe.readings.intake import take_in
from twin.observe.readings.peerings import Peering, read_peerings, said_between, without_routes
from twin.observe.readings.samples import Samples, each_sample
from twin.observe.readings.with_gaps import mean

from .threshold import FLOOR, RECENT, StreamFamily, median

_Condition = tuple[list[str], Flags]
"""Elements, and at which of them it holds; an element may be there more than once."""
StateKind = Literal["down", "silent", "neighbour_lost", "no_routes", "unread"]
AnomalyKind = Family | StateKind | Literal["drift"]

_STATES: tuple[StateKind, ...] = get_args(StateKind)
WEEK_S = 604_800.0
_HOURS = 8
_QUIET = 3
_MAD = 1.4826
_SILENT, _UNREAD = 2, 5  # samples running without an answer: single polls get lost, each costs two rates
EFFECTS: dict[AnomalyKind, float] = {
    "load": 0.04,
    "wire": 0.008,
    "drops": 0.001,
    "errors": 0.0005,
    "probe_loss": 0.015,
    "probe_delay": 0.6,
    "growth": float(np.log(1.35)),
    "packets": float(np.log(1.3)),
    "exports": 0.025,
    "drift": 0.04,
}
"""Smallest deviation that matters, which is the service's choice and no property of instruments: relative load, shares
lost, dropped share of capacity, broken frames, share of probes, ms, log growth of the traffic towards a node beyond the
network's, log packets per Mbit, log of all loads over all exports, and the relative load again over an hour."""
_FLOORS: dict[AnomalyKind, float] = {"growth": 2.0, "drops": 3.0, "drift": 6.0}


class Anomaly(Frozen):
    """Something that began. Units of `measured` and `expected` are those of `EFFECTS`; of states they are 0 and 1."""

    kind: AnomalyKind
    element: str
    since: datetime = Field(description="End of the first sample that shows it, UTC.")
    seen: datetime = Field(description="End of the sample that made it an alarm, UTC.")
    measured: float
    expected: float
    score: float = Field(description="Standard errors off, of the lesser of both samples; 100 for a state.")


@dataclass
class _Alarm:
    anomaly: Anomaly
    quiet: int = 0


class _Told(Frozen):
    """What a packed detector holds besides arrays."""

    last: float | None
    interval_s: float
    routing: str
    samples: int
    open: tuple[tuple[Anomaly, int], ...]


class Detector:
    """Watches one network, sample by sample. The same samples give the same alarms.

    `alarms_per_week` is the rate of false alarms that is asked for on a healthy network, all readings together; the
    rate that this really gives on simulated healthy weeks is measured in `tests/benchmarks/anomalies.py`.
    Raises `InputError` on a rate or an interval that is not above 0.
    """

    def __init__(self, *, alarms_per_week: float = 0.5, interval_s: float = 300.0) -> None:
        if not (alarms_per_week > 0 and interval_s > 0):
            raise InputError(
                f"no watch has {alarms_per_week} alarms a week at {interval_s} s", fix="use for example 0.5 and 300"
            )
        self._interval_s = interval_s
        risk = alarms_per_week * interval_s / WEEK_S / (len(FAMILIES) + 1)
        self._tracks: dict[AnomalyKind, StreamFamily] = {
            kind: StreamFamily(kind, risk, floor=_FLOORS.get(kind, FLOOR)) for kind in (*FAMILIES, "drift")
        }
        self._open: dict[tuple[AnomalyKind, str], _Alarm] = {}
        self._last, self._routing = -np.inf, ""
        self._demands: Floats | None = None
        self._missed: dict[StateKind, Floats] = {}
        self.samples = 0
        self._hour: deque[Floats] = deque(maxlen=RECENT)
        self._hours: deque[Floats] = deque(maxlen=168)

    @property
    def open(self) -> tuple[Anomaly, ...]:
        """Every anomaly that has begun and not ended, the oldest first."""
        return tuple(sorted((x.anomaly for x in self._open.values()), key=lambda x: (x.since, x.kind, x.element)))

    @property
    def thresholds(self) -> dict[AnomalyKind, float]:
        """Standard errors at which each family alarms now."""
        return {kind: track.threshold for kind, track in self._tracks.items()}

    def update(self, network: Network, telemetry: Telemetry, *, now: datetime | None = None) -> tuple[Anomaly, ...]:
        """Take in the samples that are newer than the last one seen, and return the anomalies that begin in them.

        `network` is the inventory at that time. Rows of samples seen before are not looked at again. Raises
        `InputError` when an element is out of range.
        """
        usable, _ = take_in(telemetry, now)
        if not (usable.links.time.size or usable.traffic.time.size):
            return ()
        found: list[Anomaly] = []
        for sample in each_sample(network, usable, self._last):
            said = said_between(usable.peerings, self._last, float(sample.time[0]))
            self._last = float(sample.time[0])
            found += self._without_routes(network, sample.up[0], read_peerings(network, said))
            found += self._sample(network, sample, usable.declared)
        return tuple(found)

    def pack(self) -> bytes:
        """Put all that it has learned into bytes, so that a watch can go on after its process has ended."""
        arrays: dict[str, Floats] = {
            f"{kind}/{name}": array for kind, track in self._tracks.items() for name, array in track.arrays().items()
        }
        arrays |= {f"missed/{kind}": array for kind, array in self._missed.items()}
        arrays |= {f"hour/{i}": x for i, x in enumerate(self._hour)} | {
            f"hours/{i}": x for i, x in enumerate(self._hours)
        }
        if self._demands is not None:
            arrays["demands"] = self._demands
        told = _Told(
            last=self._last if np.isfinite(self._last) else None,
            interval_s=self._interval_s,
            routing=self._routing,
            samples=self.samples,
            open=tuple((x.anomaly, x.quiet) for x in self._open.values()),
        )
        arrays["told"] = np.frombuffer(told.model_dump_json().encode(), dtype=np.uint8).astype(np.float64)
        file = BytesIO()
        np.savez_compressed(file, allow_pickle=False, **arrays)
        return file.getvalue()

    def unpack(self, packed: bytes) -> None:
        """Go on from what another detector had learned. Raises `InputError` when that is none."""
        try:
            with np.load(BytesIO(packed), allow_pickle=False) as file:
                arrays: dict[str, Floats] = {name: file[name] for name in file.files}
            told = _Told.model_validate_json(arrays["told"].astype(np.uint8).tobytes())
            if told.interval_s != self._interval_s:
                raise ValueError(f"it watched every {told.interval_s:g} s")
            for kind, track in self._tracks.items():
                track.take_up({x.removeprefix(f"{kind}/"): a for x, a in arrays.items() if x.startswith(f"{kind}/")})
        except (ValueError, KeyError, OSError, IndexError, BadZipFile) as error:
            raise InputError(f"this is no detector that can go on here: {error}", fix="let it learn anew") from error
        self._missed = {kind: arrays[f"missed/{kind}"] for kind in _STATES if f"missed/{kind}" in arrays}
        for name, kept in (("hour", self._hour), ("hours", self._hours)):
            kept.clear()
            kept.extend(arrays[f"{name}/{i}"] for i in range(sum(x.startswith(f"{name}/") for x in arrays)))
        self._demands, self._routing, self.samples = arrays.get("demands"), told.routing, told.samples
        self._last = -np.inf if told.last is None else told.last
        self._open = {(x.kind, x.element): _Alarm(x, quiet) for x, quiet in told.open}

    def _sample(self, network: Network, sample: Samples, declared: Declaration) -> list[Anomaly]:
        self.samples += 1
        held = hold(network, sample, self._filled(network, sample.matrix(0)), declared, self._interval_s)
        routing = held.state.with_demands(np.zeros_like(held.state.demands)).id
        settled = routing == self._routing
        self._routing = routing
        if not settled:
            for kind in ("load", "probe_delay", "exports", "drift"):
                self._tracks[kind].forget()
            self._hour.clear()
            self._hours.clear()
        names = stream_names(network, sample)
        found = [*self._states(network, sample)]
        for kind in FAMILIES:
            found += self._family(kind, names[kind], held.residuals[kind])
        found += self._drift(names["load"], held.residuals["load"])
        return found

    def _filled(self, network: Network, demands: Floats) -> Floats:
        last = self._demands if self._demands is not None and self._demands.shape == demands.shape else network.demands
        self._demands = np.where(np.isfinite(demands), demands, last)
        return self._demands

    def _family(self, kind: AnomalyKind, names: list[str], residual: Residual) -> list[Anomaly]:
        track = self._tracks[kind]
        centre, off = track.centre(residual.value.size), track.deviation(residual)
        lesser = track.score(off, track.error(residual))
        opened = np.array([(kind, name) in self._open for name in names], dtype=np.bool_)
        size = np.abs(np.nan_to_num(off))
        beyond = (np.abs(lesser) > track.threshold) & (size > EFFECTS[kind])
        found = [
            self._begin(kind, names[i], (residual.value[i], centre[i], abs(lesser[i])))
            for i in np.flatnonzero(beyond & ~opened)
        ]
        self._settle(kind, names, beyond | (size > EFFECTS[kind] / 2))
        track.learn(off, centre, lesser, opened | beyond, residual.value)
        return found

    def _drift(self, names: list[str], residual: Residual) -> list[Anomaly]:
        """Loads that left the prediction little by little: this hour's mean against the hours before."""
        self._hour.append(residual.value)
        if len(self._hour) < RECENT:
            return []
        if self._tracks["load"].samples % RECENT:
            return []
        hour = mean(np.array(self._hour))
        track = self._tracks["drift"]
        self._hours.append(hour)
        if len(self._hours) < _HOURS:
            return []
        past = np.array(self._hours)[:-2]
        middle = median(past)
        scale = np.fmax(_MAD * median(np.abs(past - middle)), 0.005)
        score = np.nan_to_num((hour - middle) / scale)
        beyond = (np.abs(score) > track.threshold) & (np.abs(np.nan_to_num(hour - middle)) > EFFECTS["drift"])
        opened = np.array([("drift", name) in self._open or ("load", name) in self._open for name in names])
        found = [
            self._begin("drift", names[i], (hour[i], middle[i], abs(score[i])), RECENT)
            for i in np.flatnonzero(beyond & ~opened)
        ]
        self._settle("drift", names, beyond)
        track.maxima.append(float(np.abs(np.where(opened | beyond, 0.0, score)).max(initial=0.0)))
        track.calibrate()
        return found

    def _states(self, network: Network, sample: Samples) -> Iterator[Anomaly]:
        """What is down or has gone silent: no chance in it but lost polls, which do not come in a row."""
        answered, ends = sample.answered[0], [network.node_index[x.tail] for x in network.links]
        usable = np.array([x.usable for x in network.links], dtype=np.bool_)
        built = np.array([x.up for x in network.nodes], dtype=np.bool_)
        reported = usable & answered[ends]
        unheard = self._running("unread", reported & sample.up[0] & np.isnan(sample.out_mbps[0]))
        conditions: dict[StateKind, _Condition] = {
            "silent": ([x.id for x in network.nodes], self._silent(network, sample, built & ~answered)),
            "down": ([x.circuit for x in network.links], reported & ~sample.up[0]),
            "neighbour_lost": ([x.circuit for x in network.links], reported & sample.up[0] & (sample.adjacent[0] == 0)),
            "unread": ([x.interface for x in network.links], unheard >= _UNREAD),
        }
        yield from self._hold(conditions)

    def _without_routes(self, network: Network, up: Flags, said: Sequence[Peering]) -> Iterator[Anomaly]:
        """Exits by which their routers say in this sample to have no route."""
        names = [network.links[x.link].interface for x in said]
        out = set(without_routes(network, said, up))
        yield from self._hold({"no_routes": (names, np.array([x in out for x in names], dtype=np.bool_))})

    def _hold(self, conditions: Mapping[StateKind, _Condition]) -> Iterator[Anomaly]:
        """Begin what holds and has not begun, and end what has been quiet."""
        for kind, (names, holds) in conditions.items():
            for name in dict.fromkeys(names[i] for i in np.flatnonzero(holds)):
                if (kind, name) not in self._open:
                    late = {"silent": _SILENT, "unread": _UNREAD}.get(kind, 1)
                    yield self._begin(kind, name, (0.0, 1.0, 100.0), late)
            self._settle(kind, names, holds)

    def _silent(self, network: Network, sample: Samples, missing: Flags) -> Flags:
        """Nodes that have not answered for some samples, fewer when no neighbour hears of them either [n]."""
        heard = np.zeros(missing.size, dtype=np.bool_)
        received = np.nan_to_num(sample.in_mbps[0]) > 0
        np.logical_or.at(heard, [network.node_index[x.tail] for x in network.links], received)
        running = self._running("silent", missing)
        return (running >= 2 * _SILENT) | ((running >= _SILENT) & ~heard)

    def _running(self, kind: StateKind, holds: Flags) -> Floats:
        """For how many samples running each condition has held [k]."""
        before = self._missed.get(kind)
        before = before if before is not None and before.size == holds.size else np.zeros(holds.size)
        self._missed[kind] = np.where(holds, before + 1, 0.0)
        return self._missed[kind]

    def _begin(self, kind: AnomalyKind, element: str, figures: tuple[float, float, float], late: int = 2) -> Anomaly:
        seen = datetime.fromtimestamp(self._last, UTC)
        measured, expected, score = (float(x) for x in figures)
        anomaly = Anomaly(
            kind=kind,
            element=element,
            since=datetime.fromtimestamp(self._last - (late - 1) * self._interval_s, UTC),
            seen=seen,
            measured=measured,
            expected=expected,
            score=min(score, 100.0),
        )
        self._open[kind, element] = _Alarm(anomaly)
        return anomaly

    def _settle(self, kind: AnomalyKind, names: list[str], still: Flags) -> None:
        """End the alarms that have been quiet for a while."""
        lasting = {name for name, holds in zip(names, still, strict=True) if holds}
        for (of, name), alarm in list(self._open.items()):
            if of == kind:
                alarm.quiet = 0 if name in lasting else alarm.quiet + 1
                if alarm.quiet >= _QUIET:
                    del self._open[of, name]
