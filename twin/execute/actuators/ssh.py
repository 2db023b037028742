"""Routers of FRRouting on Linux, by SSH: `vtysh` changes them, and a timer on the router itself takes changes back.

FRR has no confirmed commit. Before the first line is typed, the router gets a process that sleeps, and types the lines
back from a file, unless that is gone by then. Removing the file is how a change is kept; who is first has decided.
"""

import re
import shlex
from collections.abc import Sequence

from twin.errors import ExecutionError, InputError
from twin.live.declared import Operation
from twin.ssh import Connections, Limits
from twin.ssh_access import Access

from .hand import Order, RouterState

MAKES: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link", "drain_node", "undrain_node"))
_LIMITS = Limits(whole_s=60, most=8 << 20)
_DEFAULT = 10
"""The metric of an interface that says none, of FRR's IS-IS; of OSPF it depends on the rate, and is not assumed."""
_INTERFACE = re.compile(r"interface (\S{1,70})")
_OSPF_COST = re.compile(r"ip ospf cost (\d{1,8})")
_OVERLOADED = frozenset(("set-overload-bit", "max-metric router-lsa administrative"))


class FrrHand:
    """Sets metrics and overload bits of FRR, over one connection to each router that stays open while in order."""

    def __init__(self, access: Access, igp: str, level: int = 2, vtysh: str = "vtysh") -> None:
        """`vtysh` is how it is called there, with its options."""
        self.igp, self.level, self.vtysh = igp, level, vtysh
        self._routers = Connections(access, _LIMITS)

    @property
    def makes(self) -> frozenset[Operation]:
        """Weights, and drains of circuits and routers."""
        return MAKES

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """Read what its daemons run."""
        return self._state(router, self._run(router, self._typed(("show running-config",))), interfaces)

    def rehearse(self, order: Order) -> None:
        """Have `vtysh` read the lines without typing them; the router must let us set a timer, too."""
        lines = "\n".join(x for x in order.lines if x.strip() not in ("configure terminal", "end"))
        check = (
            f"f=$(mktemp) && printf '%s\\n' {shlex.quote(lines)} > $f; {self.vtysh} -C -f $f; c=$?; rm -f $f; exit $c"
        )
        self._run(order.router, check)
        self._run(order.router, "command -v setsid sleep rm > /dev/null")

    def make(self, order: Order, token: str, seconds: int) -> None:
        """Set the timer, then type the lines."""
        guard, back = _guard(token), shlex.quote(self._typed(order.back))
        timer = shlex.quote(f"sleep {int(seconds)}; {_taken_back(guard)}")
        held = f"umask 077; set -C; printf '%s\\n' {back} > {guard}"  # not through a link that somebody laid there
        self._run(order.router, f"({held}) && (setsid sh -c {timer} >/dev/null 2>&1 </dev/null &)")
        self._run(order.router, self._typed(order.lines))

    def keep(self, router: str, token: str) -> None:
        """Take the timer's file away before it does."""
        self._run(router, f"rm {_guard(token)}")

    def take_back(self, router: str, token: str) -> None:
        """Type what the timer's file holds, if it is still there."""
        self._run(router, _taken_back(_guard(token)))

    def _state(self, router: str, text: str, interfaces: Sequence[str]) -> RouterState:
        found: dict[str, int] = {}
        inside, overloaded = "", False
        cost = _OSPF_COST if self.igp == "ospf" else re.compile(rf"isis metric (?:level-{self.level} )?(\d{{1,8}})")
        for line in text.splitlines():
            stripped = line.strip()
            if not line.startswith(" "):
                inside = stripped
            elif inside.startswith(f"router {self.igp}"):
                overloaded = overloaded or stripped in _OVERLOADED
            elif (at := _INTERFACE.fullmatch(inside)) and (metric := cost.fullmatch(stripped)):
                found[at[1]] = int(metric[1])
        missing = [x for x in interfaces if x not in found and (self.igp == "ospf" or f"interface {x}" not in text)]
        if missing:
            raise InputError(f"{router} says no metric of {missing[0]}", fix="correct the interface's name")
        return RouterState({x: found.get(x, _DEFAULT) for x in interfaces}, overloaded)

    def _typed(self, lines: Sequence[str]) -> str:
        return " ".join([self.vtysh, *(f"-c {shlex.quote(x.strip())}" for x in lines)])

    def _run(self, router: str, command: str) -> str:
        said = self._routers.run(router, command)
        if said.code:
            words = " ".join(f"{said.text} {said.errors}".split())[-200:]
            raise ExecutionError(f"{router} says no: {words or f'exit code {said.code}'}", fix="look at it")
        return said.text

    def close(self) -> None:
        """Say goodbye to all routers."""
        self._routers.close()


def _taken_back(guard: str) -> str:
    """Shell that types the lines back: whoever moves the file away first is the only one who does."""
    return f"! mv {guard} {guard}.now 2>/dev/null || {{ sh {guard}.now; c=$?; rm -f {guard}.now; exit $c; }}"


def _guard(token: str) -> str:
    if not token.isalnum():
        raise InputError(f"{token!r} is no token", fix="letters and digits")
    return f"/tmp/twinops-{token}"  # noqa: S108 - on the router, made with a name that nobody can foresee
