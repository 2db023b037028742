"""A network and its measurements go into one twin file, with measured traffic or an estimate that says what it is."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agents.show.judging import judge_plan
from twin.errors import InputError
from twin.formats import write_plan
from twin.formats.load import load_reading
from twin.formats.measurements.part import Options
from twin.observe.observe import observe
from twin.observe.quality.assess import assess
from twin.observe.quality.fidelity import fidelity_of
from twin.observe.quality.standing import evidence_of, standing
from twin.observe.readings.files import read_tables, read_twin
from twin.observe.readings.imported import Files, import_measured
from twin.plan import Plan, SetWeight
from twin.policy import Policy
from twin.sim.simulate import simulate

NOW = datetime(2026, 1, 13, tzinfo=UTC)
START = 1_768_200_000
RING = """{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}], "links": [
  {"source": "A", "target": "B", "capacity_mbps": 1000, "metric": 1, "delay_ms": 1},
  {"source": "B", "target": "C", "capacity_mbps": 1000, "metric": 1, "delay_ms": 1},
  {"source": "C", "target": "D", "capacity_mbps": 1000, "metric": 1, "delay_ms": 1},
  {"source": "D", "target": "A", "capacity_mbps": 1000, "metric": 1, "delay_ms": 1}]}"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "ring.json").write_text(RING, encoding="utf-8")
    network = load_reading(str(tmp_path / "ring.json")).network
    demands = np.zeros((4, 4))
    demands[0, 1], demands[1, 2], demands[2, 3] = 300.0, 200.0, 100.0
    load = simulate(network.with_demands(demands)).load
    rows = ["time,link,out_mbps,in_mbps"]
    for k in range(8):
        rows += [f"{START + 300 * k},{x.name},{y},{y}" for x, y in zip(network.links, load, strict=True)]
    (tmp_path / "links.csv").write_text("\n".join(rows), encoding="utf-8")
    text = "\n".join(
        f"{START + 300 * k},A,B,300\n{START + 300 * k},B,C,200\n{START + 300 * k},C,D,100" for k in range(8)
    )
    (tmp_path / "traffic.csv").write_text("time,source,target,mbps\n" + text, encoding="utf-8")
    return tmp_path


def test_measured_traffic_is_the_networks_and_what_was_declared_comes_back(folder):
    into = folder / "t.duckdb"
    files = Files([folder / "links.csv", folder / "traffic.csv"])
    imported, rows = import_measured(folder / "ring.json", files, into, now=NOW)
    assert (imported.demand, rows) == (600.0, 8 * 8 + 8 * 3 + 8 * 4)
    measured = read_twin(into)
    assert measured.telemetry.declared.sparse
    assert "state" not in measured.telemetry.declared.reads
    assert load_reading(str(into)).account.fields == imported.account.fields
    _, again = import_measured(folder / "ring.json", files, into, now=NOW)
    assert again == 0


def test_without_traffic_it_is_estimated_and_every_reader_of_the_twin_is_told(folder):
    into = folder / "t.duckdb"
    imported, _ = import_measured(folder / "ring.json", Files([folder / "links.csv"]), into, now=NOW)
    (note,) = [x.note for x in imported.account.fields if x.field == "traffic"]
    assert "tomogravity" in note
    assert "44 % to 132 %" in note
    network = load_reading(str(into)).network
    telemetry = read_twin(into).telemetry
    np.testing.assert_allclose(simulate(network).load[:3], telemetry.links.out_mbps[:3], rtol=0.02, atol=1.0)


def test_fidelity_is_unknown_where_the_traffic_is_estimated_from_the_loads_it_would_be_held_against(folder):
    into, files = folder / "t.duckdb", [folder / "links.csv"]
    import_measured(folder / "ring.json", Files(files), into, now=NOW)
    whole = [*files, folder / "traffic.csv"]
    network = load_reading(str(folder / "ring.json")).network
    for measured, known in (
        (read_twin(into), False),
        (read_tables(files, network), False),
        (read_tables(whole, network), True),
    ):
        fidelity = fidelity_of(observe(measured.network, measured.telemetry, now=measured.now))
        assert (fidelity.score is not None) == known
        assert not fidelity.drifting
        report = assess(measured.network, measured.telemetry).report
        assert standing(report, fidelity, Policy(autonomy="approve")) == standing(
            report, None if not known else fidelity, Policy(autonomy="approve")
        )
        assert evidence_of(report, fidelity).fidelity == fidelity.score


def test_a_policy_refuses_estimated_traffic_and_every_verdict_tells_of_it(folder):
    into, estimated = folder / "t.duckdb", folder / "e.duckdb"
    import_measured(folder / "ring.json", Files([folder / "links.csv"]), estimated, now=NOW)
    import_measured(folder / "ring.json", Files([folder / "links.csv", folder / "traffic.csv"]), into, now=NOW)
    for name, refused in ((estimated, True), (into, False)):
        network = load_reading(str(name)).network
        plan = Plan(goal="try", base=network.id, steps=(SetWeight(link="A->B", weight=3),), objective="change")
        write_plan(plan, folder / "plan.json", network)
        usual, strict = (
            judge_plan(folder / "plan.json", str(name), policy, None, now=NOW).document["checks"][0]
            for policy in (Policy(), Policy(refuse_estimated=True))
        )
        assert (usual["name"], usual["passed"], strict["passed"]) == ("grounded", True, not refused)
        assert ("traffic is estimated: tomogravity" in usual["detail"]) == refused
        assert ("traffic is estimated: tomogravity" in strict["detail"]) == refused


def test_demands_that_nobody_measured_are_no_evidence_against_counters(folder):
    network = load_reading(str(folder / "ring.json")).network
    invented = network.with_demands(np.full((4, 4), 250.0) - 250.0 * np.eye(4))
    measured = read_tables([folder / "links.csv"], invented)
    report = assess(invented, measured.telemetry).report
    assert not report.demand.judged
    assert not [x for x in report.doubts if x.check in ("both_ends", "demands", "complete")]
    assert any("nobody measured demands" in x for x in report.limits)


def test_a_file_that_cannot_be_read_leaves_no_twin_behind(folder):
    (folder / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="the columns of one of these"):
        import_measured(folder / "ring.json", Files([folder / "bad.csv"]), folder / "t.duckdb", now=NOW)
    assert not (folder / "t.duckdb").exists()


def test_a_folder_is_all_its_files(folder):
    inside = folder / "all"
    inside.mkdir()
    for name in ("links.csv", "traffic.csv"):
        (folder / name).rename(inside / name)
    imported, _ = import_measured(folder / "ring.json", Files([inside]), folder / "t.duckdb", now=NOW, said=Options())
    assert imported.demand == 600.0
