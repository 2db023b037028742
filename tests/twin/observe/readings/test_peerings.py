"""What routers say of their peerings, from the daemon's words to the observation, through the store and the file."""

from itertools import product

import numpy as np
import pytest

from tests.twin.live.beyond_exits import EVER, NETWORK, START
from twin.faults import Fault, FaultKind
from twin.formats.load import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.peerings import reason_of
from twin.live.samples_file import pack, unpack
from twin.observe import observe
from twin.observe.readings.peerings import Peering, ways_out
from twin.store import TwinStore


@pytest.fixture(scope="module")
def live():
    """A network with a peering that is dark since the second sample."""
    found = EmulatedNetwork(NETWORK, seed=5, start=START)
    found.wait(2)
    found.inject(Fault(kind=FaultKind.LINK_DOWN, element=NETWORK.links[NETWORK.exits[1]].circuit))
    found.wait(1)
    return found


def test_every_exit_says_whether_it_is_up_what_it_hears_and_how_it_is_preferred(live):
    seen = observe(NETWORK, live.read_telemetry(EVER)).peerings
    assert [x.link for x in seen] == list(NETWORK.exits)
    assert [x.usable for x in seen] == [True, False, True]
    assert [x.reason for x in seen] == ["none", "carrier", "none"]
    assert [x.path_length for x in seen] == [1.0, None, 2.0]
    assert seen[0].preferred < seen[2].preferred
    assert seen[1].preferred is None


def test_peerings_come_back_from_the_store_and_from_a_file_as_they_were_measured(live, tmp_path):
    measured = live.read_telemetry(EVER)
    assert measured.peerings.time.size == 3 * len(NETWORK.exits)
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        store.append_telemetry(measured, NETWORK)
        stored = store.read_telemetry(NETWORK, EVER)
    for found in (stored, unpack(pack(measured), NETWORK, measured.declared)):
        for column, wanted in zip(found.peerings, measured.peerings, strict=True):
            np.testing.assert_array_equal(column, wanted)


def test_a_network_without_exits_has_no_readings_of_peerings_and_no_room_for_them_in_a_file():
    plain = EmulatedNetwork(load_network("synthetic/8-1"), seed=5, start=START)
    plain.wait(1)
    measured = plain.read_telemetry(EVER)
    assert measured.peerings.time.size == 0
    assert b"peerings" not in pack(measured)


@pytest.mark.parametrize(
    ("state", "code", "carrier", "reason"),
    [
        ("Established", "0400", True, "none"),  # of the session before
        ("Connect", "0400", True, "hold timer"),
        ("Idle", "0202", True, "bad AS"),
        ("Active", "0603", True, "de-configured"),
        ("Idle", "0601", True, "max prefix"),
        ("Active", "0606", True, "configuration"),
        ("Active", "0400", False, "carrier"),
        ("Active", "", True, "other"),
    ],
)
def test_the_words_of_a_daemon_are_read_as_reasons(state, code, carrier, reason):
    """Codes as the daemons of a laboratory gave them for each cause; RFC 4271 and RFC 4486 have the numbers."""
    assert reason_of(state, code, carrier=carrier) == reason


SAID = [(True, 1.0), (False, 0.0), (None, float("nan"))]


@pytest.mark.parametrize("reachable", SAID)
@pytest.mark.parametrize("discards", SAID)
def test_there_is_a_way_out_only_where_a_route_stands_that_others_reach_and_that_does_not_drop(reachable, discards):
    """All 243 combinations, by the table that says it in words: in columns, of one exit, and over time."""
    steps = list(product(SAID, SAID, SAID))
    columns = [np.array([x[1] for x in column]) for column in zip(*steps, strict=True)]
    beside = [np.full(len(steps), x[1]) for x in (reachable, discards)]
    found = ways_out(*columns, *beside)
    for row, step in enumerate(steps):
        words = [x[0] for x in step]
        wanted = None if None in words else True
        if False in words or reachable[0] is False or discards[0] is True:
            wanted = False
        one = Peering(0, words[0], "none", words[1], words[2], reachable[0], discards[0], None, None)
        assert one.usable is wanted
        assert (None if np.isnan(found[row]) else bool(found[row])) is wanted
