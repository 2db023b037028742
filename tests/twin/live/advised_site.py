"""A network known from files or servers that a person changes: one who answers every step that is handed over."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twin.errors import InputError
from twin.execute.actuators.advised import answer
from twin.live.files import FilesNetwork
from twin.model import Network
from twin.site import read_site


@contextmanager
def advised(folder: Path, clock: Callable[[], datetime]) -> Generator[FilesNetwork]:
    """Open the network of the site in `folder`, with a person beside it."""
    ended = threading.Event()

    def person() -> None:
        while not ended.wait(0.1):
            with suppress(InputError):  # no step waits
                answer(folder)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        yield read_site(folder).network(clock)
    finally:
        ended.set()
        thread.join()


def write_site(folder: Path, network: Network, *sources: str) -> None:
    """Write the inventory and a site file with these sources, whose changes a person makes."""
    circuits = [network.links[x[0]] for x in network.circuits.values()]
    links = [{"source": x.tail, "target": x.head, "weight": x.weight, "capacity": f"{x.capacity:g}M"} for x in circuits]
    nodes = [{"id": x.name} for x in network.nodes]
    (folder / "topology.json").write_text(json.dumps({"nodes": nodes, "links": links}))
    names = "".join(f'"{x}",if-{i}\n' for i, x in enumerate(network.link_index))
    (folder / "interfaces.csv").write_text("link,interface\n" + names)
    lines = ["[sources]", 'topology = "topology.json"', 'interfaces = "interfaces.csv"', *sources]
    lines += ["[routers]", 'dialect = "junos"', "[actuator]", 'kind = "advice"', ""]
    (folder / "site.toml").write_text("\n".join(lines))


class _Written:
    """A clock of which every look is a second later, by when somebody has measured once more."""

    def __init__(self, folder: Path, network: Network) -> None:
        self._path, self._links, self._now = folder / "counters.csv", list(network.link_index), _START
        self._path.write_text("time,link,out_mbps,in_mbps\n")

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        with self._path.open("a") as file:
            file.writelines(
                f"{self._now:%Y-%m-%dT%H:%M:%SZ},{x},{100 + i},{100 + i}\n" for i, x in enumerate(self._links)
            )
        return self._now


_START = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)


@contextmanager
def advised_site(folder: Path, network: Network) -> Generator[FilesNetwork]:
    """Open a network of files that grow with every look at the clock."""
    clock = _Written(folder, network)
    for _ in range(3):
        clock()
    write_site(folder, network, 'counters = "counters.csv"')
    with advised(folder, clock) as live:
        yield live
