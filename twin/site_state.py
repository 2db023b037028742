"""What commands on one's own network hand each other through its twin file: measurements, evidence, a diagnosis."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError

from .diagnose import Diagnosis, diagnosed_network
from .errors import InputError, StoreError
from .execute.agreement import step_lasts
from .files import exists
from .forecast.outlook import outlook_ahead
from .formats.build import Account, Reading
from .formats.measurements.folders import EVERY_FILE
from .formats.stored import stored
from .gate.checks.context import Context, Evidence, Scenario
from .gate.outlook import hours_to_judge, outlook_by_day
from .live.files import Look
from .live.network import LinkSamples, TrafficSamples
from .model import Frozen, Network
from .observe import Observation, observe
from .observe.observe import interval_of
from .observe.quality.assess import Assessment, assess_observation
from .observe.quality.fidelity import Fidelity, fidelity_of
from .observe.readings.intake import take_in
from .policy import Policy
from .site import OpenSite
from .store import TwinStore

_ABOUT = "evidence/"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Vouched(Frozen):
    """What vouches for a state of one's own network, kept with it."""

    time: AwareDatetime = Field(description="Of the newest measurement behind it.")
    looked: AwareDatetime = Field(description="The clock of who looked.")
    recorded: bool = Field(description="Whether the past is looked at: then the state gets no older.")
    quality: float
    fidelity: float | None = Field(description="Null where it is not known.")
    cause: str = Field(default="", description="What was diagnosed, where it was.")

    def evidence(self, now: datetime) -> Evidence:
        """What the gate is told at this moment."""
        age = (self.looked if self.recorded else now) - self.time
        return Evidence(age_s=max(0.0, age.total_seconds()), quality=self.quality, fidelity=self.fidelity)


class Taken(NamedTuple):
    """One look at one's own network, measured and judged; `state` is what it is believed to be."""

    reading: Reading
    look: Look
    observation: Observation
    assessment: Assessment
    fidelity: Fidelity
    state: Network

    @property
    def network(self) -> Network:
        """The inventory."""
        return self.look.network


def take_look(site: OpenSite, clock: Callable[[], datetime]) -> Taken:
    """Read one's own network as its files are now, and judge what was measured. Raises as `OpenSite.look` does."""
    look = site.look(clock)
    reading = site.reading()._replace(network=look.network)
    if how := look.telemetry.declared.estimated:
        account = reading.account.with_estimate(how, int((look.network.demands > 0).sum()))
        reading = reading._replace(account=account)
    usable, intake = take_in(look.telemetry, look.now)
    observation = observe(look.network, usable, now=look.now)
    assessment = assess_observation(observation, intake)
    fidelity = fidelity_of(observation, known=assessment)
    return Taken(reading, look, observation, assessment, fidelity, observation.network)


def history(site: OpenSite, clock: Callable[[], datetime]) -> Look:
    """Read everything that was ever measured of links and traffic: all files that are there, and the twin file.

    Samples that files no longer hold are those that commands kept in the twin file when they looked; of the oldest one
    in the files a part may be gone with its neighbour. Raises as `OpenSite.look` and `TwinStore.open` do.
    """
    look = site.look(clock, most=EVERY_FILE)
    if not exists(site.twin):
        return look
    with TwinStore.open(site.twin) as store:
        if look.network.name not in {x.network for x in store.snapshots()}:
            return look
        kept = store.read_telemetry(look.network, _BEGINNING)
    links, traffic = _joined(kept.links, look.telemetry.links), _joined(kept.traffic, look.telemetry.traffic)
    return look._replace(telemetry=replace(look.telemetry, links=links, traffic=traffic))


_Table = TypeVar("_Table", LinkSamples, TrafficSamples)


def _joined(kept: _Table, read: _Table) -> _Table:
    """What was kept up to the oldest sample that was read, and what was read after it."""
    if not kept.time.size or not read.time.size:
        return kept if kept.time.size else read
    oldest = float(read.time.min())
    before, after = kept.time <= oldest, read.time > oldest if (kept.time == oldest).any() else read.time >= oldest
    columns = (np.concatenate([x[before], y[after]]) for x, y in zip(kept, read, strict=True))
    return read._make(columns)


def diagnosed(taken: Taken, found: Diagnosis) -> Taken:
    """Return the look with the state that a diagnosis leads to, if it has an answer, and what vouches for that."""
    if found.doubt is not None or not found.hypotheses[0].faults:
        return taken
    state = diagnosed_network(taken.observation, found.hypotheses[0])
    believed = state.with_demands(taken.observation.network.demands)
    assessment = assess_observation(replace(taken.observation, network=believed))
    fidelity = fidelity_of(taken.observation, believed, assessment)
    return taken._replace(assessment=assessment, fidelity=fidelity, state=state)


