"""What every live network has to hold to: a test of an adapter is a subclass with a fixture `live` of its own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from twin.errors import TwinError
from twin.live.network import LiveNetwork, Measurable
from twin.plan import SetWeight


class LiveContract:
    """The tests, each on the network that the fixture `live` opens; in this order they may share one."""

    def test_telemetry_is_columns_in_time_order_of_what_the_inventory_has(self, live: LiveNetwork) -> None:
        network, found = live.read_topology(), live.read_telemetry(live.now - timedelta(hours=1))
        for table, size in ((found.links, len(network.links)), (found.nodes, len(network.nodes))):
            assert len({column.size for column in table}) == 1
            assert table.time.size
            assert np.all(np.diff(table.time) >= 0)
            assert 0 <= table[1].min() <= table[1].max() < size
        assert found.links.time.max() <= live.now.timestamp()
        assert found.declared == live.declared

    def test_nothing_that_was_read_is_read_again_since_then(self, live: LiveNetwork) -> None:
        newest = live.read_telemetry(live.now - timedelta(hours=1)).links.time.max()
        later = live.read_telemetry(datetime.fromtimestamp(float(newest), UTC) + timedelta(microseconds=1))
        assert not (later.links.time <= newest).any()

    def test_waiting_brings_as_many_samples_as_were_waited_for(self, live: LiveNetwork) -> None:
        before, newest = live.now, live.read_telemetry(live.now - timedelta(hours=1)).links.time.max()
        live.wait(2)
        assert live.now > before
        times = np.unique(live.read_telemetry(before - timedelta(hours=1)).links.time)
        assert (times > newest).sum() >= 2

    def test_a_change_shows_in_the_topology_and_its_undoing_restores_it(self, live: LiveNetwork) -> None:
        network = live.read_topology()
        link = network.links[0]
        live.apply(SetWeight(link=link.name, weight=link.weight + 1))
        assert live.read_topology().links[0].weight == link.weight + 1
        live.apply(SetWeight(link=link.name, weight=link.weight))
        assert live.read_topology() == network

    def test_a_change_of_what_does_not_exist_is_an_error_and_changes_nothing(self, live: LiveNetwork) -> None:
        network = live.read_topology()
        with pytest.raises(TwinError):
            live.apply(SetWeight(link="nobody->nowhere", weight=3))
        assert live.read_topology() == network

    def test_routers_that_can_be_asked_say_what_they_were_told(self, live: LiveNetwork) -> None:
        if "running" not in live.declared.reads:
            assert not isinstance(live, Measurable)
            return
        assert isinstance(live, Measurable)
        network = live.read_topology()
        for node in network.nodes:
            by_name, by_id = live.read_router(node.name), live.read_router(node.id)  # whoever asks has an element's id
            assert by_name.network == by_id.network
            assert by_name.network.links[0].weight == network.links[0].weight
        assert 0 <= live.probe(network.nodes[0].name, network.nodes[1].name).loss <= 1
        with pytest.raises(TwinError):
            live.read_router("nobody")
