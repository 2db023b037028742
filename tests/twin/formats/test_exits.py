"""Traffic that may leave by several exits: the `exits` column, files of our own, and prefixes that several announce."""

import json
from pathlib import Path

import numpy as np
import pytest

from twin.errors import FormatError, PlanError, TopologyError
from twin.formats.exits import find_group
from twin.formats.load import read_explained, read_network
from twin.formats.measurements.prefixes import read_prefixes
from twin.formats.nodelink import write_node_link
from twin.formats.traffic import read_traffic
from twin.model import Network
from twin.optimise.drain import plan_drain
from twin.plan import DrainLink, DrainNode, SetWeight, apply, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures
from twin.site import read_site

LINKS = "source,target,capacity_mbps,weight\nA,P,10000,10\nA,Q,10000,20\nB,Q,10000,10\nP,Q,10000,50\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    topology, traffic = tmp_path / "links.csv", tmp_path / "traffic.csv"
    topology.write_text(LINKS)
    traffic.write_text("source,target,exits,mbps\nA,internet,P Q,9000\nA,Q,,3000\nB,Q,,1000\n")
    return topology, traffic


def worst_of(network: Network, failure: str) -> tuple[float, str, float, float]:
    sweep = simulate(network, failures=single_failures(network)).sweep
    assert sweep is not None
    row = [x.name for x in sweep.failures].index(failure)
    busiest = network.links[int(sweep.busiest[row])].name
    return float(sweep.max_utilisation[row]), busiest, float(sweep.lost[row]), float(sweep.severed[row])


@pytest.mark.parametrize("failure", ["node/P", "link/P:internet--internet:P"])
def test_when_an_exit_or_its_router_fails_its_traffic_leaves_by_the_next(files, failure: str):
    assert worst_of(read_network(*files), failure) == pytest.approx((1.2, "A->Q", 0.0, 0.0))


def test_exits_at_equal_distance_share_and_the_one_that_is_left_takes_all(files):
    topology, traffic = files
    topology.write_text(LINKS.replace("A,Q,10000,20", "A,Q,10000,10"))
    traffic.write_text("source,target,exits,mbps\nA,internet,P Q,9000\n")
    network = read_network(topology, traffic)
    assert [simulate(network).load[network.link(f"{x}->internet")] for x in "PQ"] == [4500, 4500]
    for failure in ("node/Q", "link/Q:internet--internet:Q", "link/A:Q--Q:A"):
        assert worst_of(network, failure)[:3] == pytest.approx((0.9, "A->P", 0.0)), failure
    drained = apply(network, DrainLink(circuit="link/P:internet--internet:P"))
    assert simulate(drained).load[network.link("A->Q")] == 9000


def test_groups_behind_one_peering_share_its_port_and_its_fate(files):
    """The peer's router is a node, `external` by right, and an exit of both groups: 4 and 7 Gbit/s on a port of 10."""
    topology, traffic = files
    topology.write_text(
        "source,target,capacity_mbps,weight\nA,P,20000,10\nA,Q,20000,20\nP,Q,20000,50\nP,X,10000,1\nQ,Y,20000,1\n"
    )
    traffic.write_text("source,target,exits,mbps\nA,web,X Y,4000\nA,video,X Y,7000\n")
    network = read_network(topology, traffic)
    outcome = simulate(network)
    assert (outcome.busiest, outcome.max_utilisation) == ("P->X", pytest.approx(1.1))
    for failure in ("link/P:X--X:P", "node/X", "node/P"):
        assert worst_of(network, failure) == pytest.approx((0.55, "A->Q", 0.0, 0.0)), failure


def test_only_without_any_exit_left_is_traffic_lost(files):
    network = apply(read_network(*files), DrainNode(node="B"))
    for name in ("P->internet", "Q->internet"):
        position = network.circuits[network.links[network.link(name)].circuit]
        links = tuple(x._replace(up=x.up and i not in position) for i, x in enumerate(network.links))
        network = Network(network.name, network.nodes, links, network.demands)
    outcome = simulate(network)
    assert (outcome.lost, outcome.stranded) == (9000, 9000)


def test_a_second_choice_is_used_only_where_no_first_one_can_be_reached(files):
    topology, traffic = files
    traffic.write_text("source,exits,mbps\nB,P Q:2,500\n")
    network = read_network(topology, traffic)
    assert simulate(network).load[network.link("A->P")] == 500
    assert worst_of(network, "link/A:P--P:A")[2:] == (0, 0)
    assert simulate(apply(network, SetWeight(link="Q->exits-P-Q.2", weight=1))).load[network.link("A->P")] == 0


def test_rows_without_a_name_make_one_group_for_each_set_of_exits(files):
    topology, traffic = files
    traffic.write_text("source,exits,mbps\nA,P Q,5\nB,Q|P,7\nB,Q,1\n")
    network = read_network(topology, traffic)
    assert [x.name for x in network.nodes if x.kind == "exits"] == ["exits-P-Q", "exits-Q"]
    assert network.demands[:, network.node("exits-P-Q")].sum() == 12


