"""What a planner types: networks read in, failures studied, windows rehearsed, plans made, judged and filed."""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.command_line import SMALL, here
from tests.test_cli_bad_input import refused
from twin.formats import load_network, read_network, write_node_link
from twin.formats.plan import read_plan, write_plan
from twin.gate.verdict import verify
from twin.model import Link, Network, Node
from twin.plan import DrainLink, Plan, SetCapacity, UndrainLink, apply
from twin.policy import Policy
from twin.sim.simulate import simulate

ROOMY = "max_delay_stretch = 3.0\nmax_blast_radius = 1.0\n"


@pytest.fixture(scope="module")
def network():
    return load_network(SMALL)


@pytest.fixture
def file(network, tmp_path):
    write_node_link(network, tmp_path / "net.json")
    return tmp_path / "net.json"


@pytest.fixture
def mesh(tmp_path):
    """Six nodes, each with a circuit to each other, as node-link JSON with traffic."""
    nodes = [{"id": f"R{i}", "longitude": i, "latitude": i % 3} for i in range(6)]
    ends = [(a, b) for a in range(6) for b in range(a)]
    links = [
        {"source": f"R{a}", "target": f"R{b}", "capacity_mbps": 10_000, "weight": 10, "delay_ms": 1} for a, b in ends
    ]
    graph = {"directed": False, "multigraph": False, "graph": {}, "nodes": nodes, "links": links}
    (tmp_path / "mesh.json").write_text(json.dumps(graph))
    rows = [f"R{a},R{b},500" for a in range(6) for b in range(6) if a != b]
    (tmp_path / "mesh.csv").write_text("\n".join(["source,target,mbps", *rows]))
    (tmp_path / "roomy.toml").write_text(ROOMY)
    assert (
        here("import", tmp_path / "mesh.json", "--traffic", tmp_path / "mesh.csv", "--into", tmp_path / "t.duckdb")[0]
        == 0
    )
    return ["--network", tmp_path / "t.duckdb", "--policy", tmp_path / "roomy.toml"]


def answer(done):
    return json.loads(done.stdout)


def test_an_imported_network_is_used_by_every_command(file, tmp_path):
    twin = tmp_path / "twin.duckdb"
    done = here("import", file, "--into", twin, "--json")
    (one,) = answer(done)["networks"]
    assert (done.returncode, answer(done)["command"]) == (0, "import")
    assert (one["snapshot"], one["assumed"]) == (load_network(str(file)).id, [])
    for name in (twin, f"{twin}#{one['snapshot']}", f"{twin}#{one['network']}"):
        assert answer(here("whatif", "--network", name, "--json"))["snapshot"] == one["snapshot"]


def test_an_import_says_what_was_read_and_what_was_assumed(tmp_path):
    (tmp_path / "bare.json").write_text(
        '{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}],'
        ' "links": [{"source": "A", "target": "B"}, {"source": "B", "target": "C"}, {"source": "A", "target": "C"}]}'
    )
    done = here("import", tmp_path / "bare.json", "--into", tmp_path / "twin.duckdb")
    assert done.returncode == 0
    for word in ("bare", "assumed capacities: dimensioned", "gravity", "current snapshot"):
        assert word in done.stdout


def test_a_malformed_file_imports_nothing(file, tmp_path):
    (tmp_path / "bad.xml").write_text("<network><nodes></network>")
    refused(
        here("import", file, tmp_path / "bad.xml", "--into", tmp_path / "twin.duckdb"), 2, "bad.xml: line 1", "expected"
    )
    assert not (tmp_path / "twin.duckdb").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["files"]),
        (["none.json"], ["none.json"]),
        (["net.json", "--traffic", "none.csv"], ["none.csv"]),
        (["net.json", "net.json", "--traffic", "none.csv"], ["one network"]),
        (["net.json", "--into", "nowhere/twin.duckdb"], ["nowhere"]),
        (["net.txt"], ["a format that is read"]),
        (["net.json", "--into", "net.json"], ["net.json", ".duckdb"]),
    ],
)
def test_imports_that_cannot_be_made_are_one_line(arguments, words, file, monkeypatch):
    monkeypatch.chdir(file.parent)
    (file.parent / "net.txt").write_text("A B")
    refused(here("import", *arguments), 1 if "nowhere/twin.duckdb" in arguments else 2, *words)
    assert {path.name for path in file.parent.iterdir()} == {"net.json", "net.txt"}


def test_a_file_of_another_program_is_not_touched(file, tmp_path):
    (tmp_path / "notes.duckdb").write_text("my notes")
    refused(here("import", file, "--into", tmp_path / "notes.duckdb"), 1, "not a twin file")
    assert (tmp_path / "notes.duckdb").read_text() == "my notes"


