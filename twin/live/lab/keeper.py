"""The first process of a lab, inside its namespaces: brings everything up, polls it, and answers questions."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from pydantic import JsonValue, ValidationError

from twin.errors import ExecutionError, TwinError

from .control import (
    SOCKET,
    Ask,
    AskBeside,
    AskDown,
    AskFault,
    AskHeal,
    AskOffer,
    AskProbe,
    AskRoutes,
    AskStatus,
    AskTraffic,
    read_ask,
)
from .daemons import Daemons
from .exits import build_stubs, stubs_of
from .faults import Injector
from .features import environment
from .layout import Design, routers_of
from .namespaces import MTU, build, command
from .polling import SAMPLES, Poller, poll
from .rules import filters, static_routes
from .traffic import ROUNDS, packets_per_s, probed_delays, share

ROOT = Path("/run/lab")
DESIGN = "design.json"
_CONVERGED_S = 60.0
_POLL_S = 0.05
_LINE = 1 << 16
_PRIORITY = -10


class Keeper:
    """One lab from its first namespace to its last packet."""

    def __init__(self, design: Design) -> None:
        self.design, self.routers = design, routers_of(design)
        self.stubs = stubs_of(design, self.routers)
        self.daemons = Daemons(design, ROOT)
        self.ending = threading.Event()
        self._timings: dict[str, float] = {}
        self._began = time.monotonic()
        self._helpers: list[subprocess.Popen[bytes]] = []

    def bring_up(self) -> None:
        """Build, start, converge, send. Raises `TwinError`."""
        self._timed("built", self._build)
        self.shared = share(ROOT, self.design, new=True)
        for role in ("receive", "send"):
            words = [sys.executable, "-m", f"{__package__}.traffic", role, str(ROOT)]
            self._helpers.append(subprocess.Popen(words, env=environment(), cwd="/"))  # noqa: S603 - our own words
        self._timed("started", lambda: self.daemons.start(self.routers, self.stubs))
        self.poller = Poller(self.design, self.routers, self.daemons, ROOT, self.stubs)
        self._timed("converged", self._converge)
        self.faults = Injector(self.design, self.routers, self.daemons, self.poller, self.shared, ROOT)
        self._timed("sending", self._send)
        (ROOT / SAMPLES).touch()
        threading.Thread(target=self._poll, daemon=True).start()
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(ROOT / SOCKET))
        server.listen(8)  # before the lab is told to be up: who waited for it may ask at once
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def _build(self) -> None:
        build(self.routers.values(), self.design.seed)
        if self.stubs:
            build_stubs(self.stubs, self.routers.values(), self.design.seed)

    def _send(self) -> None:
        """Offer the traffic matrix once somebody sends and somebody receives."""
        end = time.monotonic() + _CONVERGED_S
        while not self.shared.ready.all():
            if time.monotonic() > end or any(x.poll() is not None for x in self._helpers):
                raise ExecutionError("the traffic generator does not start", fix="twinops lab up")
            time.sleep(_POLL_S)
        self.offer(1.0)

    def offer(self, factor: float) -> None:
        """Send this share of the traffic matrix."""
        self.shared.rate[:] = packets_per_s(self.design, self.design.inventory.demands) * factor

    def _timed(self, name: str, work: Callable[[], None]) -> None:
        began = time.monotonic()
        work()
        self._timings[name] = round(time.monotonic() - began, 2)

    def _converge(self) -> None:
        """Wait until every kernel has a route to every router, and to what is beyond every group of exits."""
        wanted, end = len(self.design.nodes) - 1, time.monotonic() + _CONVERGED_S
        while True:
            have = {name: len(routes) for name, routes in self.poller.routes().items()}
            lacking = [name for name, count in have.items() if count < wanted]
            if not lacking:
                return
            if time.monotonic() > end:
                raise ExecutionError(
                    f"{len(lacking)} routers have no route to all others, first {lacking[0]}",
                    fix="try fewer routers, or a machine that is less busy",
                )
            time.sleep(_POLL_S)

    def _poll(self) -> None:
        try:
            poll(self.poller, self.shared, ROOT, self.design.rates.interval_s, lambda: not self.ending.is_set())
        except Exception as error:  # a lab that is not polled is none
            sys.stderr.write(f"the poller stopped: {type(error).__name__}: {error}\n")
            self.ending.set()
            raise

    def _serve(self, server: socket.socket) -> None:
        with server:
            while not self.ending.is_set():
                one, _ = server.accept()
                threading.Thread(target=self._answer, args=(one,), daemon=True).start()

    def _answer(self, one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            one.settimeout(10)
            line = bytearray()
            while not line.endswith(b"\n") and len(line) < _LINE:
                part = one.recv(_LINE)
                if not part:
                    return
                line += part
            one.sendall(json.dumps(self._answered(bytes(line))).encode() + b"\n")

    def _answered(self, line: bytes) -> dict[str, JsonValue]:
        try:
            return {"answer": self.answer(read_ask(line))}
        except TwinError as error:
            return {"error": str(error), "fix": error.fix}
        except ValidationError as error:
            return {"error": f"no such question: {error.errors()[0]['msg']}", "fix": ""}
        except OSError as error:
            return {"error": f"the kernel refuses: {error}", "fix": "twinops lab status"}

    def answer(self, question: Ask) -> JsonValue:
        """Answer one question. Raises `TwinError`."""
        match question:
            case AskStatus():
                return self.status()
            case AskRoutes():
                return {
                    name: {target: list(x) for target, x in routes.items()}
                    for name, routes in self.poller.routes().items()
                }
            case AskProbe():
                return self._probe(question.source, question.target)
            case AskBeside():
                return self._beside(question.router)
            case AskFault():
                self.faults.strike(question.fault, question.variant)
                return None
            case AskHeal():
                self.faults.heal()
                return None
            case AskOffer():
                self.offer(question.factor)
                return None
            case AskTraffic():
                return {"sent": self.shared.sent.tolist(), "received": self.shared.received.tolist()}
            case AskDown():
                self.ending.set()
                return None

    def status(self) -> dict[str, JsonValue]:
        """Say what runs, since when, and how it came up."""
        return {
            "network": self.design.network,
            "igp": self.design.igp,
            "routers": len(self.routers),
            "exits": len(self.stubs),
            "reflectors": list(self.design.reflectors),
            "add_path": self.design.add_path,
            "circuits": len(self.design.inventory.circuits) - len(self.stubs),
            "interval_s": self.design.rates.interval_s,
            "seconds": dict(self._timings),
            "up_s": round(time.monotonic() - self._began, 1),
            "daemons": sum(self.daemons.runs(x, daemon) for x in self.routers for daemon in self.daemons.of_each),
            "faults": [f"{fault}{f' ({way})' if way else ''}" for fault, way in self.faults.struck],
            "sent": int(self.shared.sent.sum()),
            "received": int(self.shared.received.sum()),
            "refused": int(self.shared.refused.sum()),
        }

    def _beside(self, name: str) -> JsonValue:
        """Static routes, filters and MTUs of a router's own, by the names of links that the inventory has."""
        router = self.routers.get(name)
        if router is None:
            raise ExecutionError(f"there is no router {name}", fix="name one of the lab's")
        loopbacks = {x.loopback: x.name for x in self.routers.values()}
        links = {port.device: self.design.inventory.links[port.link].name for port in router.ports}
        routes = [[target, links[device]] for target, device in static_routes(router, loopbacks) if device in links]
        found = [[links[device], target or ""] for device, target in filters(router, loopbacks)]
        odd = [links[device] for device, mtu in self.poller.mtus(name).items() if device in links and mtu != MTU]
        return cast("JsonValue", {"routes": routes, "filters": found, "mtus": odd})

    def _probe(self, source: str, target: str) -> JsonValue:
        """What became of the probes of the last whole round between two routers."""
        index = self.design.inventory.node_index
        pair = (index.get(source, -1), index.get(target, -1))
        if pair not in self.poller.probed:
            raise ExecutionError(f"nobody probes from {source} to {target}", fix="ask for another pair")
        number, under_way = self.poller.probed.index(pair), int(self.shared.round[0])
        end = time.monotonic() + 3 * self.design.rates.interval_s
        while int(self.shared.round[0]) < under_way + 2 and time.monotonic() < end:
            time.sleep(_POLL_S)
        slot = (under_way + 1) % ROUNDS
        sent, got = int(self.shared.probe_sent[slot, number]), int(self.shared.probe_received[slot, number])
        delay = float(probed_delays(self.shared, slot)[number]) if got else None
        return {"loss": 1 - min(got, sent) / sent if sent else 1.0, "delay_ms": delay}


