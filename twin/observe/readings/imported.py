"""From a network's file and files of its measurements into one twin file: the way in for a network of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.formats.account import FieldUse
from twin.formats.build import Choices, Reading, require_plausible
from twin.formats.load import load_reading, read_explained
from twin.formats.measurements.interfaces import read_ports
from twin.formats.measurements.part import Edges, Options
from twin.formats.measurements.prefixes import read_prefixes
from twin.formats.measurements.read import Measurements, combine, read_parts
from twin.formats.stored import Imported, require_twin_name, store_readings
from twin.live.network import Telemetry
from twin.model import Floats, Network
from twin.observe.estimation import Estimate, estimate_from_links, estimate_matrix
from twin.sim.simulate import simulate
from twin.store import TwinStore

from .prometheus import Prometheus, read_prometheus_parts

_NEWEST, _ENOUGH = 3, 6  # samples that are left out of an estimate, where there are so many: they may be of a fault


class Files(NamedTuple):
    """Files of measurements, and the tables that say what interfaces and addresses in them belong to."""

    measurements: Sequence[Path]
    ports: Path | None = None
    prefixes: Path | None = None
    traffic: Path | None = None
    """Traffic in place of that of the network's own file."""
    prometheus: Prometheus | None = None
    minutes: float = 30.0
    """How far back the server is asked, before `now`."""


def options_for(reading: Reading, said: Options, files: Files) -> Options:
    """What is known of the files of a network's measurements: what was said, and what its own file tells."""
    network = reading.network
    ports = {
        (network.node_index[network.links[i].tail], name.lower()): i
        for link, name in reading.interfaces.items()
        if (i := network.link_index.get(link)) is not None
    }
    if files.ports is not None:
        ports |= read_ports(str(files.ports), network, reading.names).ports
    prefixes = (
        read_prefixes(str(files.prefixes), network, reading.names) if files.prefixes is not None else said.prefixes
    )
    return said._replace(names=reading.names or None, ports=ports or None, prefixes=prefixes, unsized=reading.unsized)


def import_measured(
    file: str | Path,
    files: Files,
    into: str | Path,
    *,
    now: datetime,
    choices: Choices | None = None,
    said: Options | None = None,
) -> tuple[Imported, int]:
    """Read a network and its measurements, store both in the twin file `into`; returns how many samples are new.

    Traffic that was measured is the network's, where its file states none; where nobody measured any, it is estimated
    from the loads. Nothing is changed when any file cannot be read. Raises what `read_explained`, `read_measurements`
    and `TwinStore.open` raise.
    """
    require_twin_name(into)
    reading = _read(file, files.traffic, choices)
    found = _found(reading, files, said or Options(), now)
    reading = with_measured_traffic(reading, found, stated=files.traffic is not None)
    reading = reading._replace(account=reading.account.with_fields(_uses(found)))
    (imported,) = store_readings([str(file)], [reading], into, now=now)
    with TwinStore.open(into) as store:
        return imported, store.append_telemetry(found.telemetry, reading.network)


def with_measured_traffic(reading: Reading, found: Measurements, *, stated: bool = False) -> Reading:
    """The network under measured traffic, or under an estimate of it, unless its own files state some.

    `stated` is whether a file of traffic was given with the network.
    """
    if stated or not _invented(reading):
        return reading
    if found.telemetry.traffic.time.size:
        demands, count = _largest(reading.network, found.telemetry)
        note = f"of {count} measured matrices the one of the largest total is the network's traffic"
        told = FieldUse(field="traffic", became="used", count=int((demands > 0).sum()), note=note)
    else:
        estimate = estimated_from(reading.network, found.telemetry, found.edges)
        if estimate is None:
            return reading
        demands, note = estimate.demands, f"{estimate.report.statement}; loads after failures rest on it"
        told = FieldUse(field="traffic", became="assumed", count=int((demands > 0).sum()), note=note)
    network = reading.network.with_demands(demands)
    require_plausible(reading.account.file, simulate(network).max_utilisation)
    fields = tuple(x for x in reading.account.fields if not (x.field == "traffic" and x.became == "assumed"))
    account = reading.account.model_copy(update={"fields": (*fields, told)})
    return reading._replace(network=network, account=account)


