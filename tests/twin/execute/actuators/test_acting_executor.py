"""The executor over a hand: a step is kept when telemetry agrees, and taken back by the router when it does not."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.twin.execute.actuators.servers import METRIC, Server, netconf_server
from tests.twin.execute.approved import KEY, approved
from tests.twin.live_incident import POLICY, emulate, inventory
from twin.execute.actuators.acting import ActingNetwork
from twin.execute.actuators.made import MadeByHand
from twin.execute.actuators.netconf import NetconfHand
from twin.execute.executor import Execution, execute
from twin.execute.render import Inventory
from twin.execute.routers import Routers
from twin.faults import Fault, FaultKind
from twin.live.effects import Made, NotMade
from twin.live.files import Look
from twin.observe import observe
from twin.plan import Change, Plan, SetWeight

KNOWN = Inventory({x.name: x.name.replace("->", "-").lower() for x in inventory().links}, Routers(dialect="junos"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    metrics = {KNOWN.interfaces[x.name]: x.weight for x in inventory().links}
    with netconf_server(tmp_path_factory.mktemp("nc"), metrics) as running:
        yield running


class Site:
    """Files of a network whose traffic is emulated and follows the metrics that the real server runs."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.emulated, self.breaks = emulate(), list[Fault]()
        hosts = {x.name: f"127.0.0.1:{server.port}" for x in inventory().nodes}
        self.hand = NetconfHand(server.access(hosts), METRIC)
        self.live = ActingNetwork(self.look, self.hand, KNOWN, MadeByHand(folder), trial_s=120)

    def look(self) -> Look:
        network = self.emulated.read_topology()
        said = self.hand.read("A", tuple(KNOWN.interfaces.values())).metrics
        for link in network.links:
            if said[KNOWN.interfaces[link.name]] != link.weight:
                self.emulated.apply(SetWeight(link=link.name, weight=said[KNOWN.interfaces[link.name]]))
                while self.breaks:
                    self.emulated.inject(self.breaks.pop())
        self.emulated.wait(1)
        telemetry = self.emulated.read_telemetry(self.emulated.now - timedelta(hours=1))
        return Look(inventory(), replace(telemetry, declared=self.emulated.declared), self.emulated.now)


def execution_of(site: Site, *steps: Change) -> Execution:
    live = site.live
    seen = observe(live.read_topology(), live.read_telemetry(live.now - timedelta(hours=1)), window=2, now=live.now)
    plan = Plan(goal="as asked", base=seen.network.id, steps=steps, objective="change")
    held = approved(plan, seen.network, POLICY, now=live.now)
    return execute(plan, held.certificate, held.network, live, policy=POLICY, public_key=KEY.public, current=plan.base)


def test_a_step_that_telemetry_agrees_with_is_kept_on_the_router_and_one_that_it_does_not_is_taken_back(
    server: Server, tmp_path: Path
) -> None:
    site = Site(server, tmp_path)
    execution = execution_of(site, SetWeight(link="D->B", weight=25))
    assert execution.status == "applied", execution.reason
    assert site.hand.read("D", ["d-b"]).metrics == {"d-b": 25}
    assert isinstance(MadeByHand(tmp_path).record(inventory()).lines[-1], Made)

    site.breaks = [Fault(kind=FaultKind.LINK_DOWN, element=inventory().links[8].circuit)]
    execution = execution_of(site, SetWeight(link="D->B", weight=10))
    assert execution.status == "rolled_back", execution.reason
    assert site.hand.read("D", ["d-b"]).metrics == {"d-b": 25}
    assert isinstance(MadeByHand(tmp_path).record(inventory()).lines[-1], NotMade)
    assert site.live.drift() == ((), ())
