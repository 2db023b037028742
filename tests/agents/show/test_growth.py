"""`twinops forecast --until` on a twin file and on tables."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.show.growth import link_growth
from twin.errors import InputError
from twin.policy import Policy

START = datetime(2026, 1, 5, tzinfo=UTC)


def table(tmp_path, weeks=20):
    lines = ["time,link,out_mbps"]
    for k in range(1, weeks * 14 + 1):
        rate = 40 * 1.6 ** (k / 14 / 52.18) * (1 if k % 2 else 0.6)
        lines += [
            f"{(START + timedelta(hours=12 * k)).isoformat()},{x},{y:.4f}" for x, y in (("a->b", rate), ("b->a", 5))
        ]
    (tmp_path / "loads.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "net.json").write_text(
        '{"nodes":[{"id":"a"},{"id":"b"}],"links":[{"source":"a","target":"b","capacity":100000000,"weight":1}]}'
    )
    return tmp_path / "loads.csv", str(tmp_path / "net.json")


def test_the_links_that_fill_first_come_first_with_their_weeks(tmp_path):
    loads, network = table(tmp_path)
    answer = link_growth([loads], network, START + timedelta(days=900), Policy())
    first, second = answer.document["links"]
    assert (first["name"], first["limit"]) == ("a->b", 80)
    full = START + timedelta(weeks=52.18 * np.log(2) / np.log(1.6))
    assert abs(datetime.fromisoformat(first["likely"]) - full) < timedelta(weeks=4)
    assert second["likely"] is None
    text = [str(x) for x in answer.text]
    assert "1 of 2 links may pass 80%" in text[0]


def test_growth_asks_for_measured_links():
    with pytest.raises(InputError, match="measured links"):
        link_growth([], None, START, Policy())
