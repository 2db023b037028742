from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.twin.store.store_samples import NETWORK, NOW, empty, equal, measured, part, rows
from twin.errors import UnknownElementError
from twin.live.network import Event
from twin.store import TwinStore
from twin.store.telemetry import insert_telemetry


@pytest.fixture
def store():
    with TwinStore.open() as opened:
        yield opened


def test_telemetry_reads_back_as_it_was_measured(store):
    telemetry = measured()
    assert store.append_telemetry(telemetry, NETWORK) == rows(telemetry) > 1000
    assert len(telemetry.events) > 0
    assert equal(store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)), telemetry)


def test_an_interval_read_again_is_neither_lost_nor_doubled(store):
    telemetry = measured()
    times = np.unique(telemetry.links.time)
    low, middle, high = times[0] - 1, times[len(times) // 2], times[-1] + 1e6
    store.append_telemetry(part(telemetry, low, middle), NETWORK)
    added = store.append_telemetry(part(telemetry, times[3], high), NETWORK)
    assert added == rows(part(telemetry, middle, high))
    assert store.append_telemetry(telemetry, NETWORK) == rows(telemetry) - rows(part(telemetry, low, high))
    assert rows(store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC))) == rows(telemetry)


@pytest.mark.parametrize("at_once", [1, 50, 333])
def test_rows_that_go_in_a_few_at_a_time_are_what_goes_in_at_once(store, at_once):
    telemetry = measured(hours=1)
    assert insert_telemetry(store._database, telemetry, NETWORK, at_once=at_once) == rows(telemetry)
    assert insert_telemetry(store._database, telemetry, NETWORK, at_once=2 * at_once) == 0
    assert equal(store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)), telemetry)


def test_nothing_measured_is_nothing_stored(store):
    assert store.append_telemetry(empty(), NETWORK) == 0
    assert equal(store.read_telemetry(NETWORK, NOW), empty())


def test_equal_lines_of_one_instant_are_all_kept(store):
    line = Event(NOW.timestamp(), NETWORK.nodes[0].name, 3, "'); DROP TABLE event; --")
    telemetry = replace(empty(), events=(line, line, line._replace(severity=4), line))
    assert store.append_telemetry(telemetry, NETWORK) == 4
    assert store.append_telemetry(telemetry, NETWORK) == 0
    assert store.read_telemetry(NETWORK, NOW - timedelta(seconds=1)).events == telemetry.events


def test_only_what_came_after_is_read(store):
    telemetry = measured()
    store.append_telemetry(telemetry, NETWORK)
    times = np.unique(telemetry.links.time)
    since = datetime.fromtimestamp(times[-3], tz=UTC)
    found = store.read_telemetry(NETWORK, since)
    assert np.unique(found.links.time).tolist() == times[-2:].tolist()


def test_networks_in_one_file_keep_their_own_telemetry(store):
    other = replace(NETWORK, name="other")
    store.append_telemetry(measured(), NETWORK)
    assert rows(store.read_telemetry(other, datetime(2000, 1, 1, tzinfo=UTC))) == 0


def test_a_sample_of_an_element_that_the_network_lacks_is_not_dropped_in_silence(store):
    store.append_telemetry(measured(), NETWORK)
    smaller = replace(NETWORK, links=NETWORK.links[2:])
    with pytest.raises(UnknownElementError, match="no link"):
        store.read_telemetry(smaller, datetime(2000, 1, 1, tzinfo=UTC))
