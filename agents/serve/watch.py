"""The watch: looks at the network again and again, and says what is seen that the inventory does not explain.

Detector, twin and forecast stay warm between looks. What the detector has learned is kept on file, so that a watch that
was killed goes on where it was. A source that does not answer, or gives nothing new, is an incident of its own: the
watch goes on with what it had, and says how old that is.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.box.run_state import ReadSide, RunState
from twin.errors import InputError, TwinError
from twin.files import is_plain, read_bytes, write_bytes
from twin.live.network import Telemetry, since_then
from twin.live.watched import Lookable
from twin.memory import give_back, give_large_back
from twin.model import Network
from twin.observe.alarms.anomaly import Anomaly, Detector
from twin.observe.alarms.incidents import Signal, correlate
from twin.observe.alarms.planned_work import unplanned_anomalies
from twin.observe.observe import interval_of
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.store.archive import GRACE, SAMPLES, SampleArchive

from .demand_history import DemandHistory
from .load_history import LoadHistory
from .sightings import Sighting

DETECTOR = "detector.npz"
LATE, GONE = 2, 4
"""Intervals after which the newest sample is late, and after which its source counts as gone."""
_WINDOW = 30  # samples behind the state that is shown
_KEEP_EVERY = 20  # looks between two copies of what was learned
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Look:
    """What one look saw. `run_state` answers the agents' own questions about it, each when it is asked."""

    def __init__(
        self, run_state: RunState, telemetry: Telemetry, anomalies: tuple[Anomaly, ...], seen: tuple[Sighting, ...]
    ) -> None:
        self.run_state, self.telemetry, self.anomalies, self.seen = run_state, telemetry, anomalies, seen
        self.now = run_state.live.now

    @property
    def network(self) -> Network:
        """What is configured."""
        return self.run_state.inventory

    @property
    def newest(self) -> datetime | None:
        """End of the newest sample, None when there is none."""
        times = self.telemetry.links.time
        return datetime.fromtimestamp(float(times.max()), UTC) if times.size else None


class _Still:
    """A network as it was at one look: time stands still in it."""

    def __init__(self, network: Network, telemetry: Telemetry, now: datetime) -> None:
        self._network, self._telemetry, self.now = network, telemetry, now
        self.declared = telemetry.declared

    def read_topology(self) -> Network:
        return self._network

    def read_telemetry(self, since: datetime) -> Telemetry:
        return since_then(self._telemetry, since)


