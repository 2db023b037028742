"""Exits that are taken out of use and put back: traffic first, then the session, and never the other way round.

A session that is closed takes its routes with it at once, and what is under way is lost until every router has another.
So the exit's router first prefers its routes after all others (local preference 0, as RFC 8326 has it), and closes the
session when traffic has left.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from twin.errors import ExecutionError
from twin.model import Network
from twin.plan import Change, DrainLink, UndrainLink

from .bgp import AS, BGPD
from .exits import Stub
from .layout import Router
from .vty import Vty


class ExitDrains:
    """Closes and opens the sessions of a lab's exits, and reads which are closed."""

    def __init__(self, root: Path, stubs: Mapping[int, Stub]) -> None:
        """`stubs` are those behind the exits, by the position of their links."""
        self._root, self._stubs = root, stubs

    def of(self, network: Network, change: Change) -> tuple[int, ...]:
        """Exits that a change takes out of use, or puts back. Raises `ExecutionError` where none can be so."""
        if not isinstance(change, DrainLink | UndrainLink):
            return ()
        found = tuple(i for i in network.circuit(change.circuit) if i in self._stubs)
        if found and isinstance(change, DrainLink) and change.mode == "cost_out":
            name = network.links[found[0]].name
            raise ExecutionError(f"a lab drains the exit {name} by closing its session", fix="leave the mode out")
        return found

    def make(self, network: Network, change: Change, settled: Callable[[], None]) -> None:
        """Bring the exits of a change to what `network` has of them. Raises `ExecutionError`.

        `settled` waits until traffic has moved.
        """
        for position in self.of(network, change):
            if network.links[position].drained:
                self._drain(position, settled)
            else:
                self._restore(position)

    def _drain(self, link: int, settled: Callable[[], None]) -> None:
        """Let traffic leave an exit, wait until it has, and close its session.

        An exit whose router has a policy of its own for what comes in keeps it: there the session is closed at once.
        """
        stub = self._stubs[link]
        use, name = _leaving(stub)
        with self._vty(stub) as vty:
            policies = f"neighbor {stub.port.address} route-map "
            own = [x for x in _running(vty) if x.startswith(policies) and x.endswith(" in") and x != use]
            if not own:
                vty.configure((f"route-map {name} permit 10", "set local-preference 0"))
                vty.configure(_policy(use))
        try:
            if not own:
                settled()
        finally:
            with self._vty(stub) as vty:
                vty.configure(_session(stub, "shutdown"))
                _forget(vty, stub)

    def _restore(self, link: int) -> None:
        stub = self._stubs[link]
        with self._vty(stub) as vty:
            _forget(vty, stub)  # of somebody who was killed between the two steps
            vty.configure(_session(stub, "no shutdown"))

    def tidy(self, network: Network, change: Change) -> None:
        """Take away what somebody left who was killed once a change was in force. Raises `ExecutionError`."""
        for position in self.of(network, change):
            with self._vty(self._stubs[position]) as vty:
                _forget(vty, self._stubs[position])

    def closed(self, router: Router) -> dict[int, bool]:
        """Whether the session of each exit of a router is closed by configuration. Raises `ExecutionError`."""
        own = [self._stubs[x.link] for x in router.exits]
        if not own:
            return {}
        with self._vty(own[0]) as vty:
            told = _running(vty)
        return {x.port.link: f"neighbor {x.port.address} shutdown" in told for x in own}

    def _vty(self, stub: Stub) -> Vty:
        return Vty(self._root / stub.outer.router / f"{BGPD}.vty")


def _leaving(stub: Stub) -> tuple[str, str]:
    """The line that lets traffic leave an exit, and the name of the policy in it."""
    name = f"leaving-{stub.number}"
    return f"neighbor {stub.port.address} route-map {name} in", name


def _forget(vty: Vty, stub: Stub) -> None:
    """Take away what is there of the policy by which traffic leaves an exit: its use, and the policy itself."""
    (use, name), runs = _leaving(stub), _running(vty)
    if use in runs:
        vty.configure(_policy(f"no {use}"))
    if any(x.startswith(f"route-map {name} ") for x in runs):
        vty.configure((f"no route-map {name}",))


def _running(vty: Vty) -> list[str]:
    return [x.strip() for x in vty.show("show running-config").splitlines()]


def _session(stub: Stub, what: str) -> tuple[str, ...]:
    words = f"neighbor {stub.port.address} shutdown"
    return f"router bgp {AS}", words if what == "shutdown" else f"no {words}"


def _policy(line: str) -> tuple[str, ...]:
    return f"router bgp {AS}", "address-family ipv4 unicast", line
