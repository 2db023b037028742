"""Whatever a user gets wrong: one clear line, the right exit code, no traceback, and nothing left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import twinops
from agents.commands.goals import complete_elements, complete_faults, complete_questions
from agents.commands.options import complete_runs
from tests.command_line import SMALL, apart, here
from twin.formats import load_network
from twin.formats.plan import write_plan
from twin.plan import DrainNode, Plan

PLAN = b'{"goal": "x", "base": "0123456789abcdef", "steps": [%s]}'


def refused(done, code, *words):
    """One line on stderr that has the words, nothing on stdout, the exit code."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("command", [["run"], ["whatif"], ["verify", "plan.json"]])
def test_an_unknown_network_names_the_closest(command, tmp_path):
    plan = tmp_path / "plan.json"
    write_plan(Plan(goal="A test.", base="0" * 16, steps=(DrainNode(node="R1"),)), plan)
    arguments = [plan if word == "plan.json" else word for word in command]
    runs = ["--runs", tmp_path / "runs"] if command == ["run"] else []
    refused(here(*arguments, *runs, "--network", "sndlib/germany5"), 2, "sndlib/germany50")
    assert not (tmp_path / "runs").exists()


def test_a_path_without_a_file_is_no_misspelt_network(tmp_path):
    empty = tmp_path / "net.csv"
    empty.write_text("\n")
    refused(here("elements", tmp_path / "none"), 2, "there is no file")
    refused(here("elements", tmp_path), 2, "is no file")
    refused(here("elements", empty), 2, "there is nothing in it")
    for command in ("diagnose", "forecast", "quality"):
        refused(here(command, tmp_path / "none.csv"), 2, "there is no file")
    refused(here("answer", "none", "yes", "--runs", tmp_path), 2, "holds no run")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("link_downn", ["no fault 'link_downn'", "link_down"]),
        ("device_down@R99", ["no node 'R99'"]),
        ("link_down@R1--R1", ["no circuit"]),
        ("demand_surge@R1=0.5", ["cannot have severity"]),
        ("demand_surge@R1=much", ["not a number"]),
        ("", ["no fault ''"]),
    ],
)
def test_a_fault_that_cannot_strike_is_refused_before_anything_is_made(fault, words, tmp_path):
    done = here("run", "--network", SMALL, "--fault", fault, "--runs", tmp_path / "runs")
    refused(done, 2, *words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nobody:nothing"], ["nobody"]),
        (["--seed", "-1"], ["--seed"]),
        (["--seed", "one"], ["--seed"]),
        (["--fault", "link_down", "--healthy"], ["exclude"]),
        (["--policy", "nowhere.toml"], ["nowhere.toml"]),
    ],
)
def test_wrong_options_of_a_run_are_refused_before_anything_is_made(arguments, words, tmp_path):
    refused(here("run", "--network", SMALL, "--runs", tmp_path / "runs", *arguments), 2, *words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["No such file"]),
        (b"", ["plan.json"]),
        (b"{not json", ["plan.json"]),
        (b"\xff\xfe\x00", ["plan.json"]),
        (PLAN % b"", ["steps"]),
        (PLAN % b'{"op": "explode"}', ["steps", "explode"]),
        (PLAN % b'{"op": "set_weight", "link": "A->B", "weight": -1}', ["weight"]),
        (PLAN % b'{"op": "set_capacity", "circuit": "link/A:B--B:A", "capacity": -5}', ["capacity"]),
    ],
)
def test_a_plan_that_cannot_be_read_names_file_and_place(content, words, tmp_path):
    plan = tmp_path / "plan.json"
    if content is not None:
        plan.write_bytes(content)
    refused(here("verify", plan, "--network", SMALL), 2, *words)


def test_a_folder_is_no_plan(tmp_path):
    refused(apart("verify", tmp_path, "--network", SMALL), 2, str(tmp_path))


def test_a_plan_for_elements_that_do_not_exist_is_rejected_by_name(tmp_path):
    plan = tmp_path / "plan.json"
    write_plan(Plan(goal="A test.", base=load_network(SMALL).id, steps=(DrainNode(node="Atlantis"),)), plan)
    done = apart("verify", plan, "--network", SMALL)
    assert done.returncode == 3
    assert "Atlantis" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("max_utilisation = 7", ["max_utilisation"]),
        ("max_utilization = 0.8", ["max_utilisation"]),
        ("max_utilisation = ", ["TOML"]),
    ],
)
def test_a_policy_that_cannot_hold_names_its_key(content, words, tmp_path):
    policy, plan = tmp_path / "policy.toml", tmp_path / "plan.json"
    policy.write_text(content)
    write_plan(Plan(goal="A test.", base="0" * 16, steps=(DrainNode(node="R1"),)), plan)
    refused(here("verify", plan, "--network", SMALL, "--policy", policy), 2, *words)


def network_file(path, *, capacity, links):
    """Node-link JSON, as networkx writes it, of four nodes."""
    nodes = [{"id": name, "longitude": i, "latitude": i % 2} for i, name in enumerate("ABCD")]
    edges = [{"source": a, "target": b, "capacity": capacity} for a, b in links]
    path.write_text(json.dumps({"directed": False, "multigraph": False, "graph": {}, "nodes": nodes, "links": edges}))
    return path


def test_a_negative_capacity_is_refused(tmp_path):
    file = network_file(tmp_path / "net.json", capacity=-1, links=["AB", "BC", "CD", "DA"])
    refused(here("whatif", "--network", file), 2, "net.json", "capacity")