def test_exits_without_a_capacity_are_named_among_what_was_assumed(files):
    assert any("P->internet, Q->internet: not stated" in x for x in read_explained(*files).assumed)


def test_matrices_over_time_are_read_for_a_network_that_knows_the_group(files, tmp_path: Path):
    network = read_network(*files)
    later = tmp_path / "later.csv"
    later.write_text("time,source,exits,mbps\n1,B,P Q,10\n2,B,Q P,30\n")
    assert read_traffic(later, network).demands[:, network.node("B"), network.node("internet")].tolist() == [10, 30]
    later.write_text("source,exits,mbps\nB,P,10\n")
    with pytest.raises(FormatError, match="knows as a group"):
        read_traffic(later, network)


@pytest.mark.parametrize("wrong", ["A,internet,P Nowhere,1", "A,internet,P:0,1", "A,P,P Q,1", "A,internet,P:x,1"])
def test_exits_that_are_none_are_refused(files, wrong: str):
    topology, traffic = files
    traffic.write_text(f"source,target,exits,mbps\n{wrong}\n")
    with pytest.raises(FormatError):
        read_network(topology, traffic)


def test_a_router_is_drained_after_its_peerings(files):
    network = read_network(*files)
    quiet = network.with_demands(network.demands * 0.5)
    policy = Policy(max_blast_radius=1.0, max_maintenance_loss=1.0, demand_factors=())
    found = plan_drain(quiet, policy, "P").plan
    assert found is not None
    assert [x.op for x in found.steps] == ["drain_link", "drain_node"]
    assert simulate(apply_all(quiet, found.steps)).lost == 0


def test_a_group_sends_nothing_and_cannot_be_drained(files):
    network = read_network(*files)
    demands = network.demands.copy()
    demands[network.node("internet"), 0] = 1
    with pytest.raises(TopologyError, match="a group of exits"):
        network.with_demands(demands)
    with pytest.raises(PlanError, match="a group of exits"):
        apply(network, DrainNode(node="internet"))


def test_node_link_files_and_the_twin_give_the_same_network_back(files, tmp_path: Path):
    network = read_network(*files)
    write_node_link(network, tmp_path / "net.json")
    assert read_network(tmp_path / "net.json").id == network.id


def test_a_foreign_file_needs_no_preference_and_no_direction(tmp_path: Path):
    links = [("A", "P", {"weight": 900}), ("A", "Q", {"weight": 900}), ("P", "world", {}), ("world", "Q", {})]
    document = {
        "graph": {"demands": {"A": {"world": 10}}},
        "nodes": [{"id": x} for x in "APQ"] + [{"id": "world", "kind": "exits"}],
        "links": [{"source": a, "target": b, "capacity_mbps": 100, **stated} for a, b, stated in links],
    }
    (tmp_path / "net.json").write_text(json.dumps(document))
    network = read_network(tmp_path / "net.json")
    assert [(network.links[i].name, network.links[i].weight) for i in network.exits] == [
        ("P->world", 1),
        ("Q->world", 1),
    ]
    assert simulate(network).load[list(network.exits)].tolist() == [5, 5]


def test_a_prefix_that_several_routers_announce_is_behind_their_group(files, tmp_path: Path):
    network = read_network(*files)
    table = tmp_path / "prefixes.csv"
    table.write_text("prefix,node\n0.0.0.0/0,P\n0.0.0.0/0,Q\n192.0.2.0/24,A\n2001:db8::/32,internet\n")
    found = read_prefixes(str(table), network)
    names = [network.nodes[i].name for i in found.nodes(["8.8.8.8", "192.0.2.9", "2001:db8::1"])]
    assert names == ["internet", "A", "internet"]
    table.write_text("prefix,node\n0.0.0.0/0,P\n0.0.0.0/0,B\n")
    with pytest.raises(FormatError, match="the exits of a group"):
        read_prefixes(str(table), network)


def test_a_site_names_its_exits_once(files, tmp_path: Path):
    files[1].write_text("source,target,mbps\nA,internet,9000\n")
    text = '[sources]\ntopology = "links.csv"\ntraffic = "traffic.csv"\n'
    text += '[[exits]]\nname = "internet"\nat = { P = 1, Q = 2 }\ncapacity = 20000\n'
    (tmp_path / "site.toml").write_text(text)
    network = read_site(tmp_path).reading().network
    assert find_group(network, {"P": 1, "Q": 2}) == "internet"
    assert {network.links[i].capacity for i in network.exits} == {20_000}
    assert np.flatnonzero(network.demands).size == 1


def test_all_exits_are_a_failure_set(files):
    from twin.study.failures import find_failures

    names = [x.name for x in find_failures(read_explained(*files).network, ["all-exits"])]
    assert names == ["link/P:internet--internet:P", "link/Q:internet--internet:Q"]
