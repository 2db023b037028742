"""The network that a run works on, with what has happened in it before anyone looks."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agents.record.files import NETWORK
from twin.clock import utc_now
from twin.errors import StoreError
from twin.faults import Fault
from twin.live.adapters import is_adapter, is_measurable
from twin.live.asked import AskedNetwork
from twin.live.draw_fault import draw_fault
from twin.live.network import KeptNetwork
from twin.live.read_fault import read_fault
from twin.live.recorded import RecordedNetwork, Struck, Waited
from twin.live.surprises import ByOthers, Healing
from twin.live.watch_record import Opened, is_watch, read_watch
from twin.live.watched import Lookable, WatchedNetwork
from twin.model import Network
from twin.observe import STATES, find_symptoms, observe
from twin.site import OpenSite, connect

from .request import LaterEvent, RunRequest

INTERVAL_S = 300.0
HISTORY = 36  # samples before the fault strikes: three hours
AFTERMATH = 4  # samples after it, after which somebody looks in any case
FIRST_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
BUSY_HOURS = (19.0, 20.5)  # local time at which a fault strikes, on a working day drawn by the seed


@dataclass(frozen=True)
class Scene:
    """A live network, since when it is measured, and what struck it: no role ever sees `fault` and `onset`."""

    live: KeptNetwork
    begin: datetime
    fault: Fault | None
    onset: datetime | None


def stage_scene(network: Network, request: RunRequest) -> Scene:
    """Let the network run for a while at a busy hour of its day, drawn by the seed, and let the fault strike.

    Raises as `read_fault` does when the request names a fault that cannot strike this network.
    """
    fault = None if request.healthy else _fault(network, request)
    onset = _onset(network, request.seed)
    begin = onset - timedelta(seconds=HISTORY * request.interval_s)
    live = RecordedNetwork(network, seed=request.seed, start=begin, interval_s=request.interval_s)
    live.wait(HISTORY)
    if fault is None:
        live.wait(AFTERMATH)
    else:
        _strike(live, (fault, *request.also), request.policy.max_utilisation)
    for event in request.later:
        _announce(live, event, request.interval_s)
    live.staged()
    return scene_of(live)


def _announce(live: RecordedNetwork, event: LaterEvent, interval_s: float) -> None:
    at = live.now + timedelta(seconds=event.after * interval_s)
    if event.strikes is not None:
        live.inject(event.strikes.since(at))
    if event.heals is not None:
        live.announce(Healing(event.heals, at))
    if event.others is not None:
        live.announce(ByOthers(event.others, at))


def samples_after(live: RecordedNetwork) -> int:
    """Count the samples between the first fault and the beginning of the run."""
    entries = live.entries
    first = next((i for i, x in enumerate(entries) if isinstance(x, Struck)), None)
    return AFTERMATH if first is None else sum(x.samples for x in entries[first:] if isinstance(x, Waited))


def _strike(live: RecordedNetwork, faults: Sequence[Fault], limit: float) -> None:
    """Let faults strike, and time pass until monitoring has seen the same symptoms of them twice in a row.

    What devices say of themselves is enough, whatever else comes and goes beside it, unless what is down goes on
    carrying traffic or is logged to have come up: then it comes and goes. What was to be seen before they struck is
    none of them. What never shows, or shows another face every time, is looked at after `AFTERMATH` samples.
    """
    usual, last = _symptoms(live, limit).found, frozenset[tuple[str, str]]()
    for fault in faults:
        live.inject(fault)
    for _ in range(AFTERMATH):
        live.wait()
        seen = _symptoms(live, limit)
        new = seen.found - usual
        stated = not seen.flaps and _stated(new) == _stated(last) != frozenset()
        if new and seen.steady > 1 and (new == last or stated):
            return
        last = new


def _stated(symptoms: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(x for x in symptoms if x[0] in STATES)


class _Seen(NamedTuple):
    found: frozenset[tuple[str, str]]  # kinds and elements of symptoms
    steady: int  # samples that show one and the same state
    flaps: bool  # whether something that is down carries traffic, or some interface is logged to have come up


def _symptoms(live: RecordedNetwork, limit: float) -> _Seen:
    observation = observe(live.read_topology(), live.read_telemetry(live.start), now=live.now)
    found = frozenset((x.kind, x.element) for x in find_symptoms(observation, limit=limit))
    carries = observation.window.out_mbps[-1] > observation.declared.unexported_mbps
    flaps = bool((carries & ~observation.up).any()) or any(x.kind == "interface_up" for x in observation.events)
    return _Seen(found, observation.samples, flaps)


def watch_site(site: OpenSite) -> Scene:
    """Look at one's own network for the first time; what it says is kept from then on. Raises as `look` does."""
    return watch_live(site.network(utc_now, say=_tell))


def watch_live(live: Lookable) -> Scene:
    """Look for the first time at a network that can be changed, and keep what it says from then on."""
    watched = (AskedNetwork if is_measurable(live) else WatchedNetwork).watch(live)
    return Scene(watched, watched.start, None, None)


def restore_scene(folder: Path, network: Network, site: str | None = None, *, keep: bool = True) -> Scene:
    """Find the scene of a run again in its folder; `keep` says whether the network's own record goes on.

    `site` is the site file of a run on one's own network, which is read when something new has to be looked at. Raises
    `StoreError` when the record is not there or broken.
    """
    if not is_watch(folder / NETWORK):
        return scene_of(RecordedNetwork.restore(folder / NETWORK, network, keep=keep))

    def source() -> Lookable:
        if site is None:
            raise StoreError("the run's record names no site file", fix="do not trust this run's folder")
        return connect(site, say=_tell)

    kind = AskedNetwork if site is not None and (is_adapter(site) or _on_trial(folder)) else WatchedNetwork
    live = kind.restore(folder / NETWORK, network, source, keep=keep)
    return Scene(live, live.start, None, None)


def _tell(words: str) -> None:
    """Tell the person at the terminal what waits for them: stdout is for results."""
    sys.stderr.write(f"{words}\n")


def _on_trial(folder: Path) -> bool:
    """Whether changes of the watched network are made by a hand that asks its routers."""
    opened = next(iter(read_watch(folder / NETWORK)), None)
    return isinstance(opened, Opened) and opened.declared.trial_s is not None


def begin_of(network: Network, seed: int) -> datetime:
    """What the network's clock says when a run of this seed begins."""
    return _onset(network, seed) + timedelta(seconds=AFTERMATH * INTERVAL_S)


def scene_of(live: RecordedNetwork) -> Scene:
    """Tell the scene of a network that has a past."""
    struck = live.faults_struck[:1]
    return Scene(live, live.start, struck[0].fault if struck else None, struck[0].time if struck else None)


def _fault(network: Network, request: RunRequest) -> Fault:
    if isinstance(request.fault, str):
        return read_fault(request.fault, network, seed=request.seed)
    return request.fault or draw_fault(network, request.seed, policy_limit=request.policy.max_utilisation)


def _onset(network: Network, seed: int) -> datetime:
    rng = np.random.default_rng([seed, 1])
    local = rng.uniform(*BUSY_HOURS)
    longitude = float(np.mean([node.longitude for node in network.nodes]))
    week, day = (int(x) for x in rng.integers(0, (52, 5)))
    minutes = round((local - longitude / 15) * 12) * 5
    return FIRST_MONDAY + timedelta(weeks=week, days=day, minutes=minutes)
