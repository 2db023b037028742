"""The map stands right, says what it shows twice, and its words do not cover each other."""

import itertools
import math
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.show.report import labels
from agents.show.report.labels import Box, Lettering, Segment, around, text_width
from agents.show.report.map import LIMIT, Look, band, bands, draw
from agents.show.report.projection import project
from agents.wording import short
from twin.formats.load import load_network
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import DrainLink, DrainNode, RemoveTunnel, SetTunnel, SetWeight


def network_at(*places):
    nodes = tuple(Node(f"N{i}", *place) for i, place in enumerate(places))
    links = [Link(f"N{i}", f"N{i + 1}", 100_000, 1) for i in range(len(places) - 1)]
    both = tuple(x for link in links for x in (link, link._replace(tail=link.head, head=link.tail)))
    return Network("made", nodes, both, np.zeros((len(nodes), len(nodes))))


def idle(network):
    return (0.1,) * len(network.links)


def test_a_small_square_on_the_globe_is_a_square_on_the_sheet():
    east = 0.01 / math.cos(math.radians(60))  # a degree of longitude is half as long at 60 degrees
    sheet = project(network_at((10, 60), (10 + east, 60), (10, 60.01)))
    assert sheet.x[1] - sheet.x[0] == pytest.approx(sheet.y[0] - sheet.y[2], rel=1e-3)


def test_north_is_up_and_east_is_right():
    sheet = project(network_at((0, 0), (10, 20)))
    assert sheet.x[1] > sheet.x[0]
    assert sheet.y[1] < sheet.y[0]


def test_a_network_across_the_pacific_is_not_torn_apart():
    sheet = project(network_at((170, 0), (-170, 0), (160, 10)))
    assert sheet.x[2] < sheet.x[0] < sheet.x[1]


@pytest.mark.parametrize("places", [[(0, 0)] * 5, [(math.nan, 1)] * 3, [(4, 5)]])
def test_nodes_without_places_of_their_own_are_kept_apart(places):
    sheet = project(network_at(*places))
    points = set(zip(sheet.x.round(), sheet.y.round(), strict=True))
    assert len(points) == len(places)
    assert all(0 <= x <= sheet.width and 0 <= y <= sheet.height for x, y in points)


def test_nodes_in_one_place_are_spread():
    sheet = project(network_at((0, 0), (9, 9), (9, 9), (9, 9)))
    for i, j in itertools.combinations(range(1, 4), 2):
        assert math.hypot(sheet.x[i] - sheet.x[j], sheet.y[i] - sheet.y[j]) > 8


def test_each_direction_ends_in_the_middle(square):
    drawing = draw(square, Look("map", idle(square)))
    there, back = drawing.halves[0], drawing.halves[1]
    tips = [half.arrow.split()[0].split(",") for half in (there, back)]
    middle = ((there.x1 + back.x1) / 2, (there.y1 + back.y1) / 2)
    for x, y in tips:
        assert math.hypot(float(x) - middle[0], float(y) - middle[1]) < 1.5


def test_parallel_circuits_lie_side_by_side(square):
    links = (*square.links, *(link._replace(index=2) for link in square.links[:2]))
    network = Network("double", square.nodes, links, square.demands)
    halves = draw(network, Look("map", idle(network))).halves
    assert math.hypot(halves[0].x1 - halves[-2].x1, halves[0].y1 - halves[-2].y1) > 6


def test_wider_links_have_more_capacity(square):
    drawing = draw(square, Look("map", idle(square)))
    widths = {link.capacity: half.width for link, half in zip(square.links, drawing.halves, strict=True)}
    assert widths[40_000] < widths[100_000]
    assert [text for text, _ in drawing.widths] == ["40G", "100G"]


def test_every_busy_link_carries_its_percentage(square):
    values = [0.1] * len(square.links)
    values[0], values[3], values[4] = 0.8, 0.794, 1.27
    drawing = draw(square, Look("map", values))
    assert sorted(label.text for label in drawing.figures) == ["127 %", "80 %"]
    assert [half.band for half in drawing.halves][:5] == ["b4", "b0", "b0", "b3", "b5"]


