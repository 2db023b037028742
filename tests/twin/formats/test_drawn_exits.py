"""Exits that are drawn for a network without any."""

from dataclasses import replace

import numpy as np
import pytest

from twin.errors import FormatError
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits


@pytest.mark.parametrize(("name", "many"), [("synthetic/5-2", 2), ("synthetic/8-3", 3)])
def test_drawn_exits_take_a_part_of_what_every_router_sends_and_no_more(name: str, many: int) -> None:
    plain = load_network(name)
    found = with_drawn_exits(plain, seed=4, capacity=7.0)
    n = len(plain.nodes)
    at = {group: {x.tail for x in found.links if x.head == group} for group in ("transit", "content")}
    assert (len(at["transit"]), len(at["content"])) == (many, 2)
    assert at["content"] <= at["transit"] <= {x.name for x in plain.nodes}
    assert {found.links[i].capacity for i in found.exits} == {7.0}
    np.testing.assert_allclose(found.demands[:n].sum(axis=1), plain.demands.sum(axis=1))
    assert found.demands[:n, n:].sum() == pytest.approx(0.4 * plain.demands.sum())
    assert not found.demands[n:].any()
    assert with_drawn_exits(plain, seed=4, capacity=7.0) == found
    assert with_drawn_exits(found, seed=5, capacity=1.0) is found


def test_a_router_with_the_name_of_a_group_is_refused() -> None:
    plain = load_network("synthetic/5-2")
    first = plain.nodes[0].name
    nodes = tuple(x._replace(name="transit") if x.name == first else x for x in plain.nodes)
    links = tuple(
        x._replace(tail=x.tail.replace(first, "transit"), head=x.head.replace(first, "transit")) for x in plain.links
    )
    with pytest.raises(FormatError, match="transit"):
        with_drawn_exits(replace(plain, nodes=nodes, links=links), seed=1, capacity=1.0)