def prepare() -> None:
    """Give the lab a file system in memory of its own, and a group file in which root may own the daemons' sockets."""
    for folder in ("/run", "/var/tmp"):  # noqa: S108 - of our own mount namespace
        command("mount", "-t", "tmpfs", "tmpfs", folder)
    for folder in (Path("/run/netns"), ROOT):
        folder.mkdir()
    ROOT.chmod(0o755)
    groups = [line for line in Path("/etc/group").read_text().splitlines() if not line.startswith(("frrvty:", "frr:"))]
    own = Path("/run/group")
    own.write_text("\n".join([*groups, "frrvty:x:997:root", "frr:x:996:root"]) + "\n")
    command("mount", "--bind", str(own), "/etc/group")


def main() -> int:
    """Read the design from standard input, say one line when everything runs, and stay until the end."""
    design = Design.model_validate_json(sys.stdin.buffer.read())
    with contextlib.suppress(OSError):  # routers that wait for a processor lose their neighbours
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    try:
        prepare()
        (ROOT / DESIGN).write_text(design.model_dump_json())
        command("ip", "link", "set", "lo", "up")
        keeper = Keeper(design)
        keeper.bring_up()
        told: dict[str, JsonValue] = {"ready": keeper.status()}
    except TwinError as error:
        sys.stdout.write(json.dumps({"error": str(error), "fix": error.fix}) + "\n")
        return 1
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    with (ROOT / "keeper.log").open("ab") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    keeper.ending.wait()
    time.sleep(_POLL_S)  # the last answer leaves first
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # nothing is left to say goodbye to: the namespaces end with this process
