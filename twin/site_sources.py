"""Every source of one's own network, tried by itself: what it gives, how old that is, and how much of it is there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np

from .errors import TwinError
from .execute.actuators.acting import ActingNetwork
from .execute.actuators.actuator import VENDORS
from .execute.running import told
from .formats.build import Reading
from .formats.calendar import NO_TAGS
from .formats.lsdb.laid_over import metrics_apart
from .formats.measurements.folders import NOT_READ
from .formats.measurements.read import Measurements
from .live.adapters import open_live
from .live.declared import Operation
from .live.network import Measurable, Telemetry
from .model import Floats, Network
from .observe.observe import interval_of
from .observe.readings.databases import SCHEME
from .observe.readings.syslog import read_events
from .policy_file import load_policy
from .site import OpenSite
from .site_file import MeasurementKind

_KINDS: tuple[MeasurementKind, ...] = ("counters", "flows", "probes", "logs")
_LATE = 2.0
"""Intervals after which a source that is read now is late."""
_LOOKED_BACK = timedelta(hours=1)
_OF_HANDS: frozenset[Operation] = frozenset(("set_weight", "drain_link", "drain_node"))
"""What some hand makes: what the one in use does not is said."""
Clock = Callable[[], datetime]


class TriedSource(NamedTuple):
    """One source after it was tried. `complete` is the share of what it should tell, 0..1; None where nothing says."""

    name: str
    state: Literal["ok", "not named", "late", "broken"]
    got: str
    fix: str = ""
    age_s: float | None = None
    complete: float | None = None


def try_site(site: OpenSite, clock: Clock) -> tuple[TriedSource, ...]:
    """Try every source that a site file names, whatever becomes of the others; one that fails says why."""
    try:
        reading = site.reading()
    except TwinError as error:
        return (TriedSource("topology", "broken", str(error), error.fix),)
    network = reading.network
    circuits = len(network.circuits)
    sized = 1 - len(reading.unsized) / circuits if circuits else 1.0
    found = [TriedSource("topology", "ok", f"{len(network.nodes)} nodes, {circuits} circuits", complete=sized)]
    named = sum(x in reading.interfaces for x in network.link_index)
    found.append(
        TriedSource("interfaces", "ok", f"{named} of {len(network.links)} named", complete=named / len(network.links))
        if named
        else TriedSource("interfaces", "not named", "links go by their neighbours", "name `interfaces` in [sources]")
    )
    read: dict[MeasurementKind, Measurements | TwinError | None] = {x: _measured(site, x, clock) for x in _KINDS}
    times = [x.now for x in read.values() if isinstance(x, Measurements)]
    now = max(times) if site.site.clock == "newest" and times else clock()
    found += [_of(kind, x, network, now) for kind, x in read.items()]
    found += _database(site, reading, now)
    found += [*_papers(site, network, now), *_hand(site, clock)]
    return tuple(found)


def try_live(name: str, clock: Clock) -> tuple[TriedSource, ...]:
    """Try everything that a live network of an adapter says that it can be read for."""
    try:
        live = open_live(name)
        network, declared = live.read_topology(), live.declared
        telemetry = live.read_telemetry(live.now - _LOOKED_BACK)
    except TwinError as error:
        return (TriedSource(name, "broken", str(error), error.fix),)
    found = [TriedSource("topology", "ok", f"{len(network.nodes)} nodes, {len(network.circuits)} circuits")]
    found += [_told(kind, telemetry, network, clock()) for kind in _KINDS]
    if isinstance(live, Measurable):
        asked = [node.name for node in network.nodes if node.kind not in ("exits", "lan")]
        silent = [name for name in asked if not _answers(live, name)]
        got = f"{len(asked) - len(silent)} of {len(asked)} routers say what they run"
        share = 1 - len(silent) / max(len(asked), 1)
        fix = f"look at {silent[0]}" if silent else ""
        found.append(TriedSource("configuration", "broken" if share == 0 else "ok", got, fix, complete=share))
    makes = ", ".join(sorted(x.replace("_", " ") for x in declared.makes))
    found.append(TriedSource("actuator", "ok", f"it can {makes}" if makes else "a person makes the changes"))
    return tuple(found)


def _answers(live: Measurable, router: str) -> bool:
    try:
        live.read_router(router)
    except TwinError:
        return False
    return True


def _measured(site: OpenSite, kind: MeasurementKind, clock: Clock) -> Measurements | TwinError | None:
    """What a source gives when it is read alone, why it gives nothing, or None where the site names none."""
    try:
        return site.measurements(kind, clock)
    except TwinError as error:
        return error


def _of(kind: MeasurementKind, read: Measurements | TwinError | None, network: Network, now: datetime) -> TriedSource:
    if read is None:
        return TriedSource(kind, "not named", _WITHOUT[kind], f"name `{kind}` in [sources]")
    if isinstance(read, TwinError):
        return TriedSource(kind, "broken", str(read), read.fix)
    told = _told(kind, read.telemetry, network, now)
    left_out = next((x.fields[0].note for x in read.accounts if x.format == NOT_READ), "")
    return told._replace(fix=told.fix or f"of the files {left_out}") if left_out else told


_WITHOUT: dict[MeasurementKind, str] = {
    "counters": "nothing says what links carry",
    "flows": "demands are estimated from what links carry",
    "probes": "loss behind counters cannot be seen",
    "logs": "causes that look alike are told apart by asking routers alone",
}


def _told(kind: MeasurementKind, telemetry: Telemetry, network: Network, now: datetime) -> TriedSource:
    times, got, complete = _content(kind, telemetry, network)
    if not times.size:
        return TriedSource(kind, "broken", "there is not one sample", "look at who writes it", complete=0.0)
    age = now.timestamp() - float(times.max())
    every = interval_of(telemetry.declared, np.unique(times))
    if age < -_LATE * every:
        fix = f"newest {-age:,.0f} s ahead of the clock: say the `zone` of its times, or set the clock of who writes it"
        return TriedSource(kind, "broken", got, fix, complete=complete)
    late = kind != "logs" and age > _LATE * every  # who has nothing to say writes no line
    fix = f"newest {age:,.0f} s old, every {every:,.0f} s expected: look at who writes it" if late else ""
    return TriedSource(kind, "late" if late else "ok", got, fix, max(age, 0.0), complete)


def _content(kind: MeasurementKind, telemetry: Telemetry, network: Network) -> tuple[Floats, str, float | None]:
    """Times of its samples, what there is in words, and the share that is there of what should be."""
    match kind:
        case "counters":
            times, number = telemetry.links.time, len(network.links)
            both = np.isfinite(telemetry.links.out_mbps)
            links = len(np.unique(telemetry.links.link[both]))
            got = f"{_samples(times)} of {links} of {number} links"
            return times, got, float(both.sum()) / (number * max(len(np.unique(times)), 1))
        case "flows":
            flows = telemetry.traffic
            wanted = network.demands > 0
            seen = np.zeros_like(wanted)
            seen[flows.source, flows.target] = np.isfinite(flows.mbps)
            share = float((seen & wanted).sum() / wanted.sum()) if wanted.any() else None
            return flows.time, f"{_samples(flows.time)} of {int(seen.sum())} pairs", share
        case "probes":
            probes = telemetry.probes
            pairs = len({*zip(probes.source.tolist(), probes.target.tolist(), strict=True)})
            known = float(np.isfinite(probes.loss).mean()) if probes.time.size else None
            return probes.time, f"{_samples(probes.time)} of {pairs} pairs", known
        case "logs":
            understood = len(read_events(network, telemetry.events))
            total = len(telemetry.events)
            times = np.array([x.time for x in telemetry.events])
            return times, f"{total:,} lines, {understood:,} of them understood", understood / total if total else None


def _samples(times: Floats) -> str:
    number = len(np.unique(times))
    return f"{number:,} sample{'' if number == 1 else 's'}"


def _database(site: OpenSite, reading: Reading, now: datetime) -> Iterator[TriedSource]:
    """What the newest link-state database says of the inventory's links."""
    network = reading.network
    try:
        with closing(site.databases()) as databases:
            said = databases.says(network, reading.names)
        if said is None:
            return
    except TwinError as error:
        yield TriedSource("lsdb", "broken", str(error), error.fix)
        return
    told, apart = np.isfinite(said.adjacent), metrics_apart(said, network)
    there, age = int(np.nansum(said.adjacent)), now.timestamp() - said.time
    share = float(told.sum()) / max(len(network.links) - len(network.exits), 1)
    fix = "; ".join(
        f"{x} weighs {found} and is {known} in the inventory" for x, (known, found) in list(apart.items())[:3]
    )
    fix = f"{fix}{'; …' if len(apart) > 3 else ''}" if apart else ""
    got = f"{there} of {int(told.sum())} links have their neighbour, {len(apart)} metrics differ"
    got += f" ({said.name})" if said.name.startswith(SCHEME) else ""
    if said.unheard:
        got = f"cut off: {', '.join(said.unheard[:3])} is named by others and not in it; {got}"
        whole = "write it under another name, and rename it once it is whole"
        fix = "look whether the router has it whole" if said.name.startswith(SCHEME) else whole
    yield TriedSource("lsdb", "broken" if said.unheard else "ok", got, fix, max(age, 0.0), share)