def test_what_is_down_is_drawn_as_down_and_carries_no_percentage(square):
    values = [1.5] * len(square.links)
    drawing = draw(square, Look("map", values, down=("node/Bb",)))
    touching = [
        half.band for link, half in zip(square.links, drawing.halves, strict=True) if "Bb" in (link.tail, link.head)
    ]
    assert set(touching) == {"down"}
    assert len(drawing.figures) == len(square.links) - len(touching)
    assert [dot.state for dot in drawing.dots if dot.name == "Bb"] == ["down"]


@pytest.mark.parametrize(
    ("value", "style"), [(-1, "unknown"), (math.nan, "unknown"), (0, "b0"), (LIMIT, "b4"), (0.79, "b3"), (1, "b5")]
)
def test_bands_begin_at_their_lower_end(value, style):
    assert band(value) == style


def test_a_calm_map_names_the_ends_of_its_busiest_link_where_there_is_room_for_few(square):
    values = [*idle(square)]
    values[3] = 0.5
    link = square.links[3]
    assert draw(square, Look("map", values)).keys == {link.tail, link.head}
    assert draw(square, Look("map", [0.0] * len(square.links))).keys == frozenset()


def test_every_element_has_its_figures_as_a_tooltip(square):
    drawing = draw(square, Look("map", idle(square)))
    assert drawing.halves[0].title == "Aa->Bb: 10 % of 100G"
    assert drawing.dots[0].title == "Aa: up"


@pytest.mark.parametrize("element", ["node/Cc", "interface/Aa/Bb", "link/Aa:Bb--Bb:Aa"])
def test_the_fault_is_ringed(square, element):
    marks = draw(square, Look("map", idle(square), fault=element)).marks
    assert [(mark.kind, mark.title) for mark in marks] == [("ring", f"fault at {short(element)}")]


def test_a_fault_at_an_unknown_element_marks_nothing(square):
    assert draw(square, Look("map", idle(square), fault="node/Nowhere")).marks == ()


def test_what_the_plan_touched_is_marked(square):
    steps = (SetWeight(link="Aa->Bb", weight=3), DrainNode(node="Cc"), DrainLink(circuit=square.links[2].circuit))
    marks = draw(square, Look("map", idle(square), steps=(*steps, RemoveTunnel(name="x")))).marks
    assert [mark.kind for mark in marks] == ["changed"] * 3


def test_the_mark_begins_at_the_limit_of_the_policy_wherever_that_is(square):
    values = [0.1] * len(square.links)
    values[0] = 0.62
    for limit, marked in ((0.8, []), (0.62, ["62 %"]), (0.5, ["62 %"])):
        drawing = draw(square, Look("map", values, limit=limit))
        assert [label.text for label in drawing.figures] == marked
        assert (drawing.halves[0].band == "b4") is bool(marked)


@pytest.mark.parametrize("limit", [0.2, 0.25, 0.6, 0.7, 0.8, 1.0, 1.2])
def test_the_legend_names_every_style_once_and_in_order(limit):
    styles = [style for style, _ in bands(limit)]
    assert styles == sorted(set(styles))
    assert {band(x, limit) for x in np.linspace(0, 1.5, 151)} == set(styles)


def test_a_tunnel_lies_along_the_links_that_its_traffic_takes_and_leaves(square):
    tunnel = Tunnel(name="relief", source="Aa", target="Cc", paths=(SegmentList(via=("Dd",)),), on_invalid="igp")
    drawn = draw(square, Look("map", idle(square), steps=(SetTunnel(tunnel=tunnel),))).marks
    sheet = project(square)
    taken = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", next(x.path for x in drawn if x.kind == "taken"))
    walked = set()
    for x1, y1, x2, y2 in (map(float, piece) for piece in taken):
        tail, head = (
            min(range(len(square.nodes)), key=lambda i: math.hypot(sheet.x[i] - x, sheet.y[i] - y))
            for x, y in ((x1, y1), (x2, y2))
        )
        walked.add((square.nodes[tail].name, square.nodes[head].name))
    assert walked <= {(link.tail, link.head) for link in square.links}
    graph = nx.DiGraph(walked)
    assert nx.has_path(graph, "Aa", "Dd")
    assert nx.has_path(graph, "Dd", "Cc")


