"""One's own network, read by what its site file says of it: topology, measurements, logs, calendars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from .clock import utc_now
from .documents import Document, read_documents
from .errors import FormatError, InputError, TwinError
from .execute.render import Inventory
from .files import read_toml
from .formats.build import Choices, Reading, read_units
from .formats.calendar import NO_TAGS, Calendar, Tags, read_calendar, read_objects
from .formats.calendar_feed import FetchedCalendar, copies_beside, feed_name, fetch_calendar, is_feed
from .formats.exits import ExitGroup
from .formats.interface_names import read_interfaces, read_peers
from .formats.load import load_reading, read_explained
from .formats.measurements.columns import read_mapping
from .formats.measurements.folders import MOST_FILES
from .formats.measurements.moments import read_zone
from .formats.measurements.part import Options, Part
from .formats.measurements.prefixes import read_prefixes
from .formats.measurements.read import Measurements, combine, read_parts
from .formats.text import first_problem
from .live.adapters import is_adapter, open_live
from .live.files import FilesNetwork, Look
from .live.watched import Lookable
from .model import Astray, Network
from .observe.readings.databases import SCHEME, Databases, asked_router
from .planned import PlannedWork
from .site_file import OF_PROMETHEUS, SITE, MeasurementKind, Site
from .traffic_classes import TrafficClass

_MOST_MATCHED = 1_000  # files that a pattern may name


class TriedCalendar(NamedTuple):
    """One calendar after it was read by itself: since when it is as it is, how many works it plans, and what failed.

    One that failed and plans something is an older copy that stands in.
    """

    name: str
    written: datetime | None = None
    works: int = 0
    questions: tuple[str, ...] = ()
    failed: str = ""
    fix: str = ""


class TriedCalendars(NamedTuple):
    """Every calendar of a site after it was read, and the work that those plan together which could be."""

    each: tuple[TriedCalendar, ...]
    works: tuple[PlannedWork, ...]


class OpenSite(NamedTuple):
    """A site file, read: what it says, and the folder that its paths are relative to."""

    path: Path
    site: Site

    @property
    def folder(self) -> Path:
        """Folder of the site file."""
        return self.path.parent

    @property
    def twin(self) -> Path:
        """The twin file of the site."""
        return self.folder / self.site.twin

    @property
    def policy(self) -> Path | None:
        """The file of the limits to keep, None where the site names none."""
        return self.folder / self.site.policy if self.site.policy else None

    def reading(self) -> Reading:
        """Read the inventory, with its account and the names of its interfaces. Raises as `read_explained` does."""
        sources = self.site.sources
        tables = tuple(str(path) for kind in ("capacities", "places") for path in self._files(kind))
        choices = Choices(
            self._units(),
            sources.network_id,
            tables=tables,
            columns=read_mapping(f"{x}={y}" for x, y in self.site.columns.items()),
            zone=read_zone(self.site.zone),
            exits=self._exits(),
        )
        named = self.folder / sources.topology
        if named.exists():
            traffic = self.folder / sources.traffic if sources.traffic else None
            reading = read_explained(named, traffic, choices)
        elif sources.traffic is None and "/" in sources.topology and not Path(sources.topology).suffix:
            reading = load_reading(sources.topology, choices)  # a published network, to try things on
        else:
            raise InputError(f"{self.path}: topology: there is no file {named}", fix="correct the path")
        interfaces = dict(reading.interfaces)
        for path in self._files("interfaces"):
            interfaces |= read_interfaces(path, reading)
        network = replace(reading.network, **self.site.model_dump(include={"igp", "repair"}, exclude_defaults=True))
        unknown = [x for x in self.site.reflectors if not network.is_router(x)]
        if unknown:
            raise FormatError(str(self.path), "reflectors", f"routers of {network.name}, not {unknown[0][:80]!r}")
        if self.site.reflectors:
            told = (Astray("reflect", x) for x in self.site.reflectors)
            network = replace(network, astray=(*network.astray, *told))
        own = {x.name: TrafficClass(x.name, x.priority, x.weight, x.share) for x in self.site.classes}
        if own:
            others = tuple(x for x in network.classes if x.name not in own)
            network = replace(network, classes=(*others, *own.values()))
        return reading._replace(network=network, interfaces=interfaces)

    def measurements(self, kind: MeasurementKind, clock: Callable[[], datetime]) -> Measurements | None:
        """Read the measurements of one source alone, None where the site names none. Raises as `look` does."""
        files = self._files(kind)
        if not files and not (kind in OF_PROMETHEUS and self.site.sources.prometheus):
            return None
        reading = self.reading()
        options = self._options(reading, clock())
        parts = read_parts(files, reading.network, options)
        if kind in OF_PROMETHEUS:
            parts += [x for x in self._asked(reading.network, options) if (x.probes is None) == (kind == "counters")]
        return combine(parts, reading.network, options, alone=True) if parts else None

    def documents(self) -> tuple[Document, ...]:
        """Read what people wrote about it. Raises as `read_documents` does."""
        return read_documents(self._files("documents"))

    def network(self, clock: Callable[[], datetime], *, say: Callable[[str], None] = lambda _: None) -> FilesNetwork:
        """Open the network as its files are now; `clock` is the wall clock, `say` tells a person what waits for them.

        Where the site names an actuator, the network can be changed. Raises `InputError` where that lacks something.
        """
        hand, databases = self.site.actuator, self.databases()
        if hand is None:
            return FilesNetwork(lambda: self.look(clock, databases))
        if self.site.clock == "newest":
            raise InputError(
                f"{self.path}: the past cannot be changed", fix='say clock = "wall", or leave [actuator] out'
            )
        known = Inventory(self.reading().interfaces, self.site.routers)
        return hand.network(self.folder, lambda: self.look(clock, databases), known, say)

    def calendar(self, network: Network, now: datetime, tags: Tags = NO_TAGS) -> Calendar:
        """Read the work that others have planned from `now` on; a server that is away is stood in for, and named.

        It may name elements by the `tags` of a policy.
        Raises what its reader raises, and `InputError` on missing files and on a server that is away too long.
        """
        found = [one for name in self.site.sources.calendar for one in self._calendar_files(name)]
        read = self._read_calendar([x.path for x in found], network, now, tags)
        asked = tuple(f"{x.failed}; the copy of {x.fetched:%F %H:%M} UTC is used" for x in found if x.failed)
        return read._replace(questions=(*asked, *read.questions))

    def calendars(self, network: Network, now: datetime, tags: Tags = NO_TAGS, *, anew: bool = False) -> TriedCalendars:
        """Read each calendar by itself, and all that can be read together, where a note may take another one back.

        `anew` asks servers whatever is at hand.
        """
        tried, readable = list[TriedCalendar](), list[Path]()
        for name in self.site.sources.calendar:
            shown = feed_name(name) if is_feed(name) else name
            try:
                files = self._calendar_files(name, anew=anew)
            except TwinError as error:
                tried.append(TriedCalendar(shown, failed=str(error), fix=error.fix))
                continue
            for one in files:
                label = shown if is_feed(name) else str(one.path).removeprefix(f"{self.folder}/")
                try:
                    read = self._read_calendar([one.path], network, now, tags)
                except TwinError as error:
                    tried.append(TriedCalendar(label, one.fetched, failed=str(error), fix=error.fix))
                else:
                    readable.append(one.path)
                    tried.append(TriedCalendar(label, one.fetched, len(read.works), read.questions, one.failed))
        return TriedCalendars(tuple(tried), self._read_calendar(readable, network, now, tags).works)

    def _read_calendar(self, paths: Sequence[Path], network: Network, now: datetime, tags: Tags) -> Calendar:
        sources = self.site.sources
        objects = read_objects(self.folder / sources.objects) if sources.objects else None
        zone = read_zone(self.site.zone)
        return read_calendar(paths, network, now=now, objects=objects, tags=tags, zone=zone)

    def _calendar_files(self, name: str, *, anew: bool = False) -> list[FetchedCalendar]:
        """The files of one calendar of the site: what a pattern matches, or the copy of what a server gives."""
        if is_feed(name):
            return [fetch_calendar(name, copies_beside(self.folder), now=utc_now(), anew=anew)]
        return [
            FetchedCalendar(x, datetime.fromtimestamp(x.stat().st_mtime, UTC)) for x in self._matched("calendar", name)
        ]

    def look(self, clock: Callable[[], datetime], databases: Databases | None = None, most: int = MOST_FILES) -> Look:
        """Read everything that was measured, `most` files of a folder; `databases` are those of the looks before.

        Raises `InputError` when the site names no measurements or files are missing, and what their readers raise.
        """
        from .observe.readings.files import read_tables

        reading = self.reading()
        files = [path for kind in ("counters", "flows", "probes", "logs") for path in self._files(kind)]
        options = self._options(reading, clock())
        asked = self._asked(reading.network, options)
        if not files and not asked:
            fix = "name files under `counters` and `flows`, or a server under `prometheus`, in [sources]"
            raise InputError(f"{self.path} names no measurements", fix=fix)
        database = (databases or self.databases()).part(reading.network, reading.names, once=databases is None)
        asked += [database] if database else []
        measured = read_tables(files, reading.network, options, asked, most=most)
        stated = {x: getattr(self.site.instruments, x) for x in self.site.instruments.model_fields_set}
        if "concentration" in stated:
            stated["splits_told"] = False
        declared = measured.telemetry.declared.model_copy(update={**stated, "by_hand": True})
        now = measured.now if self.site.clock == "newest" else clock()
        return Look(measured.network, replace(measured.telemetry, declared=declared), now)

    def databases(self) -> Databases:
        """Where link-state databases come from that the site names. Raises `InputError` on an address that is none."""
        site, named = self.site, self.site.sources.lsdb
        routers = [x for x in named if x.startswith(SCHEME)]
        if routers and site.clock == "newest":
            raise InputError(f"{self.path}: a router says what is now", fix='say clock = "wall", or name a file')
        asked = [asked_router(x, self.folder, site.ssh, site.routers) for x in routers]
        files = [x for x in named if x not in routers]
        return Databases(lambda: self._all_matched("lsdb", files), asked, site.ssh, site.instruments.interval_s)

    def _asked(self, network: Network, options: Options) -> list[Part]:
        """What a Prometheus API that the site names holds now; nothing where it names none."""
        from .observe.readings.prometheus import prometheus_at, read_prometheus_parts

        sources = self.site.sources
        if sources.prometheus is None or options.now is None:
            return []
        api = prometheus_at(sources.prometheus).model_copy(update={"matchers": sources.matchers})
        return read_prometheus_parts(api, network, now=options.now, minutes=sources.minutes, options=options)

    def _options(self, reading: Reading, now: datetime) -> Options:
        """What the readers of measurements are told of the files, and of the network that they are of."""
        network, instruments = reading.network, self.site.instruments
        tails = {name: network.node_index[network.links[i].tail] for name, i in network.link_index.items()}
        named = [*reading.interfaces.items(), *read_peers(self._files("peers"), reading).items()]
        ports = {(tails[x], port.lower()): network.link_index[x] for x, port in named}
        prefixes = self.site.sources.prefixes
        return Options(
            read_mapping(f"{x}={y}" for x, y in self.site.columns.items()),
            self._units(),
            read_zone(self.site.zone),
            interval_s=instruments.interval_s,
            sampling=instruments.sampling if "sampling" in instruments.model_fields_set else None,
            names=reading.names,
            ports=ports,
            prefixes=read_prefixes(str(self.folder / prefixes), network, reading.names) if prefixes else None,
            unsized=reading.unsized,
            now=now,
        )

    def _exits(self) -> tuple[ExitGroup, ...]:
        return tuple(ExitGroup(x.name, x.at, x.capacity) for x in self.site.exits)

    def _units(self) -> Mapping[str, str]:
        return read_units(f"{x}={y}" for x, y in self.site.units.items())

    def _files(self, kind: str) -> Sequence[Path]:
        return self._all_matched(kind, getattr(self.site.sources, kind))

    def _all_matched(self, kind: str, patterns: Sequence[str]) -> Sequence[Path]:
        return [path for pattern in patterns for path in self._matched(kind, pattern)]

    def _matched(self, kind: str, pattern: str) -> list[Path]:
        paths = _named_by(self.folder, pattern)
        if not paths:
            raise InputError(f"{self.path}: {kind}: no file matches {pattern}", fix="correct it, or leave it out")
        return paths


def read_site(path: str | Path) -> OpenSite:
    """Read a site file, or the one in a folder.

    Raises `InputError` when it cannot be read and `FormatError` with the key that is wrong and what was expected.
    """
    path = Path(path) / SITE if Path(path).is_dir() else Path(path)
    try:
        return OpenSite(path, Site.model_validate(read_toml(path)))
    except ValidationError as error:
        where, expected = first_problem(error)
        raise FormatError(str(path), where.removeprefix("$."), expected) from error


def connect(name: str, *, say: Callable[[str], None] = lambda _: None) -> Lookable:
    """Open a live network by its name: the lab, that of an adapter (`NAME` or `NAME:WHICH`), or a site file.

    One that is opened from a site file is as its files are now, and can be changed where that names an actuator. Raises
    as `read_site` and `OpenSite.network` do, and what the adapter raises.
    """
    return open_live(name) if is_adapter(name) else read_site(name).network(utc_now, say=say)


def _named_by(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that a pattern names, in the order of their names; none where there is none.

    Raises `InputError` on a pattern that leads out of it, is none, or names too many.
    """
    plain = folder / pattern
    if not any(c in pattern for c in "*?["):
        return [plain] if plain.exists() else []
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise InputError(f"{pattern} leads out of {folder}", fix="give a pattern below the site's folder")
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        raise InputError(f"{pattern} is no pattern: {error}", fix="give one such as counters/*.csv") from error
    if len(found) > _MOST_MATCHED:
        raise InputError(f"{pattern} matches {len(found):,} files", fix=f"give at most {_MOST_MATCHED:,} at once")
    return found
