"""Syslog lines in the styles of two vendors. What a line says is untrusted text for whoever reads it."""

import numpy as np

from twin.model import Floats, Link, Network

from .network import Event

_USERS = ("netops", "automation", "oncall", "provisioning")
_COMMITS = 0.1
"""Share of the meaningless lines that are commits: other people change other things."""

_XR = {
    "link down": (3, "%PKT_INFRA-LINK-3-UPDOWN : Interface {interface}, changed state to Down"),
    "link up": (3, "%PKT_INFRA-LINK-3-UPDOWN : Interface {interface}, changed state to Up"),
    "adjacency down": (
        5,
        "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr {peer} on {interface} in area 0 "
        "from FULL to DOWN, Neighbor Down: interface down or detached",
    ),
    "adjacency up": (
        5,
        "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr {peer} on {interface} in area 0 from LOADING to FULL, Loading Done",
    ),
    "adjacency timeout": (
        5,
        "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr {peer} on {interface} in area 0 "
        "from FULL to DOWN, Neighbor Down: dead timer expired",
    ),
    "adjacency one-way": (
        5,
        "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr {peer} on {interface} in area 0 from FULL to INIT, 1-Way",
    ),
    "adjacency stuck": (
        5,
        "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr {peer} on {interface} in area 0 "
        "from EXSTART to DOWN, Neighbor Down: Too many retransmissions",
    ),
    "session down": (
        5,
        "%ROUTING-BGP-5-ADJCHANGE : neighbor {interface} Down - Interface flap (VRF: default) (AS: 6{number:04d})",
    ),
    "session timeout": (
        5,
        "%ROUTING-BGP-5-ADJCHANGE : neighbor {interface} Down - BGP Notification sent, hold time expired "
        "(VRF: default) (AS: 6{number:04d})",
    ),
    "session up": (
        5,
        "%ROUTING-BGP-5-ADJCHANGE : neighbor {interface} Up (VRF: default) (AS: 6{number:04d})",
    ),
    "mtu": (4, "%ROUTING-OSPF-4-ERRRCV : Received invalid packet: DBD with larger MTU, from {peer}, {interface}"),
    "area": (4, "%ROUTING-OSPF-4-ERRRCV : Received invalid packet: mismatched area ID, from {peer}, {interface}"),
    "process": (3, "%OS-SYSMGR-3-ERROR : ospf(1) (jid {pid}) exited, will be respawned with a delay"),
    "commit": (
        6,
        "%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user '{user}'. "
        "Use 'show configuration commit changes 1000{number:06d}' to view the changes.",
    ),
    "login": (6, "%SECURITY-SSHD-6-INFO_SUCCESS : Successfully authenticated user '{user}' on vty0"),
    "clock": (5, "%IP-NTP-5-SYNC_LOSS : Synchronization lost : stratum {digit}"),
}
_JUNOS = {
    "link down": (
        4,
        "mib2d[{pid}]: SNMP_TRAP_LINK_DOWN: ifIndex {index}, ifAdminStatus up(1), ifOperStatus down(2), "
        "ifName {interface}",
    ),
    "link up": (
        5,
        "mib2d[{pid}]: SNMP_TRAP_LINK_UP: ifIndex {index}, ifAdminStatus up(1), ifOperStatus up(1), ifName {interface}",
    ),
    "adjacency down": (
        5,
        "rpd[{pid}]: RPD_OSPF_NBRDOWN: OSPF neighbor {peer} (realm ospf-v2 {interface} area 0.0.0.0) "
        "state changed from Full to Down due to KillNbr (event reason: interface went down)",
    ),
    "adjacency up": (
        5,
        "rpd[{pid}]: RPD_OSPF_NBRUP: OSPF neighbor {peer} (realm ospf-v2 {interface} area 0.0.0.0) "
        "state changed from Loading to Full due to LoadingDone (event reason: OSPF loading completed)",
    ),
    "adjacency timeout": (
        5,
        "rpd[{pid}]: RPD_OSPF_NBRDOWN: OSPF neighbor {peer} (realm ospf-v2 {interface} area 0.0.0.0) "
        "state changed from Full to Down due to InActiveTimer (event reason: neighbor was inactive and declared dead)",
    ),
    "adjacency one-way": (
        5,
        "rpd[{pid}]: RPD_OSPF_NBRDOWN: OSPF neighbor {peer} (realm ospf-v2 {interface} area 0.0.0.0) "
        "state changed from Full to Init due to 1WayRcvd (event reason: neighbor is in one-way mode)",
    ),
    "adjacency stuck": (
        5,
        "rpd[{pid}]: RPD_OSPF_NBRDOWN: OSPF neighbor {peer} (realm ospf-v2 {interface} area 0.0.0.0) "
        "state changed from ExStart to Down due to KillNbr (event reason: too many retransmissions)",
    ),
    "session down": (
        4,
        "rpd[{pid}]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {interface} (External AS 6{number:04d}) changed state "
        "from Established to Idle (event Stop) (instance master)",
    ),
    "session timeout": (
        4,
        "rpd[{pid}]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {interface} (External AS 6{number:04d}) changed state "
        "from Established to Idle (event HoldTime) (instance master)",
    ),
    "session up": (
        4,
        "rpd[{pid}]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {interface} (External AS 6{number:04d}) changed state "
        "from OpenConfirm to Established (event RecvKeepAlive) (instance master)",
    ),
    "mtu": (4, "rpd[{pid}]: OSPF packet ignored: MTU mismatch from {peer} on intf {interface} area 0.0.0.0"),
    "area": (4, "rpd[{pid}]: OSPF packet ignored: area mismatch from {peer} on intf {interface} area 0.0.0.0"),
    "process": (3, "init: routing (PID {pid}) terminated by signal number 9. Core dumped!"),
    "commit": (5, "mgd[{pid}]: UI_COMMIT: User '{user}' requested 'commit' operation (comment: none)"),
    "login": (6, "sshd[{pid}]: Accepted publickey for {user} port 5{number:04d} ssh2"),
    "clock": (4, "xntpd[{pid}]: NTP Server Unreachable, stratum {digit}"),
}


