"""`[actuator]` of a site file: who changes the network, and how the routers are reached."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from twin.errors import InputError
from twin.execute.render import Inventory
from twin.execute.routers import Dialect, Routers
from twin.files import read_text
from twin.live.files import FilesNetwork, Look
from twin.model import Frozen
from twin.ssh_access import JUMP, Access

from .acting import ActingNetwork
from .advised import FOLDER, AdvisedNetwork
from .cli import CliHand, Speaker
from .cli_iosxr import IosXr
from .cli_junos import Junos
from .cli_mdcli import MdCli
from .hand import Hand, HandByRouter
from .made import MadeByHand
from .netconf import NetconfHand
from .ssh import FrrHand
from .xml_paths import xml_path

EFFECTS = "effects"
VENDORS: Mapping[Dialect, Callable[[], Speaker]] = {"iosxr": IosXr, "junos": Junos, "mdcli": MdCli}
"""Dialects that are spoken over SSH and have never met a router."""
_PORT = {"netconf": 830, "ssh": 22}


class Actuator(Frozen):
    """Who makes the changes: a person who is told each step, or we, by NETCONF or by SSH."""

    kind: Literal["advice", "netconf", "ssh"]
    user: str = Field(default="twinops", pattern=r"^[A-Za-z_][\w.-]{0,63}$")
    key: str | None = Field(default=None, description="File of the SSH key; without one, an agent is asked.")
    known_hosts: str = Field(default="known_hosts", description="Host keys that are believed, as ssh-keyscan writes.")
    jump: str | None = Field(default=None, pattern=JUMP, description="[USER@]HOST[:PORT] that leads to all routers.")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Of all routers that name none.")
    hosts: dict[str, str] = Field(default={}, description="Where routers answer, HOST or HOST:PORT by node name.")
    trial_s: int = Field(default=600, ge=10, le=86_400, description="Seconds until a change takes itself back.")
    wait_s: float = Field(default=3600.0, gt=0, le=604_800, description="Seconds that a person has for one step.")
    metric: str | None = Field(default=None, description="File of XML: where the routers keep an interface's metric.")
    untried: bool = Field(
        default=False,
        description="Allow dialects over SSH that were rehearsed against published transcripts, never on a router.",
    )
    vtysh: str = Field(default="vtysh", pattern=r"^[\w./ -]{1,200}$", description="How FRR's shell is called there.")

    def network(
        self, folder: Path, look: Callable[[], Look], known: Inventory, say: Callable[[str], None]
    ) -> FilesNetwork:
        """Open the network of a site in `folder` with this hand. Raises `InputError` on what is missing."""
        made = MadeByHand(folder / EFFECTS)
        if self.kind == "advice":
            return AdvisedNetwork(look, known, made, folder / FOLDER, wait_s=self.wait_s, say=say)
        return ActingNetwork(look, self.hand(folder, known), known, made, trial_s=self.trial_s)

    def hand(self, folder: Path, known: Inventory) -> Hand:
        """The hand that speaks to routers. Raises `InputError` on a file that is missing or wrong."""
        key = str(folder / self.key) if self.key else None
        port = self.port or _PORT[self.kind]
        access = Access(self.user, folder / self.known_hosts, key, port, self.hosts, self.jump)
        if self.kind == "ssh":
            return self._over_ssh(access, known.routers)
        if self.metric is None:
            fix = "write a file of XML with {interface} and {value}, and name it as `metric` under [actuator]"
            raise InputError("nothing says where the routers keep the metric of an interface", fix=fix)
        return NetconfHand(access, xml_path(read_text(folder / self.metric), self.metric))

    def _over_ssh(self, access: Access, routers: Routers) -> Hand:
        spoken = {routers.dialect, *(x.dialect for x in routers.named.values() if x.dialect)}
        strangers = sorted(spoken - {"frr", *VENDORS})
        if strangers:
            fix = "say frr, iosxr, junos or mdcli under [routers], or use netconf or advice"
            raise InputError(f"the actuator ssh does not speak {', '.join(strangers)}", fix=fix)
        if spoken & VENDORS.keys() and not self.untried:
            raise InputError(
                f"{', '.join(sorted(spoken & VENDORS.keys()))}: rehearsed on published transcripts, never on a router",
                fix="use advice; or try it in a laboratory of yours, and say untried = true under [actuator]",
            )
        frr = FrrHand(access, routers.igp, routers.level, self.vtysh)
        if not spoken & VENDORS.keys():
            return frr
        vendors = CliHand(access, routers, VENDORS)
        hands: tuple[Hand, ...] = (frr, vendors) if "frr" in spoken else (vendors,)
        return HandByRouter(hands, lambda x: frr if routers.dialect_of(x) == "frr" else vendors)