def estimated_from(network: Network, telemetry: Telemetry, edges: Edges | None = None) -> Estimate | None:
    """Estimate the matrix from the mean loads of all samples but the newest; None where no load was read.

    Raises what `estimate_matrix` raises.
    """
    loads = _mean_loads(network, telemetry)
    if not np.isfinite(loads).any() or not np.nan_to_num(loads).any():
        return None
    if edges is not None:
        n = len(network.nodes)
        origin, destination = (np.bincount(edges.node, x, n).astype(np.float64) for x in (edges.enters, edges.leaves))
        if origin.any() and destination.any():
            return estimate_matrix(network, loads, origin, destination)
    return estimate_from_links(network, loads)


def with_estimate(network: Network, found: Measurements) -> tuple[Network, Telemetry]:
    """The network under the estimate from its own loads, where nobody measured its traffic; else as it is.

    Telemetry declares how it was estimated.
    """
    if found.telemetry.traffic.time.size:
        return network, found.telemetry
    try:
        estimate = estimated_from(network, found.telemetry, found.edges)
    except InputError:
        return network, found.telemetry
    if estimate is None:
        return network, found.telemetry
    return network.with_demands(estimate.demands), as_estimated(found.telemetry, estimate.report.statement)


def as_estimated(telemetry: Telemetry, how: str) -> Telemetry:
    """Telemetry that declares how the demands of its network were estimated from its loads."""
    return replace(telemetry, declared=telemetry.declared.model_copy(update={"estimated": how}))


def _found(reading: Reading, files: Files, said: Options, now: datetime) -> Measurements:
    options = options_for(reading, said, files)
    parts = read_parts(files.measurements, reading.network, options)
    if files.prometheus is not None:
        minutes = files.minutes
        parts += read_prometheus_parts(files.prometheus, reading.network, now=now, minutes=minutes, options=options)
    return combine(parts, reading.network, options)


def _read(file: str | Path, traffic: Path | None, choices: Choices | None) -> Reading:
    return load_reading(str(file), choices) if traffic is None else read_explained(file, traffic, choices)


def _invented(reading: Reading) -> bool:
    """Whether the traffic of a network is not of any file."""
    said = any(x.field == "traffic" and x.became == "assumed" for x in reading.account.fields)
    return said or not reading.network.demands.any()


def _largest(network: Network, telemetry: Telemetry) -> tuple[Floats, int]:
    traffic, n = telemetry.traffic, len(network.nodes)
    times, row = np.unique(traffic.time, return_inverse=True)
    best = int(np.bincount(row, np.nan_to_num(traffic.mbps)).argmax())
    demands, kept = np.zeros((n, n)), row == best
    np.add.at(demands, (traffic.source[kept], traffic.target[kept]), np.nan_to_num(traffic.mbps[kept]))
    np.fill_diagonal(demands, 0.0)
    return demands, times.size


def _mean_loads(network: Network, telemetry: Telemetry) -> Floats:
    links = telemetry.links
    times = np.unique(links.time[np.isfinite(links.time)])
    if times.size > _ENOUGH:
        times = times[:-_NEWEST]
    load = np.where(np.isfinite(links.out_mbps), links.out_mbps, links.in_mbps)
    good = np.isfinite(load) & (load >= 0) & np.isin(links.time, times)
    m = len(network.links)
    rows = np.bincount(links.link[good], minlength=m)
    total = np.bincount(links.link[good], load[good], m)
    return np.where(rows > 0, total / np.maximum(rows, 1), np.nan)


def _uses(found: Measurements) -> Sequence[FieldUse]:
    return [
        use.model_copy(update={"field": f"{Path(account.file).name}: {use.field}"})
        for account in found.accounts
        for use in account.fields
    ]
