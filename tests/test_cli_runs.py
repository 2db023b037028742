"""`resume`, `approve`, `reject`, `replay`, `audit` and `runs`, as a shell sees them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.killed import folder_of
from tests.command_line import ROOT, Done, apart, here

INCIDENT = ("--network", "sndlib/abilene", "--seed", "5", "--fault", "wrong_igp_weight@IPLSng->KSCYng=10000")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that waits for two people, who have their keys."""
    tmp = tmp_path_factory.mktemp("waiting")
    (tmp / "policy.toml").write_text('person_from = "low"\ntwo_people_from = "low"\n')
    done = command(tmp, "run", *INCIDENT, "--policy", tmp / "policy.toml")
    assert done.returncode == 3, done.stderr
    for name in ("ada", "grace"):
        assert command(tmp, "approve", "--new-key", "--as", name).returncode == 0
    return tmp


def command(tmp: Path, *arguments: object) -> Done:
    return here(*arguments, "--runs", str(tmp / "runs"), home=tmp / "home")


def test_two_people_approve_and_the_plan_is_executed(place: Path):
    (one,) = json.loads(command(place, "approve", "--json").stdout)["pending"]
    assert (one["asked"], one["approved"], one["expired"]) == (2, [], False)
    assert json.loads(command(place, "runs", "--pending", "--json").stdout)["pending"] == [one]
    assert one["plan"] in command(place, "approve").stdout

    stranger = command(place, "approve", one["plan"], "--as", "eve")
    assert (stranger.returncode, stranger.stdout) == (2, "")
    assert stranger.stderr.startswith("error: nobody called eve may approve here")

    first = command(place, "approve", one["plan"][:8], "--as", "ada", "--reason", "fine", "--json")
    told = json.loads(first.stdout)
    assert (first.returncode, told["waits_for"]) == (0, 1)
    impact = told["impact"]
    assert impact["after"]["harm"] < impact["before"]["harm"]
    assert impact["before"]["worst_failure"]
    assert len(impact["way_back"]) == len(impact["steps"]) == one["steps"]
    assert 0 <= impact["blast_radius"] <= impact["blast_limit"]

    again = command(place, "approve", one["run"], "--as", "ada")
    assert again.returncode == 3
    assert again.stderr.splitlines()[-1].startswith("error: ada has approved already")

    second = command(place, "approve", one["run"], "--as", "grace")
    assert second.returncode == 0, second.stderr
    for words in ("impact", "busiest link", "worst single failure", "way back", "of the traffic", "survivable"):
        assert words in second.stderr
    assert "resolved" in second.stdout
    assert command(place, "approve").stdout == "no plan waits for anybody\n"

    report = json.loads(command(place, "audit", one["run"], "--json").stdout)
    assert report["sound"]
    assert report["approvals"] == report["certificate"] == report["effects"] == "holds"
    text = command(place, "audit", one["run"], "--head", report["head"])
    assert text.returncode == 0
    assert "ada" in text.stdout
    assert command(place, "audit", one["run"], "--head", "0" * 64).returncode == 3
    assert command(place, "audit", one["run"], "--head", report["head"][:10]).returncode == 2

    replay = command(place, "replay", one["run"])
    assert replay.returncode == 0
    assert "every decision came out the same" in replay.stdout


def test_a_plan_is_rejected_with_a_reason(tmp_path: Path):
    (tmp_path / "policy.toml").write_text('person_from = "low"\n')
    command(tmp_path, "run", *INCIDENT, "--policy", tmp_path / "policy.toml")
    command(tmp_path, "approve", "--new-key", "--as", "ada")
    folder = folder_of(tmp_path)
    done = command(tmp_path, "reject", folder.name, "--as", "ada", "--reason", "not tonight", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"]) == (0, "rejected")
    assert "not tonight" in told["because"]
    assert (folder / "report.html").is_file()
    assert command(tmp_path, "reject", folder.name, "--as", "ada").returncode == 2


def test_a_run_that_was_killed_is_listed_resumed_and_listed_again(tmp_path: Path):
    arguments = ["run", *INCIDENT, "--runs", str(tmp_path / "runs")]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "twinops.py"), *arguments],
        env={"TWINOPS_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("── plan"):
                (busy,) = json.loads(command(tmp_path, "runs", "--json").stdout)["runs"]
                held = command(tmp_path, "resume", busy["run"])
                process.send_signal(signal.SIGKILL)
    assert (busy["state"], busy["process"]) == ("running", process.pid)
    assert held.returncode == 4
    assert f"error: run {busy['run']} is held by process {process.pid} (wait until it ends" in held.stderr

    (killed,) = json.loads(command(tmp_path, "runs", "--outcome", "unfinished", "--json").stdout)["runs"]
    assert (killed["state"], killed["process"]) == ("unfinished", None)
    done = apart("resume", killed["run"], "--runs", tmp_path / "runs", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "none is redone" in done.stderr
    assert "resolved" in done.stdout
    again = command(tmp_path, "resume", killed["run"], "--json")
    assert json.loads(again.stdout)["outcome"] == "resolved"
    assert "has ended already" in again.stderr
    listed = command(tmp_path, "runs")
    assert "ended" in listed.stdout
    assert killed["run"] in listed.stdout


def test_journals_answer_questions_in_sql(place: Path):
    done = command(place, "runs", "--sql", "SELECT count(*) AS n FROM run", "--json")
    assert json.loads(done.stdout)["rows"] == [[1]]
    table = command(place, "runs", "--sql", "SELECT kind, count(*) AS n FROM record GROUP BY kind ORDER BY n DESC")
    assert "tool called" in table.stdout
    refused = command(place, "runs", "--sql", "COPY run TO '/tmp/out.csv'")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "error: only a SELECT can be run here (write one SELECT statement)\n"


@pytest.mark.parametrize("name", ["resume", "replay", "audit", "approve", "reject"])
def test_a_run_that_is_not_there_is_one_clear_line(tmp_path: Path, name: str):
    command(tmp_path, "approve", "--new-key", "--as", "ada")
    who = ["--as", "ada"] if name in ("approve", "reject") else []
    done = command(tmp_path, name, "nothing-here", *who)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("name", ["runs", "resume", "replay", "audit", "approve", "reject"])
def test_every_command_for_runs_explains_itself_and_speaks_json(name: str):
    done = here(name, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_no_runs_are_no_error(tmp_path: Path):
    assert command(tmp_path, "runs").returncode == 0
    assert json.loads(command(tmp_path, "runs", "--json").stdout)["runs"] == []


def test_a_budget_ends_a_run_with_its_own_exit_code(tmp_path: Path):
    done = command(tmp_path, "run", *INCIDENT, "--budget", "model_calls=3", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["outcome"] == "out of budget"
    bad = command(tmp_path, "run", *INCIDENT, "--budget", "gold=1")
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: budget: run.gold: ")
