"""A database over an inventory: gone is down, not deleted; parallels are told by metric or not at all."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.twin.formats.lsdb.test_databases import HEAD, TRIANGLE, lsp, saved
from tests.twin.optimise.networks import network_of
from twin.diagnose import diagnose
from twin.errors import FormatError
from twin.formats.lsdb.laid_over import metrics_apart, read_neighbours
from twin.observe import observe
from twin.site import read_site
from twin.site_sources import try_site

INVENTORY = network_of([("a", "b", 100.0, 10), ("b", "c", 100.0, 10), ("a", "c", 100.0, 40)], {("a", "c"): 1.0})
EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "own-network"


def adjacent(path: Path, network=INVENTORY) -> dict[str, float]:
    said = read_neighbours(path, network)
    return dict(zip(network.link_index, said.adjacent.tolist(), strict=True))


def test_all_that_both_ends_name_is_there_and_other_metrics_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path, HEAD + TRIANGLE)
    assert set(adjacent(path).values()) == {1.0}
    assert metrics_apart(read_neighbours(path, INVENTORY), INVENTORY) == {"a->c": (40, 30), "c->a": (40, 30)}


def test_a_link_that_is_gone_from_it_is_down_in_both_directions_even_where_one_end_still_names_it(
    tmp_path: Path,
) -> None:
    text = TRIANGLE.replace("  Metric: 30         IS-Extended c.00\n", "", 1)  # c still names a
    found = adjacent(saved(tmp_path, HEAD + text))
    assert {x for x, there in found.items() if there == 0.0} == {"a->c", "c->a"}
    assert len(found) == 6


def test_of_a_database_that_is_cut_off_what_is_missing_proves_nothing(tmp_path: Path) -> None:
    whole = HEAD + TRIANGLE
    cut = whole[: whole.index("c.00-00")]  # between two LSPs: within one the reader itself says so
    said = read_neighbours(saved(tmp_path, cut), INVENTORY)
    assert said.unheard == ("c",)
    found = dict(zip(INVENTORY.link_index, said.adjacent.tolist(), strict=True))
    assert (found["a->b"], found["b->a"]) == (1.0, 1.0)
    assert np.isnan([found[x] for x in ("a->c", "c->a", "b->c", "c->b")]).all()


def test_of_parallel_links_the_one_whose_metric_is_missing_is_down_and_equal_ones_are_not_guessed(
    tmp_path: Path,
) -> None:
    text = HEAD + lsp("a.00", [("b.00", 10)]) + lsp("b.00", [("a.00", 10)])
    apart = network_of([("a", "b", 100.0, 10), ("a", "b", 100.0, 20)], {("a", "b"): 1.0})
    assert list(adjacent(saved(tmp_path, text), apart).values()) == [1.0, 1.0, 0.0, 0.0]
    alike = network_of([("a", "b", 100.0, 10), ("a", "b", 100.0, 10)], {("a", "b"): 1.0})
    assert np.isnan(list(adjacent(saved(tmp_path, text), alike).values())).all()


def test_a_database_of_another_network_is_an_error_and_strangers_are_named(tmp_path: Path) -> None:
    text = HEAD + lsp("x.00", [("y.00", 10)]) + lsp("y.00", [("x.00", 10)])
    with pytest.raises(FormatError, match="routers of the inventory"):
        read_neighbours(saved(tmp_path, text), INVENTORY)
    more = HEAD + TRIANGLE.replace("b.00 ", "b.00 ") + lsp("x.00", [("a.00", 1)])
    more = more.replace(
        "  Metric: 30         IS-Extended c.00\n", "  Metric: 30 IS-Extended c.00\n  Metric: 1 IS-Extended x.00\n", 1
    )
    assert read_neighbours(saved(tmp_path, more), INVENTORY).strangers == ("x",)


def test_a_site_reads_the_newest_database_and_what_it_has_lost_is_a_link_without_its_neighbour(tmp_path: Path) -> None:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "site.toml").write_text(
        'clock = "newest"\n[sources]\ntopology = "topology.json"\ntraffic = "traffic.csv"\n'
        'interfaces = "interfaces.csv"\ncounters = "counters.csv"\nflows = "flows.csv"\nlsdb = "lsdb-*.txt"\n'
    )
    (tmp_path / "lsdb-1.txt").write_text("old, and broken")
    os.utime(tmp_path / "lsdb-1.txt", (1, 1))
    network = read_site(tmp_path).reading().network
    dark = network.links[network.link_index["core1.lis->core1.mad"]].circuit
    lsps = [
        lsp(
            f"{node.name}.00",
            [(f"{x.head}.00", x.weight) for x in network.links if x.tail == node.name and x.circuit != dark],
        )
        for node in network.nodes
    ]
    (tmp_path / "lsdb-2.txt").write_text(HEAD + "".join(lsps))
    site = read_site(tmp_path)
    said = {x.name: x for x in try_site(site, lambda: datetime.now(UTC))}["lsdb"]
    assert said.got == "24 of 26 links have their neighbour, 0 metrics differ"
    look = site.look(lambda: datetime.now(UTC))
    assert len(look.network.links) == 26
    found = diagnose(observe(look.network, look.telemetry, now=look.now)).best
    assert [(x.kind.value, x.element) for x in found.faults] == [("link_down", dark)]


def test_a_circuit_that_carries_too_little_to_be_missed_is_down_where_a_database_has_lost_it(tmp_path: Path) -> None:
    rows = [f"{x.tail},{x.head},{x.capacity} Mbit/s,{x.weight}" for x in INVENTORY.links]
    (tmp_path / "topology.csv").write_text("\n".join(["source,target,capacity,weight", *rows, ""]))
    now, cut = datetime.now(UTC).replace(microsecond=0), INVENTORY.links[INVENTORY.link("a->b")].circuit
    counters = [
        f"{(now - timedelta(seconds=10 * back)).isoformat()},{x.name},{carried},{carried}"
        for back in range(12)
        for x in INVENTORY.links
        for carried in [0.0 if back < 3 and x.circuit == cut else 0.3]
    ]
    (tmp_path / "counters.csv").write_text("\n".join(["time,link,out_mbps,in_mbps", *counters, ""]))
    saved(tmp_path, HEAD + TRIANGLE.replace("  Metric: 10         IS-Extended b.00\n", "", 1))
    (tmp_path / "site.toml").write_text(
        '[sources]\ntopology = "topology.csv"\ncounters = "counters.csv"\nlsdb = "paste.txt"\n'
    )
    look = read_site(tmp_path).look(lambda: now)
    found = diagnose(observe(look.network, look.telemetry, now=look.now)).best
    assert [(x.kind.value, x.element) for x in found.faults] == [("link_down", cut)]
