"""Databases written for these tests: two-way check, LANs, overload, fragments, cuts, and paths against networkx."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import FormatError, TwinError
from twin.formats.load import read_explained
from twin.formats.lsdb.paste import lines_of
from twin.sim.simulate import simulate

HEAD = "IS-IS core (Level-2) Link State Database\nLSPID  LSP Seq Num  LSP Checksum  LSP Holdtime/Rcvd  ATT/P/OL\n"


def lsp(name, neighbours, *, life="900", flags="0/0/0", fragment="00"):
    lines = [f"{name}-{fragment}  0x00000001  0x1234  {life} /1200  {flags}"]
    lines += [f"  Metric: {metric:<10} IS-Extended {other}" for other, metric in neighbours]
    return "\n".join(lines) + "\n"


def saved(folder, text, name="paste.txt"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


TRIANGLE = (
    lsp("a.00", [("b.00", 10), ("c.00", 30)])
    + lsp("b.00", [("a.00", 10), ("c.00", 10)])
    + lsp("c.00", [("b.00", 10), ("a.00", 30)])
)


def names(network):
    return {(link.name, link.weight) for link in network.links}


def test_a_link_counts_only_if_both_ends_name_each_other(tmp_path):
    dead = TRIANGLE + lsp("d.00", [("a.00", 5)])
    reading = read_explained(saved(tmp_path, HEAD + dead))
    assert [node.name for node in reading.network.nodes] == ["a", "b", "c"]
    assert any("one end only" in text for text in reading.account.not_modelled)


def test_a_purged_router_is_no_longer_there(tmp_path):
    text = HEAD + TRIANGLE.replace("c.00-00  0x00000001  0x1234  900", "c.00-00  0x00000001  0x1234  0")
    assert names(read_explained(saved(tmp_path, text)).network) == {("a->b", 10), ("b->a", 10)}


def test_fragments_are_one_router_and_overload_counts_in_the_first(tmp_path):
    text = TRIANGLE.replace("  Metric: 30         IS-Extended c.00\n", "", 1).replace(
        "a.00-00  0x00000001  0x1234  900 /1200  0/0/0", "a.00-00  0x00000001  0x1234  900 /1200  0/0/1"
    )
    text += lsp("a.00", [("c.00", 30)], fragment="03")
    network = read_explained(saved(tmp_path, HEAD + text)).network
    assert ("a->c", 30) in names(network)
    assert [node.drained for node in network.nodes] == [True, False, False]


@pytest.mark.parametrize("change", ["\r\n", "pager", "prompt", "fence", "tabs"])
def test_what_a_terminal_leaves_in_a_paste_changes_nothing(tmp_path, change):
    plain = read_explained(saved(tmp_path, HEAD + TRIANGLE, "a.txt")).network
    text = HEAD + TRIANGLE
    match change:
        case "\r\n":
            text = text.replace("\n", "\r\n")
        case "pager":
            lines = text.splitlines(keepends=True)
            lines.insert(5, " --More-- " + "\b" * 10 + " " * 10 + "\b" * 10)
            text = "".join(lines)
        case "prompt":
            text = "RP/0/RP0/CPU0:a#show isis database detail\n\n" + text + "RP/0/RP0/CPU0:a#"
        case "fence":
            text = f"```\n{text}```\n"
        case "tabs":
            text = text.replace("  Metric: 10         IS", "\tMetric: 10\tIS")
    assert names(read_explained(saved(tmp_path, text, "b.txt")).network) == names(plain)


def test_a_head_that_is_not_understood_is_an_error_and_not_text_of_the_router_before(tmp_path):
    text = HEAD + TRIANGLE.replace("c.00-00  0x00000001", "c.00-00  0xzz")
    with pytest.raises(FormatError, match="the head of an LSP"):
        read_explained(saved(tmp_path, text))


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_text_cut_inside_its_last_lines_is_never_taken_for_whole(tmp_path, cut):
    text = (HEAD + TRIANGLE)[:-cut].rstrip(" ")
    whole = names(read_explained(saved(tmp_path, HEAD + TRIANGLE, "w.txt")).network)
    if text.endswith("\n") or text.endswith("900 /1200  0/0/0"):
        return
    try:
        found = names(read_explained(saved(tmp_path, text)).network)
    except FormatError:
        return
    assert found == whole


def test_levels_are_never_merged(tmp_path):
    text = HEAD + TRIANGLE + HEAD.replace("Level-2", "Level-1") + TRIANGLE.replace("10", "77")
    with pytest.raises(FormatError, match=r"core level 2.*core level 1.*--network-id"):
        read_explained(saved(tmp_path, text))


def test_narrow_and_wide_metrics_state_one_link(tmp_path):
    both = TRIANGLE.replace(
        "  Metric: 10         IS-Extended b.00", "  Metric: 10         IS b.00\n  Metric: 10         IS-Extended b.00"
    )
    network = read_explained(saved(tmp_path, HEAD + both)).network
    assert (len(network.links), network.igp) == (6, "isis")


def test_the_metrics_that_routers_state_say_how_large_one_may_be(tmp_path):
    narrow = read_explained(saved(tmp_path, HEAD + TRIANGLE.replace("IS-Extended", "IS"))).network
    assert (narrow.igp, narrow.largest_metric) == ("isis-narrow", 63)
    ospf = read_explained(saved(tmp_path, OSPF_HEAD + ONE + TWO)).network
    assert (ospf.igp, ospf.largest_metric) == ("ospf", 65_535)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), nodes=st.integers(3, 7), members=st.integers(2, 5))
def test_paths_over_lans_cost_what_the_database_says(tmp_path_factory, seed, nodes, members):
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    routers = [f"r{i}" for i in range(nodes)]
    for a, b in [*pairwise(routers), (routers[-1], routers[0])]:
        graph.add_edge(a, b, weight=int(rng.integers(2, 40)))
        graph.add_edge(b, a, weight=int(rng.integers(2, 40)))
    on_lan = [str(x) for x in rng.permutation(routers)[:members]]
    for router in on_lan:
        graph.add_edge(router, "r0.07", weight=int(rng.integers(2, 20)))
        graph.add_edge("r0.07", router, weight=0)
    text = HEAD
    for node in graph:
        full = node if node.endswith(".07") else f"{node}.00"
        listed = [(x if x.endswith(".07") else f"{x}.00", graph[node][x]["weight"]) for x in graph[node]]
        text += lsp(full, listed)
    network = read_explained(saved(tmp_path_factory.mktemp("lsdb"), text)).network
    index = network.node_index
    for source in routers:
        for target in routers:
            if source == target:
                continue
            demands = np.zeros((len(index), len(index)))
            demands[index[source], index[target]] = 1.0
            load = simulate(network.with_demands(demands)).load
            cost = sum(float(x) * link.weight for x, link in zip(load, network.links, strict=True))
            assert cost == pytest.approx(nx.shortest_path_length(graph, source, target, weight="weight"))


@settings(max_examples=200)
@given(junk=st.text(max_size=40), at=st.integers(0, 600))
def test_junk_anywhere_in_a_database_is_read_or_refused_in_one_line(tmp_path_factory, junk, at):
    text = HEAD + TRIANGLE
    path = saved(tmp_path_factory.mktemp("junk"), "".join((text[:at], junk.replace("\ud800", ""), text[at:])))
    said = ""
    try:
        read_explained(path)
    except TwinError as error:
        said = str(error)
    assert "\n" not in said


def test_backspaces_and_control_sequences_leave_no_trace():
    assert [line.text for line in lines_of("a\x1b[7mb\x1b[0mc\nx\by\n")] == ["abc", "y", ""]


def test_a_command_pasted_twice_is_one_network(tmp_path):
    once, twice = (read_explained(saved(tmp_path, HEAD + text)) for text in (TRIANGLE, f"{TRIANGLE}\n{HEAD}{TRIANGLE}"))
    assert names(once.network) == names(twice.network)


@pytest.mark.parametrize("newer_first", [True, False])
def test_of_an_lsp_that_stands_there_twice_the_higher_sequence_number_counts(tmp_path, newer_first):
    old = lsp("a.00", [("b.00", 99), ("c.00", 30)])
    new = lsp("a.00", [("b.00", 10), ("c.00", 30)]).replace("0x00000001", "0x00000002")
    rest = TRIANGLE.partition("b.00-00")
    text = HEAD + "".join((new, old) if newer_first else (old, new)) + "b.00-00" + rest[2]
    found = names(read_explained(saved(tmp_path, text)).network)
    assert ("a->b", 10) in found
    assert ("a->b.2", 99) not in found


def test_two_routers_of_one_name_are_never_one(tmp_path):
    one = lsp("a.00", [("b.00", 10)]) + "  Router ID:    10.0.0.1\n"
    other = lsp("a.00", [("b.00", 20)]).replace("0x00000001", "0x00000007") + "  Router ID:    10.0.0.9\n"
    text = HEAD + one.replace("  Metric", "  Router ID:    10.0.0.1\n  Metric", 1)
    text += other.replace("  Metric", "  Router ID:    10.0.0.9\n  Metric", 1) + lsp("b.00", [("a.00", 10)])
    with pytest.raises(FormatError, match=r"one system called a.*10\.0\.0\.1.*10\.0\.0\.9.*system ids"):
        read_explained(saved(tmp_path, text))


def test_a_purged_fragment_states_nothing(tmp_path):
    text = TRIANGLE.replace("  Metric: 30         IS-Extended c.00\n", "", 1)
    text += lsp("a.00", [("c.00", 30)], fragment="01", life="0")
    assert "a->c" not in {name for name, _ in names(read_explained(saved(tmp_path, HEAD + text)).network)}


def test_a_text_with_fewer_lsps_than_it_counts_is_cut(tmp_path):
    text = f"{HEAD}{TRIANGLE}\n Total Level-2 LSP count: 4     Local Level-2 LSP count: 1\n"
    with pytest.raises(FormatError, match=r"the 4 LSPs that the text counts, not 3.*that of c"):
        read_explained(saved(tmp_path, text))


def interface(near, far):
    return f"    Interface IP Address: {near}\n    Neighbor IP Address: {far}\n"


def test_parallel_links_are_told_by_the_addresses_of_their_ends(tmp_path):
    head, row = "{}-00  0x00000001  0x1234  900 /1200  0/0/0\n", "  Metric: {}         IS-Extended {}\n"
    text = head.format("a.00") + row.format(10, "b.00") + interface("10.0.1.1", "10.0.1.2")
    text += row.format(20, "b.00") + interface("10.0.2.1", "10.0.2.2")
    text += head.format("b.00") + row.format(15, "a.00") + interface("10.0.2.2", "10.0.2.1")
    text += row.format(25, "a.00") + interface("10.0.1.2", "10.0.1.1")
    found = names(read_explained(saved(tmp_path, HEAD + text)).network)
    assert found == {("a->b", 10), ("b->a", 25), ("a->b.2", 20), ("b->a.2", 15)}


def test_parallel_links_that_cannot_be_told_apart_are_paired_by_metric_and_that_is_said(tmp_path):
    text = lsp("a.00", [("b.00", 10), ("b.00", 20)]) + lsp("b.00", [("a.00", 20), ("a.00", 10)])
    reading = read_explained(saved(tmp_path, HEAD + text))
    assert names(reading.network) == {("a->b", 10), ("b->a", 10), ("a->b.2", 20), ("b->a.2", 20)}
    assert any("parallel links" in text for text in reading.assumed)


def ospf(router, links, *, sequence="80000005", age="100", listed=None):
    text = f"  LS age: {age}\n  LS Type: Router Links\n  Link State ID: {router}\n  Advertising Router: {router}\n"
    text += f"  LS Seq Number: {sequence}\n  Number of Links: {len(links) if listed is None else listed}\n"
    for other, address, metric in links:
        text += (
            f"    Link connected to: another Router (point-to-point)\n     (Link ID) Neighboring Router ID: {other}\n"
        )
        text += f"     (Link Data) Router Interface address: {address}\n       TOS 0 Metrics: {metric}\n"
    return text


OSPF_HEAD = "            OSPF Router with ID (1.1.1.1) (Process ID 1)\n\t\tRouter Link States (Area 0)\n"
ONE = ospf("1.1.1.1", [("2.2.2.2", "10.0.0.1", 10), ("2.2.2.2", "10.0.1.1", 20)])
TWO = ospf("2.2.2.2", [("1.1.1.1", "10.0.1.2", 15), ("1.1.1.1", "10.0.0.2", 25)])
APART = {("1.1.1.1->2.2.2.2", 10), ("2.2.2.2->1.1.1.1", 25), ("1.1.1.1->2.2.2.2.2", 20), ("2.2.2.2->1.1.1.1.2", 15)}


OLD = ONE.replace("20\n", "77\n").replace("80000005", "80000004")


@pytest.mark.parametrize("text", [ONE + TWO, ONE + TWO + OSPF_HEAD + ONE + TWO, OLD + ONE + TWO])
def test_an_ospf_database_is_read_once_with_its_parallel_links_told_by_their_networks(tmp_path, text):
    assert names(read_explained(saved(tmp_path, OSPF_HEAD + text)).network) == APART


@pytest.mark.parametrize("age", ["3600", "MAXAGE"])
def test_an_lsa_that_is_flushed_is_no_longer_there(tmp_path, age):
    text = OSPF_HEAD + ONE + TWO + ospf("3.3.3.3", [("1.1.1.1", "10.0.3.3", 5)], age=age)
    reading = read_explained(saved(tmp_path, text))
    assert any("3.3.3.3: purged" in sentence for sentence in reading.account.not_modelled)


def test_a_last_lsa_with_fewer_links_than_it_counts_is_cut(tmp_path):
    cut = ospf("2.2.2.2", [("1.1.1.1", "10.0.0.2", 25)], listed=2)
    with pytest.raises(FormatError, match=r"2 links as the LSA says, not 1.*whole LSA is that of 1\.1\.1\.1"):
        read_explained(saved(tmp_path, OSPF_HEAD + ONE + cut))
