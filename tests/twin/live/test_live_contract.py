"""What every live network has to hold to, and what is made of one that lies, hangs, drops or reorders."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.twin.live.advised_site import advised_site
from tests.twin.live.contract import LiveContract
from tests.twin.live.lab.real import a_lab
from tests.twin.live_incident import inventory
from twin.errors import ExecutionError, StoreError, TwinError
from twin.live.adapters import is_adapter, open_live
from twin.live.asked import AskedNetwork
from twin.live.emulated import EmulatedNetwork
from twin.live.lab.network import LabNetwork
from twin.live.network import Configuration, LiveNetwork, ProbeReading, Telemetry
from twin.live.recorded import RecordedNetwork
from twin.live.watch_record import Asked, Confirmed, Intended, read_watch
from twin.model import Network
from twin.observe import observe
from twin.plan import Change, SetWeight

START = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)
NETWORK = inventory()


@contextmanager
def emulated() -> Generator[LiveNetwork]:
    live = EmulatedNetwork(NETWORK, seed=3, start=START, interval_s=60)
    live.wait(3)
    yield live


@contextmanager
def recorded() -> Generator[LiveNetwork]:
    live = RecordedNetwork(NETWORK, seed=3, start=START, interval_s=60)
    live.wait(3)
    yield live


@contextmanager
def asked() -> Generator[LiveNetwork]:
    yield AskedNetwork.watch(Real())


@contextmanager
def lab() -> Generator[LiveNetwork]:
    with a_lab("contract", "synthetic/4-1", "ospf") as running:
        live = LabNetwork(running, running.record)
        live.wait(3)
        yield live


@contextmanager
def files() -> Generator[LiveNetwork]:
    with TemporaryDirectory() as folder, advised_site(Path(folder), NETWORK) as live:
        yield live


KINDS = {x.__name__: x for x in (emulated, recorded, asked, lab, files)}


@pytest.fixture(params=KINDS, scope="module")
def live(request: pytest.FixtureRequest) -> Generator[LiveNetwork]:
    with ExitStack() as stack:
        yield stack.enter_context(KINDS[request.param]())


class TestLiveNetworks(LiveContract):
    """The emulated and the recorded network, one that is asked, the lab, and one of files that a person changes."""


@dataclass
class Real:
    """An emulated network as an adapter would be, that may be made to misbehave."""

    live: EmulatedNetwork = field(default_factory=lambda: EmulatedNetwork(NETWORK, seed=3, start=START, interval_s=60))
    refuses: bool = False
    dies: Callable[[], None] | None = None
    twist: Callable[[Telemetry], Telemetry] = lambda x: x
    calls: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.live.wait(3)

    @property
    def declared(self):
        return self.live.declared

    @property
    def now(self) -> datetime:
        return self.live.now

    def read_topology(self) -> Network:
        return self.live.read_topology()

    def read_telemetry(self, since: datetime) -> Telemetry:
        return self.twist(self.live.read_telemetry(since))

    def probe(self, source: str, target: str) -> ProbeReading:
        self.calls.append("probe")
        return self.live.probe(source, target)

    def read_router(self, router: str) -> Configuration:
        self.calls.append(router)
        if self.refuses:
            raise ExecutionError(f"{router} hangs", fix="wait")
        return self.live.read_router(router)

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        self.calls.append(change.op)
        self.live.apply(change, recorded=recorded)
        if self.dies:
            self.dies()

    def wait(self, samples: int = 1) -> None:
        self.live.wait(samples)

    def look_again(self) -> None:
        return


CHANGE = SetWeight(link=NETWORK.links[0].name, weight=77)


def test_an_answer_is_given_again_from_the_record_and_the_network_is_not_asked_twice(tmp_path: Path) -> None:
    real = Real()
    watched = AskedNetwork.watch(real)
    watched.keep(tmp_path / "network.jsonl")
    name = NETWORK.nodes[0].name
    said, probed = watched.read_router(name), watched.probe(name, NETWORK.nodes[1].name)
    other = Real()
    again = AskedNetwork.restore(tmp_path / "network.jsonl", NETWORK, lambda: other)
    assert again.read_router(name).network == said.network
    assert again.probe(name, NETWORK.nodes[1].name) == probed
    assert other.calls == []
    again.read_router(name)
    assert other.calls == [name]


def test_a_router_that_hangs_is_an_error_now_and_in_every_rerun(tmp_path: Path) -> None:
    watched = AskedNetwork.watch(Real(refuses=True))
    watched.keep(tmp_path / "network.jsonl")
    with pytest.raises(ExecutionError, match="hangs"):
        watched.read_router(NETWORK.nodes[0].name)
    again = AskedNetwork.restore(tmp_path / "network.jsonl", NETWORK, Real)
    with pytest.raises(ExecutionError, match="hangs"):
        again.read_router(NETWORK.nodes[0].name)


def test_who_asks_something_else_than_the_record_says_is_stopped(tmp_path: Path) -> None:
    watched = AskedNetwork.watch(Real())
    watched.keep(tmp_path / "network.jsonl")
    watched.read_router(NETWORK.nodes[0].name)
    again = AskedNetwork.restore(tmp_path / "network.jsonl", NETWORK, Real)
    with pytest.raises(ExecutionError, match="record says"):
        again.read_router(NETWORK.nodes[1].name)


class Killed(BaseException):
    """The process ends here."""


def test_a_change_that_was_made_when_the_process_ended_is_not_made_again(tmp_path: Path) -> None:
    def die() -> None:
        raise Killed

    real = Real(dies=die)
    watched = AskedNetwork.watch(real)
    watched.keep(tmp_path / "network.jsonl")
    with pytest.raises(Killed):
        watched.apply(CHANGE)
    assert isinstance(read_watch(tmp_path / "network.jsonl")[-1], Intended)
    real.dies, real.calls = None, []
    again = AskedNetwork.restore(tmp_path / "network.jsonl", NETWORK, lambda: real)
    again.apply(CHANGE)
    assert "set_weight" not in real.calls
    assert [x.change for x in again.effects] == [CHANGE]
    assert any(isinstance(x, Confirmed) and x.made for x in read_watch(tmp_path / "network.jsonl"))


def test_everything_on_record_happens_again_whatever_was_asked_in_between(tmp_path: Path) -> None:
    watched = AskedNetwork.watch(Real())
    watched.keep(tmp_path / "network.jsonl")
    watched.read_router(NETWORK.nodes[0].name)
    watched.apply(CHANGE)
    watched.wait(1)
    watched.read_router(NETWORK.nodes[0].name)
    again = AskedNetwork.restore(tmp_path / "network.jsonl", NETWORK, Real, keep=False)
    again.catch_up()
    assert again.read_topology() == watched.read_topology()
    assert again.now == watched.now
    assert sum(isinstance(x, Asked) for x in read_watch(tmp_path / "network.jsonl")) == 2


def _reordered(found: Telemetry) -> Telemetry:
    order = np.random.default_rng(1).permutation(found.links.time.size)
    return replace(found, links=found.links._make(x[order] for x in found.links))


def _dropping(found: Telemetry) -> Telemetry:
    kept = np.random.default_rng(1).random(found.links.time.size) < 0.7
    return replace(found, links=found.links._make(x[kept] for x in found.links))


@pytest.mark.parametrize("twist", [_reordered, _dropping])
def test_rows_that_are_dropped_or_out_of_order_change_no_reading_that_is_left(
    twist: Callable[[Telemetry], Telemetry],
) -> None:
    well, ill = Real(), Real(twist=twist)
    one = observe(NETWORK, well.read_telemetry(START), window=3, now=well.now)
    other = observe(NETWORK, ill.read_telemetry(START), window=3, now=ill.now)
    assert np.nanmax(np.abs(one.out_mbps - other.out_mbps) / np.maximum(one.out_mbps, 1)) < 0.2


def test_a_name_is_an_adapters_or_a_files() -> None:
    assert is_adapter("lab")
    assert is_adapter("lab:other")
    assert not is_adapter("site.toml")
    with pytest.raises(TwinError, match=r"no lab runs|no live network"):
        open_live("lab:nobody")
    with pytest.raises(TwinError, match="no live network"):
        open_live("nothing")


def test_the_record_of_another_network_is_refused(tmp_path: Path) -> None:
    watched = AskedNetwork.watch(Real())
    watched.keep(tmp_path / "network.jsonl")
    other = replace(NETWORK, name="another")
    with pytest.raises(StoreError):
        AskedNetwork.restore(tmp_path / "network.jsonl", other, Real)
