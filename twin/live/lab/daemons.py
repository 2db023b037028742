"""The routing daemons of a lab: started few at a time, stopped, frozen, ended and started again."""

import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twin.errors import ExecutionError

from .bgp import BGPD, STATICD, discard_configuration, router_configuration, stub_configuration
from .exits import Stub
from .features import FRR, environment
from .frr import DAEMON, configuration_text, igp_configuration, zebra_configuration
from .layout import Design, Router

_AT_ONCE = 4
_START_S = 30.0
_ZEBRA = "zebra"


class Daemons:
    """Starts and stops `zebra` and the routing daemon of each router; everything they write is below `root`."""

    def __init__(self, design: Design, root: Path) -> None:
        self._design, self._root = design, root
        self.igp = DAEMON[design.igp]
        self.of_each = ("zebra", self.igp, *((STATICD, BGPD) if design.groups else ()))
        self._running: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def start(self, routers: Mapping[str, Router], stubs: tuple[Stub, ...] = ()) -> None:
        """Start the daemons of each router and stub. Raises `ExecutionError` when one does not come up."""
        with ThreadPoolExecutor(_AT_ONCE) as several:
            under_way = [several.submit(self._start, router, routers, stubs) for router in routers.values()]
            under_way += [several.submit(self._start_stub, stub) for stub in stubs]
            for done in under_way:
                done.result()

    def _start(self, router: Router, routers: Mapping[str, Router], stubs: tuple[Stub, ...]) -> None:
        folder = self._root / router.name
        folder.mkdir(exist_ok=True)
        (folder / "zebra.conf").write_text(zebra_configuration(router, str(folder)))
        (folder / f"{self.igp}.conf").write_text(igp_configuration(self._design, router, str(folder)))
        if BGPD in self.of_each:
            (folder / f"{STATICD}.conf").write_text(discard_configuration(router.name, str(folder)))
            (folder / f"{BGPD}.conf").write_text(
                router_configuration(self._design, router, routers, stubs, str(folder))
            )
        for daemon in self.of_each:
            self.start_one(router.name, daemon)

    def _start_stub(self, stub: Stub) -> None:
        folder = self._root / stub.name
        folder.mkdir(exist_ok=True)
        (folder / "zebra.conf").write_text(configuration_text(stub.name, _ZEBRA, str(folder)))
        (folder / f"{BGPD}.conf").write_text(stub_configuration(stub, str(folder)))
        for daemon in (_ZEBRA, BGPD):
            self.start_one(stub.name, daemon)

    def start_one(self, router: str, daemon: str) -> None:
        """Start one daemon with the configuration on its file, and wait until it listens."""
        folder = self._root / router
        socket = folder / f"{daemon}.vty"
        socket.unlink(missing_ok=True)
        command = [
            "nsenter",
            f"--net=/run/netns/{router}",
            str(FRR / daemon),
            *("-f", f"{folder}/{daemon}.conf", "-i", f"{folder}/{daemon}.pid", "-z", f"{folder}/zserv.api"),
            *("--vty_socket", str(folder), "-P", "0", "-u", "root", "-g", "root"),
        ]
        with (folder / f"{daemon}.out").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own words
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment()
            )
        self._running[router, daemon] = process
        end = time.monotonic() + _START_S
        awaited = (socket, folder / "zserv.api") if daemon == _ZEBRA else (socket,)
        while not all(x.exists() for x in awaited):
            if process.poll() is not None or time.monotonic() > end:
                told = (folder / f"{daemon}.out").read_text(errors="replace")[-200:].strip()
                raise ExecutionError(f"{daemon} of {router} does not start: {told}", fix="see whether FRR is whole")
            time.sleep(0.01)

    def runs(self, router: str, daemon: str) -> bool:
        """Whether a daemon is there."""
        process = self._running.get((router, daemon))
        return process is not None and process.poll() is None

    def signal(self, router: str, daemon: str, number: signal.Signals) -> None:
        """Send a signal to one daemon, and wait for its end where the signal means one."""
        process = self._running.get((router, daemon))
        if process is None or process.poll() is not None:
            raise ExecutionError(f"{daemon} of {router} does not run", fix="heal the lab first")
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()
