"""What queues add to delays, as `whatif --queues` tells it."""

import pytest

from agents.show.planning import wait_in_queues
from tests.twin.optimise.networks import network_of
from twin.errors import InputError
from twin.formats import write_node_link


def told(tmp_path, load: float, burstiness: float):
    network = network_of([("a", "b", 100.0, 1), ("b", "c", 100.0, 1)], {("a", "b"): load, ("b", "c"): 10.0})
    write_node_link(network, tmp_path / "net.json")
    answer = wait_in_queues(str(tmp_path / "net.json"), burstiness, 1)
    return answer.document["queues"], list(answer.text)


def test_the_longest_queue_is_told_with_its_mean_and_its_99th_percentile(tmp_path):
    document, text = told(tmp_path, 80.0, 10.0)
    (row,) = document["links"]
    sending = 800 * 8 / 100e6 * 1e3  # ms
    assert row["link"] == "a->b"
    assert row["mean_ms"] == pytest.approx(sending * (1 + 10 * 0.8 / 0.2))
    assert row["p99_ms"] == pytest.approx(4.605 * row["mean_ms"])
    assert document["valid"]
    assert "beyond" not in str(text[-1])


def test_a_link_that_is_full_is_named_as_beyond_the_model(tmp_path):
    document, text = told(tmp_path, 120.0, 1.0)
    assert document["beyond_model"] == ["a->b"]
    assert "1 link above 99 % is beyond it" in str(text[-1])


def test_a_burstiness_that_was_never_measured_is_refused(tmp_path):
    with pytest.raises(InputError, match="burstiness of 40"):
        told(tmp_path, 80.0, 40.0)
