"""Tables laid over a topology: what an inventory knows beyond a router's database."""

import pytest

from tests.twin.formats.lsdb.test_databases import HEAD, TRIANGLE, lsp
from twin.errors import FormatError
from twin.formats.build import Choices
from twin.formats.load import read_explained


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def laid(folder, table, *more, text=TRIANGLE):
    paths = [str(saved(folder, f"t{i}.csv", one)) for i, one in enumerate((table, *more))]
    return read_explained(saved(folder, "paste.txt", HEAD + text), choices=Choices(tables=tuple(paths)))


def speeds(reading):
    return {link.name: link.capacity for link in reading.network.links}


def test_capacities_and_places_come_from_tables_and_metrics_from_the_routers(tmp_path):
    links = "A-End;Z-End;Kapazität (Gbit/s);delay_ms\na;b;2,5;1,5\nb;c;10;2\nc;a;100;3\n"
    nodes = "router,lat,lon\na,52.4,4.9\nb,50.1,8.7\nc,48.1,11.6\n"
    reading = laid(tmp_path, links, nodes)
    assert speeds(reading) == {
        "a->b": 2500,
        "b->a": 2500,
        "b->c": 10_000,
        "c->b": 10_000,
        "c->a": 100_000,
        "a->c": 100_000,
    }
    assert {(x.name, x.weight, x.delay_ms) for x in reading.network.links} >= {("a->b", 10, 1.5), ("c->a", 30, 3.0)}
    assert [(x.longitude, x.latitude) for x in reading.network.nodes] == [(4.9, 52.4), (8.7, 50.1), (11.6, 48.1)]
    assert not any("capacities" in text or "places" in text for text in reading.account.assumed)


def test_rows_in_both_directions_are_for_their_own_direction(tmp_path):
    reading = laid(tmp_path, "from,to,capacity_mbps\na,b,100\nb,a,200\nb,c,300\nc,a,400\n")
    assert (speeds(reading)["a->b"], speeds(reading)["b->a"], speeds(reading)["c->b"]) == (100, 200, 300)


def test_a_link_that_is_down_is_no_error_and_is_named(tmp_path):
    reading = laid(tmp_path, "from,to,capacity_mbps\na,b,100\nb,c,100\nc,a,100\na,d,100\n")
    assert any("a-d" in text and "down, or elsewhere" in text for text in reading.account.not_modelled)


def test_a_capacity_without_a_unit_is_asked_for(tmp_path):
    with pytest.raises(FormatError, match="--unit capacity"):
        laid(tmp_path, "from,to,capacity\na,b,100\n")


PARALLEL = (
    lsp("a.00", [("b.00", 10), ("b.00", 20), ("c.00", 30)])
    + lsp("b.00", [("a.00", 10), ("a.00", 20), ("c.00", 10)])
    + lsp("c.00", [("b.00", 10), ("a.00", 30)])
)


@pytest.mark.parametrize(
    ("rows", "wanted", "word"),
    [("a,b,100\n", {100}, "share a row"), ("a,b,100\na,b,200\n", {100, 200}, "in the order")],
)
def test_parallel_links_take_one_row_or_one_each_and_it_is_said(tmp_path, rows, wanted, word):
    reading = laid(tmp_path, f"from,to,capacity_mbps\n{rows}b,c,9\nc,a,9\n", text=PARALLEL)
    assert {x.capacity for x in reading.network.links if {x.tail, x.head} == {"a", "b"}} == wanted
    assert any(word in text for text in reading.account.assumed)


def test_more_rows_than_links_are_a_question(tmp_path):
    with pytest.raises(FormatError, match="one row, or 2 for the links between a and b, not 3"):
        laid(tmp_path, "from,to,capacity_mbps\n" + "a,b,1\n" * 3, text=PARALLEL)


def test_what_the_table_states_counts_against_the_databases_own(tmp_path):
    stated = TRIANGLE.replace("IS-Extended b.00\n", "IS-Extended b.00\n    Physical BW: 10000000 kbits/sec\n")
    reading = laid(tmp_path, "from,to,capacity_mbps\na,b,100\nb,c,9\nc,a,9\n", text=stated)
    assert speeds(reading)["a->b"] == 100
    assert any("give way" in str(use) for use in reading.account.fields)


@pytest.mark.parametrize("table", ["x,y\n1,2\n", "", "from,to,cap\na\n", 'from,to,cap\n"a,b\n'])
def test_a_table_of_something_else_is_refused_with_its_line(tmp_path, table):
    with pytest.raises(FormatError):
        laid(tmp_path, table)