class Watch:
    """Watches one network. Not for several threads at once."""

    def __init__(
        self,
        live: Lookable,
        folder: Path,
        *,
        policy: Policy,
        alarms_per_week: float = 0.5,
        samples_for: timedelta = timedelta(days=30),
        works: Callable[[], tuple[PlannedWork, ...]] = lambda: (),
    ) -> None:
        """Take up the watch of a network; `folder` keeps what the detector learned, and samples for so long.

        `works` says what others have planned: what follows from it while it lasts is not seen, but for harm.

        Raises what the first look does.
        """
        self._live, self._path, self._policy = live, folder / DETECTOR, policy
        self._rate, self._looks, self._works = alarms_per_week, 0, works
        give_large_back()
        first = live.read_telemetry(_EVER)
        self.interval_s = interval_of(live.declared, first.links.time)
        self.detector = Detector(alarms_per_week=alarms_per_week, interval_s=self.interval_s)
        if is_plain(self._path):
            with suppress(InputError):  # of another interval or version: it learns anew
                self.detector.unpack(read_bytes(self._path))
        self.demands, self.loads = DemandHistory(folder), LoadHistory(folder)
        self.samples, self._samples_for, self._tidied = SampleArchive(folder / SAMPLES), samples_for, _EVER
        self._since = _EVER
        self.latest: Look | None = None
        self.failed: tuple[datetime, str] | None = None
        self.unkept: tuple[datetime, str] | None = None

    @property
    def name(self) -> str:
        """The network's name."""
        return self._live.read_topology().name

    def look(self, advance: Callable[[Lookable], None] = lambda live: live.look_again()) -> tuple[Sighting, ...]:
        """Look once, and return what is seen. `advance` has the network measured anew."""
        try:
            advance(self._live)
            self._take()
        except (TwinError, OSError) as error:
            words = " ".join(str(error).split())
            self.failed = (self.failed[0] if self.failed else self._clock(), words)
        else:
            self.failed = None
        self._looks += 1
        if self._looks % _KEEP_EVERY == 0:
            self.keep()
        seen = self.latest.seen if self.latest else ()
        return (*seen, *self._gone())

    def keep(self) -> None:
        """Put on file what was learned so far. A full disk costs that, and not the watch."""
        with suppress(TwinError):
            write_bytes(self._path, self.detector.pack(), mode=0o600)
            self.demands.keep()
            self.loads.keep()
        give_back()

    def close(self) -> None:
        """Put on file what was learned, and give the samples back."""
        self.keep()
        self.samples.close()

    def age(self) -> timedelta | None:
        """How old the newest sample is; None before there is one."""
        newest = self.latest.newest if self.latest else None
        return None if newest is None else max(self._clock() - newest, timedelta())

    def _take(self) -> None:
        live = self._live
        network, now = live.read_topology(), live.now
        telemetry = live.read_telemetry(self._since)
        self.detector.update(network, telemetry, now=now)
        self.demands.take(network, telemetry)
        self.loads.take(network, telemetry.links)
        self._put_away(network, telemetry, now)
        since = now - timedelta(seconds=(_WINDOW + 1) * self.interval_s)
        window = live.read_telemetry(since)
        run_state = RunState(network, self._policy, ReadSide(_Still(network, window, now)), since, works=self._works())
        anomalies = self.detector.open
        self.latest = Look(
            run_state, window, anomalies, _sightings(run_state, anomalies) if window.links.time.size else ()
        )
        newest = telemetry.links.time
        if newest.size:  # a sample whose rows come in late is read once more
            self._since = datetime.fromtimestamp(float(newest.max()) - 2.5 * self.interval_s, UTC)

    def _put_away(self, network: Network, telemetry: Telemetry, now: datetime) -> None:
        """Keep the samples of links. A full disk costs those, and not the watch."""
        try:
            self.samples.append(network, telemetry.links)
            if (now - GRACE).replace(minute=0, second=0, microsecond=0) > self._tidied:  # another hour is over
                self.samples.tidy(now, keep=self._samples_for)
                self._tidied = now - GRACE
        except TwinError as error:
            self.samples.close()  # what a write broke off in is opened anew
            since = self.unkept[0] if self.unkept else now
            self.unkept = since, f"{' '.join(str(error).split())}; free some space"
        else:
            self.unkept = None

    def _gone(self) -> tuple[Sighting, ...]:
        age = self.age()
        if age is None or age.total_seconds() <= GONE * self.interval_s:
            return ()
        network = f"network/{self.latest.network.name if self.latest else 'unknown'}"
        since = self._clock() - age
        return (Sighting(source=network, kind="unread", elements=(network,), since=since),)

    def _clock(self) -> datetime:
        try:
            return self._live.now
        except (TwinError, OSError):
            return datetime.now(UTC)


def _sightings(run_state: RunState, anomalies: tuple[Anomaly, ...]) -> tuple[Sighting, ...]:
    """Group what is seen by what can have caused it; without any anomaly nothing is computed."""
    if not anomalies:
        return ()
    seen = run_state.look()
    anomalies = unplanned_anomalies(
        seen, run_state.works, anomalies, run_state.live.now, run_state.policy.max_utilisation
    )
    groups = correlate(seen.network, [Signal.of(x) for x in anomalies], seen.declared)
    return tuple(
        Sighting(
            source=x.source,
            kind=x.kind,
            elements=x.elements,
            since=min(anomalies[i].since for i in x.signals),
            reported=x.reported,
        )
        for x in groups
    )