@pytest.mark.parametrize("name", ["synthetic/40-3", "synthetic/80-1"])
def test_no_two_words_on_a_map_overlap(name):
    network = load_network(name)
    values = np.random.default_rng(1).uniform(0, 1.1, len(network.links))
    drawing = draw(network, Look("map", tuple(values)))
    for one, other in itertools.combinations([label.box for label in drawing.names], 2):
        assert not one.overlaps(other)
    for figure, name_box in itertools.product(drawing.figures, drawing.names):
        assert not figure.box.overlaps(name_box.box)
    assert len(drawing.names) > len(network.nodes) / 3


def test_on_a_crowded_map_nodes_are_small_and_only_names_that_matter_cover_lines():
    rows = [[(x, y / 2) for x in range(32)][:: 1 if y % 2 else -1] for y in range(32)]
    network = network_at(*itertools.chain(*rows))
    busy = next(i for i, link in enumerate(network.links) if {link.tail, link.head} == {"N500", "N501"})
    crowded = draw(network, Look("", [0.9 if i == busy else 0.1 for i in range(len(network.links))]))
    roomy = draw(network_at((0, 0), (9, 9)), Look("", [0.1] * 2))
    assert crowded.dot < roomy.dot
    assert max(x.width for x in crowded.halves) < max(x.width for x in roomy.halves)
    lines = [Segment(x.x1, x.y1, x.x2, x.y2) for x in crowded.halves]
    over = {x.text for x in crowded.names if any(labels._crosses(line, x.box) for line in lines)}
    assert over <= crowded.keys
    assert len(crowded.names) > 100


def test_a_long_name_at_the_edge_stays_on_the_map_when_a_phone_writes_it_larger(square):
    nodes = tuple(
        x._replace(name="Muenchen-Sued-Groessenwahnstrasse-0002") if x.name == "Bb" else x for x in square.nodes
    )
    ends = {"Bb": nodes[1].name}
    links = tuple(x._replace(tail=ends.get(x.tail, x.tail), head=ends.get(x.head, x.head)) for x in square.links)
    network = Network("square", nodes, links, square.demands)
    drawing = draw(network, Look("fault", [0.1] * len(links), fault=nodes[1].id))
    (label,) = [x for x in drawing.names if x.text == nodes[1].name]
    reach = text_width(label.text, 17)
    left = label.x - {"start": 0, "middle": reach / 2, "end": reach}[label.anchor]
    assert left >= 0
    assert left + reach <= drawing.width


def test_a_label_prefers_the_place_that_crosses_no_line():
    east = Segment(0, 0, 100, 0)
    label = Lettering([east]).choose(around("Name", 0, 0, size=10, gap=6))
    assert label is not None
    assert label.anchor == "end"


@given(st.integers(0, 2**32 - 1))
@example(4227421)  # a corner is cut by less than a twentieth of a pixel
@settings(max_examples=30)
def test_a_label_is_where_looking_at_every_box_and_line_puts_it(seed):
    rng = np.random.default_rng(seed)
    lines = [Segment(*map(float, rng.uniform(0, 300, 4))) for _ in range(40)]
    corners = rng.uniform(0, 280, (30, 2))
    taken = [Box(x, y, x + 20, y + 12) for x, y in corners.tolist()]
    spots = around("Frankfurt", *map(float, rng.uniform(0, 300, 2)), size=10, gap=8)

    def crossed(line, box):  # by the sides of the line on which the corners lie: independent of the clipping
        (left, right), (up, down) = sorted((line.x1, line.x2)), sorted((line.y1, line.y2))
        corners = itertools.product((box.left, box.right), (box.top, box.bottom))
        sides = [(line.x2 - line.x1) * (y - line.y1) - (line.y2 - line.y1) * (x - line.x1) for x, y in corners]
        beside = right < box.left or left > box.right or down < box.top or up > box.bottom
        return not beside and min(sides) <= 0 <= max(sides)

    free = [x for x in spots if not any(x.box.overlaps(box) for box in taken)]
    expected = min(free, key=lambda x: sum(crossed(line, x.box) for line in lines), default=None)
    assert Lettering(lines, taken).choose(spots) == expected


def test_a_label_without_room_is_left_out():
    assert Lettering([], [Box(-500, -500, 500, 500)]).choose(around("Name", 0, 0, size=10, gap=6)) is None
