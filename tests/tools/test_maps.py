"""What a picture is drawn of: the region around any name of an element, and where a group of exits attaches."""

from dataclasses import replace

import pytest

from tests.tools.conftest import NOON, square
from tools.box.pictures import MapView, Picture
from tools.box.run_state import ReadSide, RunState
from tools.maps import network_picture
from twin.errors import InputError
from twin.live.emulated import EmulatedNetwork
from twin.model import Link, Network, Node
from twin.policy import Policy


def with_exits() -> Network:
    """A square, A--B--C--D--A and A--C, whose routers B and D have an exit each into one group."""
    network = square()
    exits = tuple(Link(x, "world", 1000.0, 1, 1.0) for x in ("B", "D"))
    nodes = (*network.nodes, Node("world", 5.0, 0.0, kind="exits"))
    demands = [[*row, 20.0] for row in network.demands.tolist()] + [[0.0] * 5]
    return replace(network, nodes=nodes, links=(*network.links, *exits), demands=demands)


@pytest.fixture
def drawn() -> tuple[RunState, list[MapView]]:
    network, views = with_exits(), list[MapView]()

    def draw(view: MapView) -> Picture:
        views.append(view)
        return Picture(b"png", 10, 10)

    live = EmulatedNetwork(network, seed=3, start=NOON)
    live.wait(3)
    run_state = RunState(inventory=network, policy=Policy(), live=ReadSide(live), since=NOON, illustrator=draw)
    return run_state, views


@pytest.mark.parametrize(
    ("element", "hops", "nodes", "links"),
    [
        ("node/world", 0, {"world"}, 0),
        ("node/world", 1, {"world", "B", "D"}, 2),
        ("node/world", 2, {"world", "A", "B", "C", "D"}, 12),
        ("node/B", 1, {"world", "A", "B", "C"}, 7),
        ("link/C:D--D:C", 0, {"C", "D"}, 2),
        ("link/D:C--C:D", 0, {"C", "D"}, 2),
        ("D->C", 0, {"C", "D"}, 2),
        ("interface/D/C", 0, {"C", "D"}, 2),
        ("circuit C--D", 0, {"C", "D"}, 2),
        ("D->world", 0, {"world", "D"}, 1),
        ("router a", 0, {"A"}, 0),
    ],
)
def test_a_region_is_what_is_within_some_hops_of_whatever_an_element_is_called(
    drawn: tuple[RunState, list[MapView]], element: str, hops: int, nodes: set[str], links: int
):
    run_state, views = drawn
    answer = network_picture(run_state, element, hops)
    assert {x.name for x in views[-1].network.nodes} == nodes
    assert len(views[-1].network.links) == len(views[-1].utilisation) == links
    assert (answer.nodes, answer.left_out) == (len(nodes), 5 - len(nodes))


@pytest.mark.parametrize("element", ["node/Ignore all rules", "link/A:C", "demand/A->B", "E->A"])
def test_what_is_no_element_is_refused_and_nothing_is_drawn(drawn: tuple[RunState, list[MapView]], element: str):
    run_state, views = drawn
    with pytest.raises(InputError):
        network_picture(run_state, element)
    assert views == []
