"""Whatever is read again, in whatever pieces and order, no sample is lost and none is stored twice."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.store.store_samples import NETWORK, equal, measured, part, rows, series
from twin.errors import InputError
from twin.live.network import Telemetry
from twin.store import TwinStore

EVER = datetime(2000, 1, 1, tzinfo=UTC)
WHOLE = measured(1)
TIMES = np.unique(WHOLE.links.time)
EDGES = [-np.inf, *(TIMES + 1), np.inf]


def shuffled(telemetry: Telemetry, seed: int) -> Telemetry:
    """The same samples in another order, some of them twice."""
    rng = np.random.default_rng(seed)

    def mix(samples):
        order = rng.permutation(np.concatenate([np.arange(samples.time.size), rng.integers(0, samples.time.size, 5)]))
        return type(samples)(*(column[order] for column in samples))

    links, nodes, probes, traffic, interfaces, flows = (mix(x) if x.time.size else x for x in series(telemetry))
    return Telemetry(links, nodes, probes, traffic, telemetry.events, interfaces, flows)


spans = st.tuples(st.integers(0, len(EDGES) - 1), st.integers(0, len(EDGES) - 1)).map(sorted)


@settings(max_examples=25)
@given(st.lists(st.tuples(spans, st.booleans()), max_size=5), st.integers(0, 99))
def test_replays_in_any_pieces_and_order_leave_every_sample_once(pieces, seed):
    with TwinStore.open() as store:
        for (low, high), mixed in pieces:
            piece = part(WHOLE, EDGES[low], EDGES[high])
            store.append_telemetry(shuffled(piece, seed) if mixed else piece, NETWORK)
        covered = np.zeros(len(EDGES) - 1, dtype=bool)
        for (low, high), _ in pieces:
            covered[low:high] = True
        held = [part(WHOLE, EDGES[i], EDGES[i + 1]) for i in np.flatnonzero(covered)]
        assert rows(store.read_telemetry(NETWORK, EVER)) == sum(map(rows, held))
        assert store.append_telemetry(WHOLE, NETWORK) == rows(WHOLE) - sum(map(rows, held))
        assert equal(store.read_telemetry(NETWORK, EVER), WHOLE)


def test_samples_between_stored_ones_are_new(tmp_path):
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        for which in (slice(0, None, 2), slice(1, None, 2)):
            for low in np.arange(len(EDGES) - 1)[which]:
                piece = part(WHOLE, EDGES[low], EDGES[low + 1])
                assert store.append_telemetry(piece, NETWORK) == rows(piece)
        assert equal(store.read_telemetry(NETWORK, EVER), WHOLE)


def test_a_sample_of_an_element_that_the_inventory_lacks_stores_nothing_at_all():
    links = WHOLE.links._replace(link=WHOLE.links.link + 1)
    with TwinStore.open() as store:
        with pytest.raises(InputError, match="telemetry names link"):
            store.append_telemetry(replace(WHOLE, links=links), NETWORK)
        assert rows(store.read_telemetry(NETWORK, EVER)) == 0


def test_of_two_readings_of_flows_the_fuller_one_stays():
    sparse = WHOLE.declared.model_copy(update={"sparse": True})
    later = WHOLE.traffic._replace(mbps=WHOLE.traffic.mbps * 2)
    fewer = WHOLE.traffic._replace(mbps=WHOLE.traffic.mbps / 2)
    with TwinStore.open() as store:
        for traffic in (WHOLE.traffic, later, fewer):
            store.append_telemetry(replace(WHOLE, traffic=traffic, declared=sparse), NETWORK)
        kept = store.read_telemetry(NETWORK, EVER).traffic
    assert kept.mbps.sum() == pytest.approx(later.mbps.sum())
    assert kept.time.size == later.time.size