def test_failure_sets_may_be_listed_with_commas(network):
    listed = answer(here("whatif", "--network", SMALL, "--fail", "all-links,all-nodes,risk-groups,pairs", "--json"))
    circuits = len(network.circuits)
    assert len(listed["failures"]) == circuits + len(network.nodes) + circuits * (circuits - 1) // 2
    assert listed["growth_under_failures"]["failure"]


def test_demands_are_studied_when_asked_for(network):
    result = answer(here("whatif", "--network", SMALL, "--demands", "--json"))
    assert len(result["demands"]) == int((network.demands > 0).sum())
    shown = here("whatif", "--network", SMALL, "--demands", "--top", "3").stdout
    for word in ("worst delay", "cut by", "headroom", "traffic may grow", "under every failure too"):
        assert word in shown


def test_a_study_is_written_as_a_page(tmp_path):
    done = here("whatif", "--network", SMALL, "--html", tmp_path / "study.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "<h1>" in (tmp_path / "study.html").read_text()


def test_the_policy_sets_the_limits_of_growth(tmp_path):
    (tmp_path / "p.toml").write_text("max_utilisation = 0.5\nmax_failure_utilisation = 0.9\n")
    result = answer(here("whatif", "--network", SMALL, "--policy", tmp_path / "p.toml", "--json"))
    assert result["growth"]["limit"] == 0.5
    assert result["growth"]["factor"] == pytest.approx(0.5 / result["max_utilisation"])


def test_a_window_that_keeps_the_limits_ends_well(mesh):
    done = here("whatif", *mesh, "--drain", "R0", "--window", "22:30-02:00", "--json")
    result = answer(done)
    assert (done.returncode, result["safe"], result["drained"]) == (0, True, ["node/R0"])
    assert [hour["hour"] for hour in result["hours"]] == [22, 23, 0, 1]
    assert all(hour["next_failure"] for hour in result["hours"])


def test_a_window_that_breaks_the_limits_exits_3_and_names_the_quietest(mesh, tmp_path):
    day = tmp_path / "day.csv"
    day.write_text(",".join(["9"] * 12 + ["1"] * 12))
    (tmp_path / "roomy.toml").write_text(ROOMY + "max_utilisation = 0.5\n")
    done = here("whatif", *mesh, "--drain", "R0--R1", "--window", "09:00-11:00", "--day", day)
    assert done.returncode == 3
    assert "BROKEN" in done.stdout
    headings, _, first = done.stdout.splitlines()[2:5]
    assert len(re.split(r"\s{2,}", headings.strip())) == len(re.split(r"\s{2,}", first.strip())) == 10
    assert "breaks the limits" in done.stdout
    assert "the quietest window of this length within the limits is 12:00-14:00" in done.stdout


def test_draining_what_is_not_there_names_the_closest():
    refused(here("whatif", "--network", SMALL, "--drain", "R99", "--window", "02:00-03:00"), 2, "R99", "closest")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--drain", "R1", "--window", "noon"], ["02:00-04:00"]),
        (["--drain", "R1", "--window", "02:00-02:00"], ["02:00-04:00"]),
        (["--drain", "R1", "--day", "none.csv"], ["none.csv"]),
        (["--drain", "R1", "--fail", "all"], ["excludes"]),
        (["--window", "02:00-04:00"], ["--drain"]),
        (["--fail", "all-links,Atlantis"], ["Atlantis"]),
        (["--html", "nowhere/study.html"], ["nowhere"]),
        (["--policy", "none.toml"], ["none.toml"]),
        (["--network", "none.duckdb"], ["none.duckdb", "twinops import"]),
    ],
)
def test_studies_that_cannot_be_made_are_one_line(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(here("whatif", "--network", SMALL, *arguments), 2, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_is_not_there_names_the_closest(file, tmp_path):
    here("import", file, "--into", tmp_path / "twin.duckdb")
    refused(here("whatif", "--network", f"{tmp_path / 'twin.duckdb'}#nothing"), 2, "no snapshot 'nothing'")


@pytest.mark.parametrize("goal", ["sleep", "drain:R0", "drain:R0--R1"])
def test_a_plan_that_is_written_passes_verify_on_the_same_network(goal, mesh, tmp_path):
    done = here("plan", "--goal", goal, *mesh, "-o", tmp_path / "plan.json", "--json")
    result = answer(done)
    assert (done.returncode, result["usable"], result["request"]) == (0, True, False)
    assert read_plan(tmp_path / "plan.json").hash == result["hash"]
    again = here("verify", tmp_path / "plan.json", *mesh, "--json")
    assert again.returncode == 0
    assert answer(again)["checks"] == result["verdict"]["checks"]


def test_a_plan_for_people_shows_proposals_steps_and_verdict(mesh, tmp_path):
    done = here("plan", "-g", "drain:R0", *mesh, "-o", tmp_path / "plan.json")
    assert done.returncode == 0
    for word in ("busiest link", "bound", "gap", "1. drain node R0", "survivable", ": safe", "written to"):
        assert word in done.stdout


@pytest.mark.parametrize("goal", ["upgrade", "grow:1.6"])
def test_a_request_for_capacity_says_that_nothing_executes_it(goal, tmp_path):
    policy = tmp_path / "tight.toml"
    policy.write_text("max_utilisation = 0.45\nmax_failure_utilisation = 0.6\nmax_steps = 1\n")
    arguments = ["--network", SMALL, "--policy", policy]
    done = here("plan", "--goal", goal, *arguments, "-o", tmp_path / "plan.json")
    assert done.returncode == 0
    assert "nothing executes it" in done.stdout
    plan = read_plan(tmp_path / "plan.json")
    assert {type(step) for step in plan.steps} == {SetCapacity}
    judged = here("verify", tmp_path / "plan.json", *arguments, "--json")
    assert judged.returncode == 3
    assert "policy" in [check["name"] for check in answer(judged)["checks"] if not check["passed"]]


def test_upgrades_that_growth_makes_due_come_in_the_order_of_their_weeks(file, network, tmp_path):
    outcome, start = simulate(network), datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    rows = [
        f"{start + 43_200 * k:.0f},{link.name},{load * 1.4 ** ((k / 14 - 20) / 52.18):.6f}"
        for k in range(1, 281)
        for link, load in zip(network.links, outcome.load, strict=True)
    ]
    (tmp_path / "loads.csv").write_text("\n".join(["time,link,out_mbps", *rows]))
    arguments = ["-g", "upgrade", "--until", "2029-01-01", "-m", tmp_path / "loads.csv", "-n", file]
    done = here("plan", *arguments, "-o", tmp_path / "plan.json", "--json")
    told = answer(done)["upgrades"]
    weeks = [x["likely"] for x in told if x["likely"]]
    assert done.returncode == 0
    assert weeks == sorted(weeks)
    assert len(set(weeks)) > 2
    plan = read_plan(tmp_path / "plan.json")
    assert [x.circuit for x in plan.steps] == [x["circuit"] for x in told if x["likely"]]
    text = here("plan", *arguments).stdout
    assert "a request for capacity" in text
    assert text.index("in week") < text.index("1. upgrade circuit")


def test_no_safe_plan_exits_3_says_why_and_writes_nothing(tmp_path):
    done = here("plan", "--goal", "drain:R1", "--network", SMALL, "-o", tmp_path / "plan.json")
    assert done.returncode == 3
    assert "drain: " in done.stdout
    assert "no plan" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_objective_orders_the_front(mesh):
    result = answer(here("plan", "--goal", "sleep", "--objective", "energy", *mesh, "--json"))
    watts = [proposal["watts"] for proposal in result["proposals"]]
    assert watts == sorted(watts)
    assert watts[0] < result["present"]["watts"]
    assert result["verdict"]["passed"]


def test_scenarios_come_from_a_file_and_verify_takes_the_same(network, tmp_path):
    names = [node.name for node in network.nodes]
    pairs = [(s, t) for s in range(8) for t in range(8) if s != t]
    rows = [f"{k},{names[s]},{names[t]},{k * network.demands[s, t]}" for k in (1, 1.4) for s, t in pairs]
    (tmp_path / "days.csv").write_text("\n".join(["time,source,target,mbps", *rows]))
    common = ["--network", SMALL, "--scenarios", tmp_path / "days.csv"]
    for measure in ("mean", "cvar"):
        done = here(
            "plan", "--goal", "relieve", *common, "--measure", measure, "-o", tmp_path / f"{measure}.json", "--json"
        )
        result = answer(done)
        (proposal,) = result["proposals"]
        assert proposal["method"] == "sr-tunnels-scenarios"
        assert done.returncode == (0 if result["usable"] else 3)
        if result["usable"]:
            again = answer(here("verify", tmp_path / f"{measure}.json", *common, "--json"))
            assert again["passed"]
            assert again["checks"] == result["verdict"]["checks"]


def test_the_verdict_of_a_plan_is_the_gates_own(mesh, tmp_path):
    result = answer(here("plan", "--goal", "sleep", *mesh, "-o", tmp_path / "plan.json", "--json"))
    network = load_network(str(mesh[1]))
    direct = verify(read_plan(tmp_path / "plan.json"), network, Policy(max_delay_stretch=3.0, max_blast_radius=1.0))
    assert result["verdict"]["checks"] == direct.model_dump(mode="json")["checks"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--goal"]),
        (["--goal", "relieve", "--objective", "beauty"], ["beauty", "utilisation"]),
        (["--goal", "upgrade", "--objective", "delay"], ["upgrade"]),
        (["--goal", "relieve", "--time-limit", "0"], ["time limit"]),
        (["--goal", "relieve", "--time-limit", "soon"], ["--time-limit"]),
        (["--goal", "relieve", "--scenarios", "none.csv"], ["none.csv"]),
        (["--goal", "relieve", "--measure", "median"], ["median", "cvar"]),
        (["--goal", "relieve", "--policy", "none.toml"], ["none.toml"]),
        (["--goal", "relieve", "--network", "atlantis"], ["atlantis"]),
        (["--goal", "relieve", "--seed", "-1"], ["--seed"]),
        (["--goal", "relieve", "--until", "2027-06-01"], ["--until", "upgrade"]),
        (["--goal", "upgrade", "--until", "soon"], ["--until"]),
        (["--goal", "upgrade", "--until", "2027-06-01"], ["growth", "--measured"]),
        (["--goal", "upgrade", "--measured", "loads.csv"], ["--until"]),
    ],
)
def test_plans_that_cannot_be_asked_for_are_one_line(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = [] if "--network" in arguments else ["--network", SMALL]
    refused(here("plan", *network, *arguments, "-o", "plan.json"), 2, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_file_that_cannot_be_written_is_one_line(mesh, tmp_path):
    refused(here("plan", "--goal", "sleep", *mesh, "-o", tmp_path / "nowhere" / "plan.json"), 2, "nowhere")


SQUARE = ("A", "B", "C", "D")


def square(tmp_path, demands):
    """A square of circuits of 10 Mbit/s, A--C of it drained, and a plan that drains A--B before it undrains A--C."""
    ends = [("A", "B", 1), ("B", "D", 1), ("A", "C", 2), ("C", "D", 2)]
    links = [Link(x, y, 10.0, weight) for a, b, weight in ends for x, y in ((a, b), (b, a))]
    matrix = np.zeros((4, 4))
    for (source, target), volume in demands.items():
        matrix[SQUARE.index(source), SQUARE.index(target)] = volume
    network = Network("square", tuple(Node(x, float(i), 0.0) for i, x in enumerate(SQUARE)), tuple(links), matrix)
    network = apply(network, DrainLink(circuit="link/A:C--C:A"))
    write_node_link(network, tmp_path / "square.json")
    return read_network(tmp_path / "square.json")


def swapped(network, tmp_path):
    steps = (DrainLink(circuit="link/A:B--B:A"), UndrainLink(circuit="link/A:C--C:A"))
    write_plan(Plan(goal="Swap two circuits.", base=network.id, steps=steps, objective="drain"), tmp_path / "plan.json")
    (tmp_path / "roomy.toml").write_text(ROOMY)
    return judged(tmp_path, "-o", tmp_path / "order.json", "--json")


def judged(tmp_path, *options):
    arguments = ("-n", tmp_path / "square.json", "--policy", tmp_path / "roomy.toml")
    return here("verify", tmp_path / "plan.json", *arguments, *options)


def test_a_plan_whose_order_does_harm_is_rejected_with_an_order_that_does_none(tmp_path):
    network = square(tmp_path, {("A", "D"): 7.0})
    done = swapped(network, tmp_path)
    assert done.returncode == 3
    assert answer(done)["order"]["found"] is True
    assert [step["op"] for step in answer(done)["order"]["steps"]] == ["undrain_link", "drain_link"]
    assert [step.op for step in read_plan(tmp_path / "order.json").steps] == ["undrain_link", "drain_link"]
    assert "in this order no step does harm on the way" in judged(tmp_path).stdout


def test_that_every_order_does_harm_is_said_with_what_stands_in_the_way(tmp_path):
    network = square(tmp_path, {("A", "B"): 5.0, ("D", "B"): 6.0})
    done = swapped(network, tmp_path)
    order = answer(done)["order"]
    assert (order["found"], order["proven"]) == (False, True)
    assert "is lost" in order["blocked"]["1"]
    assert "every order of the steps was tried" in judged(tmp_path).stdout
    assert not (tmp_path / "order.json").exists()


def test_a_safe_plan_is_not_reordered(mesh, tmp_path):
    here("plan", "--goal", "drain:R0", *mesh, "-o", tmp_path / "plan.json")
    assert "order" not in answer(here("verify", tmp_path / "plan.json", *mesh, "--json"))
