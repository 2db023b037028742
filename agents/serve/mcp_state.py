"""What the MCP server answers from: one network as it is now, read anew when it has grown old."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.show.listing import NamedElement, elements_of
from tools.box.run_state import ReadSide, RunState
from twin.formats.build import Reading
from twin.formats.load import load_reading
from twin.gate.checks.context import Evidence
from twin.live.declared import Declaration
from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples, since_then
from twin.model import Network
from twin.policy import Policy
from twin.site import OpenSite
from twin.site_state import Vouched, bring_up, vouched_for
from twin.store import TwinStore

REFRESH = timedelta(seconds=60)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TwinState:
    """One network at one moment: what the tools work on, and what vouches for it.

    `measured` says whether there are measurements to ask for; `vouched` is None where nobody vouches for the state.
    """

    run_state: RunState
    reading: Reading
    site: OpenSite | None
    zone: str
    measured: bool
    vouched: Vouched | None
    read_at: datetime

    @property
    def network(self) -> Network:
        """The state that the network is believed to be in."""
        return self.reading.network

    @property
    def policy(self) -> Policy:
        """The limits to keep."""
        return self.run_state.policy

    def evidence(self, now: datetime) -> Evidence | None:
        """What the gate is told of the measurements at this moment."""
        return self.vouched.evidence(now) if self.vouched else None

    def elements(self, like: str | None) -> list[NamedElement]:
        """The elements of the network; raises as `elements_of`."""
        return elements_of(self.network, like)


class TwinStates:
    """The states of one network, one after another. Not for several threads at once."""

    def __init__(
        self,
        network: str | None,
        site: OpenSite | None,
        policy: Policy,
        *,
        zone: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Serve a network by its name or file, or one's own by its site. Reads nothing yet."""
        if (network is None) == (site is None):
            raise ValueError("either a network or a site")
        self._name, self._site, self._policy, self._zone, self.clock = network, site, policy, zone, clock
        self._newest: TwinState | None = None

    def newest(self) -> TwinState:
        """Return the state as it is now, at most `REFRESH` old. Raises what reading it raises."""
        now, known = self.clock(), self._newest
        if known is None or now - known.read_at >= REFRESH:
            found = self._own(self._site, now) if self._site else self._named(self._name or "", now)
            if known is not None and known.network.id == found.network.id:  # what was proposed for it still stands
                found.run_state.proposals |= known.run_state.proposals
            if known is not None:
                found.run_state.results = known.run_state.results
            self._newest = known = found
        return known

    def _named(self, name: str, now: datetime) -> TwinState:
        reading = load_reading(name)
        live = ReadSide(_Configured(reading.network, now))
        run_state = RunState(reading.network, self._policy, live, now, unmodelled=reading.account.unmodelled_routing)
        return TwinState(run_state, reading, None, self._zone, False, _vouched(name, reading.network.id), now)

    def _own(self, site: OpenSite, now: datetime) -> TwinState:
        bring_up(site, self.clock)
        reading, live = load_reading(str(site.twin)), site.network(self.clock)
        works = site.calendar(reading.network, now, self._policy.tags).works
        unmodelled = reading.account.unmodelled_routing
        inventory = live.read_topology()
        run_state = RunState(inventory, self._policy, ReadSide(live), _EVER, unmodelled=unmodelled, works=works)
        run_state.look()
        run_state.state = reading.network
        return TwinState(run_state, reading, site, self._zone, True, _vouched(str(site.twin), reading.network.id), now)


class _Configured:
    """A network that is only known as configured: of it there is no measurement."""

    declared = Declaration()

    def __init__(self, network: Network, now: datetime) -> None:
        self._network, self.now = network, now

    def read_topology(self) -> Network:
        return self._network

    def read_telemetry(self, since: datetime) -> Telemetry:
        none, who, no = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_)
        nothing = Telemetry(
            LinkSamples(none, who, none, none, none, no),
            NodeSamples(none, who, no),
            ProbeSamples(none, who, who, none, none),
            TrafficSamples(none, who, who, none),
            (),
        )
        return since_then(nothing, since)


def _vouched(name: str, snapshot: str) -> Vouched | None:
    file = name.partition("#")[0]
    if Path(file).suffix != ".duckdb":
        return None
    with TwinStore.open(file) as store:
        return vouched_for(store, snapshot)