def _papers(site: OpenSite, network: Network, now: datetime) -> Iterator[TriedSource]:
    sources = site.site.sources
    if sources.calendar:
        tags = NO_TAGS
        try:
            tags = load_policy(site.policy).tags if site.policy else tags
        except TwinError as error:
            yield TriedSource("policy", "broken", str(error), error.fix)
        for one in site.calendars(network, now, tags).each:
            if one.failed:
                stands = f"; the copy of {one.written:%F %H:%M} UTC is used" if one.written else ""
                yield TriedSource("calendar", "broken", f"{one.failed}{stands}", one.fix)
            else:
                fix = one.questions[0] if one.questions else ""
                yield TriedSource("calendar", "ok", f"{one.works} works planned from now on in {one.name}", fix)
    if sources.documents:
        try:
            yield TriedSource("documents", "ok", f"{len(site.documents())} texts")
        except TwinError as error:
            yield TriedSource("documents", "broken", str(error), error.fix)


def _hand(site: OpenSite, clock: Clock) -> Iterator[TriedSource]:
    """Who makes the changes, and what the routers run beside what is on record, where they can be asked."""
    routers = site.site.routers
    spoken = sorted({routers.dialect, *(x.dialect or routers.dialect for x in routers.named.values())})
    words, hand = f"lines are written as {', '.join(spoken)}", site.site.actuator
    if hand is None or hand.kind == "advice":
        handed = "; each step is handed over and waited for" if hand else ""
        yield TriedSource("actuator", "ok", f"a person makes the changes{handed}; {words}")
        return
    try:
        live = site.network(clock)
        assert isinstance(live, ActingNetwork)  # noqa: S101 - every hand but advice
        network, (drift, silent) = live.read_topology(), live.drift()
    except TwinError as error:
        yield TriedSource("actuator", "broken", str(error), error.fix)
        return
    total = sum(x.kind == "router" for x in network.nodes)
    got = f"{total - len(silent)} of {total} routers say what they run"
    fix = f"look at {silent[0]}" if silent else ""
    share = 1 - len(silent) / total if total else None
    yield TriedSource("configuration", "broken" if silent else "ok", got, fix, complete=share)
    if drift:
        fix = "correct the inventory, or the router"
        yield TriedSource("drift", "broken", f"{len(drift)} settings differ from the inventory: {told(drift)}", fix)
    makes = ", ".join(sorted(x.replace("_", " ") for x in live.declared.makes))
    by_hand = ", ".join(sorted(x.replace("_", " ") for x in _OF_HANDS - live.declared.makes))
    got = f"it can {makes} over {hand.kind}; {hand.trial_s} s of trial each"
    got += f"; {by_hand} is for a person" if by_hand else ""
    untried = ", ".join(sorted({*spoken} & VENDORS.keys())) if hand.kind == "ssh" else ""
    got += f"; {untried}: rehearsed against published transcripts alone, never on a router" if untried else ""
    yield TriedSource("actuator", "ok", got)