class Syslog:
    """Writes what routers would log, each in the style of its vendor, drawn from the seed, and by its own clock.

    `ahead_s` is how far each router's clock runs ahead [n], not at all by default.
    """

    def __init__(self, network: Network, seed: int, ahead_s: Floats | None = None) -> None:
        first = np.random.default_rng([seed, 6]).random(len(network.nodes)) < 0.5
        styles = [_XR if is_first else _JUNOS for is_first in first]
        ahead = np.zeros(len(network.nodes)) if ahead_s is None else ahead_s
        self._ahead = {node.name: float(ahead[i]) for i, node in enumerate(network.nodes)}
        self._lines = {node.name: style for node, style in zip(network.nodes, styles, strict=True)}
        self._exits = frozenset(network.links[i].interface for i in network.exits)

    def link_state(self, link: Link, time: float, rng: np.random.Generator, *, up: bool) -> list[Event]:
        """Lines of the tail of a link whose interface goes down or comes up: interface first, then who was behind it.

        Behind an exit that is a session, else an adjacency.
        """
        behind = "session" if link.interface in self._exits else "adjacency"
        noticed, state = time + float(rng.uniform(0.05, 1.0)), "up" if up else "down"
        interface = link.interface.rsplit("/", 1)[1]
        return [
            self._line(f"link {state}", link.tail, noticed, rng, interface=interface),
            self._line(
                f"{behind} {state}",
                link.tail,
                noticed + float(rng.uniform(0.01, 0.5)),
                rng,
                interface=interface,
                peer=link.head,
            ),
        ]

    def interface(self, subject: str, link: Link, time: float, rng: np.random.Generator) -> Event:
        """A line of the tail of a link about its interface: an adjacency, or a packet that the routing refused."""
        interface = link.interface.rsplit("/", 1)[1]
        return self._line(subject, link.tail, time, rng, interface=interface, peer=link.head)

    def process(self, node: str, time: float, rng: np.random.Generator) -> Event:
        """Line of a router whose routing process ended."""
        return self._line("process", node, time + float(rng.uniform(0.05, 0.5)), rng)

    def commit(self, node: str, time: float, rng: np.random.Generator) -> Event:
        """Line of a router whose configuration was changed: who, but not what."""
        return self._line("commit", node, time + float(rng.uniform(0.05, 0.5)), rng)

    def chatter(
        self, nodes: list[str], start: float, end: float, per_day: float, rng: np.random.Generator
    ) -> list[Event]:
        """Lines that mean nothing, `per_day` for each of `nodes` on average: logins, clocks, other people's commits."""
        number = rng.poisson(per_day * len(nodes) * (end - start) / 86_400)
        subjects = rng.choice(["commit", "login", "clock"], number, p=[_COMMITS, 0.5, 0.5 - _COMMITS])
        return [
            self._line(str(subject), nodes[int(rng.integers(len(nodes)))], float(rng.uniform(start, end)), rng)
            for subject in subjects
        ]

    def _line(self, subject: str, node: str, time: float, rng: np.random.Generator, **known: str) -> Event:
        severity, text = self._lines[node][subject]
        drawn = {
            "pid": int(rng.integers(2_000, 30_000)),
            "index": int(rng.integers(500, 700)),
            "number": int(rng.integers(10_000)),
            "digit": int(rng.integers(1, 6)),
            "user": _USERS[int(rng.integers(len(_USERS)))],
        }
        return Event(time + self._ahead[node], node, severity, text.format(**drawn, **known))