def keep(site: OpenSite, taken: Taken, *, cause: str = "") -> None:
    """Put a look into the site's twin file, its state as the current one. Raises `StoreError`, `StoreBusyError`."""
    now, inventory, state = taken.look.now, taken.network, taken.state
    vouched = Vouched(
        time=taken.observation.time,
        looked=now,
        recorded=site.site.clock == "newest",
        quality=taken.assessment.report.score,
        fidelity=taken.fidelity.score,
        cause=cause,
    )
    with TwinStore.open(site.twin) as store:
        store.save_inventory([inventory], now=now, readings=stored([taken.reading]))
        store.append_telemetry(taken.look.telemetry, inventory)
        if state.id != inventory.id:
            kind = "diagnosed" if cause else "observed"
            store.save_snapshot(state, now=now, kind=kind, parent=inventory.id)
        store.set_current(state.id)
        status = "open" if cause else "healthy"
        store.save_incident(f"{_ABOUT}{state.id}", snapshot=state.id, status=status, opened=now, document=vouched)


def bring_up(site: OpenSite, clock: Callable[[], datetime]) -> Vouched:
    """Make the twin file's current state that of the newest measurements, and return what vouches for it.

    A diagnosis that was made of these very measurements stands.
    """
    taken = take_look(site, clock)
    if exists(site.twin):
        with TwinStore.open(site.twin) as store:
            current = store.current
            known = vouched_for(store, current) if current else None
        if known is not None and known.cause and known.time == taken.observation.time:
            return known
    keep(site, taken)
    with TwinStore.open(site.twin) as store:
        known = vouched_for(store, taken.state.id)
    assert known is not None  # noqa: S101  it was kept just now
    return known


def vouched_for(store: TwinStore, snapshot: str) -> Vouched | None:
    """Return what vouches for a snapshot, None where nobody does. Raises `StoreError` on a damaged twin file."""
    document = store.incident(f"{_ABOUT}{snapshot}")
    if document is None:
        return None
    try:
        return Vouched.model_validate_json(document)
    except ValidationError as error:
        raise StoreError(
            f"{store.path} holds no evidence for {snapshot}", fix="run `twinops diagnose` again"
        ) from error


class ComingToSite(NamedTuple):
    """What the gate is told of the hours ahead, and what the calendar leaves open."""

    context: Context
    questions: tuple[str, ...] = ()

    def known(self, account: Account, evidence: Evidence | None, scenarios: Sequence[Scenario] = ()) -> Context:
        """All that the gate is told: beside the hours ahead what was read of the network, and what vouches for it."""
        return replace(
            self.context,
            evidence=evidence,
            scenarios=tuple(scenarios),
            unmodelled=(*account.unmodelled_routing, *self.questions),
            estimated=account.estimated_traffic,
        )


def coming_to(  # noqa: PLR0913 - whose hours, from when to when, and what is said of them
    site: OpenSite | None,
    network: Network,
    policy: Policy,
    now: datetime,
    *,
    starts: datetime | None = None,
    until: datetime | None = None,
    day: Sequence[float] = (),
) -> ComingToSite:
    """Read what the hours ahead bring to one's own network; of any other only the time of the first step is known.

    With `starts`, the hours are those from the beginning of a window on, as a run has them. They are those that the
    policy looks ahead, and more where what is judged stays until later. Of a network without a site
    somebody, or the policy, may state the `day`: 24 shares of the traffic that it has. Raises `InputError` on one for a
    site.
    """
    begin = starts or now
    hours = hours_to_judge(policy.horizon_hours, begin, until)
    if site is None:
        profile = day or policy.day
        stated = outlook_by_day(network, begin, hours, day=profile, share=1.0) if profile and hours else None
        return ComingToSite(Context(starts=begin, outlook=stated))
    if day:
        raise InputError("a site declares its own day", fix="put `day` under [instruments] of the site file")
    calendar, inventory = site.calendar(network, now, policy.tags), site.reading().network
    telemetry, outlook = site.look(lambda: now).telemetry, None
    if hours:
        outlook = outlook_ahead(network, telemetry, begin, hours, planned=inventory, now=now, day=policy.day)
    lasts = step_lasts(telemetry.declared, interval_of(telemetry.declared, telemetry.links.time))
    context = Context(outlook=outlook, starts=begin, works=calendar.works, step_lasts=lasts, declared=inventory)
    return ComingToSite(context, calendar.questions)


def evidence_for(name: str, snapshot: str, now: datetime) -> Evidence | None:
    """Return what vouches for the snapshot of a network that was named as a twin file; None for any other name."""
    file = name.partition("#")[0]
    if Path(file).suffix != ".duckdb":
        return None
    with TwinStore.open(file) as store:
        known = vouched_for(store, snapshot)
    return known.evidence(now) if known else None