def test_a_disconnected_topology_names_what_is_cut_off(tmp_path):
    file = network_file(tmp_path / "net.json", capacity=10_000_000_000, links=["AB", "CD"])
    refused(here("run", "--network", file, "--runs", tmp_path / "runs"), 2, "C")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["NoSuchNode", "A--", "all-things", "--help-me"])
def test_an_unknown_element_is_refused(name):
    refused(here("whatif", "--network", SMALL, f"--fail={name}"), 2, "node or circuit")


def test_a_run_folder_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    refused(here("run", "--network", SMALL, "--runs", blocked / "runs", home=tmp_path), 1, str(blocked))


def test_a_home_that_cannot_hold_the_key_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = here("run", "--network", SMALL, "--runs", tmp_path / "runs", home=blocked)
    refused(done, 1, str(blocked))
    assert not (tmp_path / "runs").exists()


def test_errors_are_json_when_json_was_asked_for(tmp_path):
    done = apart("verify", tmp_path / "none.json", "--json")
    result = json.loads(done.stdout)
    assert result["format"] == "twinops/1"
    assert result["error"]["exit_code"] == done.returncode == 2
    assert result["error"]["code"]
    assert result["error"]["fix"]


def test_hostile_names_do_not_reach_the_terminal_as_controls():
    done = here("whatif", "--network", "x\x1b[2J\ny[bold]z")
    refused(done, 2, "[bold]")
    assert "\x1b" not in done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One short run on a small network, and its folder."""
    folder = tmp_path_factory.mktemp("cli")
    done = here("run", "--network", SMALL, "--healthy", "--runs", folder / "runs", "--json", home=folder)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["folder"])


def test_a_run_is_shown_from_its_folder_or_by_its_name(finished):
    by_folder = here("show", finished, "--json")
    by_name = here("show", finished.name, "--runs", finished.parent, "--json")
    assert json.loads(by_folder.stdout)["outcome"] == json.loads(by_name.stdout)["outcome"] == "healthy"


def test_a_run_that_does_not_exist_names_the_last_ones(finished):
    refused(here("show", "nothing", "--runs", finished.parent), 2, finished.name)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lines: [lines[0].replace('"seed":1', '"seed":2'), *lines[1:]], ["line 1", "altered"]),
        (lambda lines: [*lines[:2], *lines[3:]], ["line 3", "does not follow"]),
        (lambda lines: ["garbage", *lines[1:]], ["line 1"]),
        (lambda _: [], ["no start of a run"]),
    ],
)
def test_a_broken_journal_names_the_line(finished, tmp_path, spoil, words):
    lines = (finished / "journal.jsonl").read_text().splitlines()
    text = "".join(f"{line}\n" for line in spoil(lines))
    (tmp_path / "journal.jsonl").write_text(text)
    refused(here("show", tmp_path), 1, *words)


def test_a_record_that_was_cut_off_is_shown_as_unfinished(finished, tmp_path):
    text = (finished / "journal.jsonl").read_text()
    (tmp_path / "journal.jsonl").write_text(text[:-20])
    result = json.loads(here("show", tmp_path, "--json").stdout)
    assert result["outcome"] == "unfinished"


def test_a_twin_file_that_another_process_holds_is_one_line_and_transient(finished):
    code = "import sys, duckdb; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(finished / "twin.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = apart("show", finished, "--report")
        holder.communicate("")
    refused(done, 4, str(holder.pid))


def test_a_report_can_be_written_again(finished):
    before = (finished / "report.html").read_text()
    (finished / "report.html").unlink()
    assert here("show", finished, "--report").returncode == 0
    assert (finished / "report.html").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plann"], ["No such command 'plann'. (is plan meant?)"]),
        (["--frob"], ["No such option", "twinops --help"]),
        (["done"], ["Missing argument", "twinops done --help"]),
        (["runs", "--outcome", "fabulous"], ["resolved", "unfinished", "twinops runs --help"]),
    ],
)
def test_what_cannot_be_typed_so_is_told_with_where_it_says_how(arguments, words):
    refused(here(*arguments), 2, *words)


def test_shells_complete_elements_questions_faults_and_the_names_of_runs(tmp_path):
    (tmp_path / "swiss-s1").mkdir()
    (tmp_path / "swiss-s1" / "journal.jsonl").touch()
    (tmp_path / "swiss-notes").mkdir()
    context = typer.Context(typer.main.get_command(twinops.commands(("show", "whatif"))))
    context.params = {"runs": str(tmp_path), "network": "sndlib/abilene"}
    assert complete_runs(context, "sw") == ["swiss-s1"]
    assert complete_elements(context, "ATLAng,washng--") == []
    assert complete_elements(context, "ATLAng,NYCMng--") == ["ATLAng,NYCMng--WASHng"]
    assert complete_elements(context, "hst") == ["HSTNng", "HSTNng--KSCYng", "HSTNng--LOSAng"]
    assert complete_questions(context, "bus") == ["busiest at:", "busiest"]
    assert complete_questions(context, "what_if fail:ATLAng,hst")[0] == "what_if fail:ATLAng,HSTNng"
    assert complete_faults(context, "link_fl") == ["link_flap"]
    assert complete_faults(context, "device_down@hst") == ["device_down@HSTNng"]
    assert complete_faults(context, "link_down@hst") == ["link_down@HSTNng--KSCYng", "link_down@HSTNng--LOSAng"]
    assert "link_detach@HSTNng->KSCYng" in complete_faults(context, "link_detach@hst")
