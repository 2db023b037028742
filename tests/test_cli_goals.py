"""Goals and questions on the command line."""

import json

import pytest

from tests.command_line import SMALL, here

NETWORK = "sndlib/nobel-germany"


def test_a_question_is_answered_on_stdout():
    done = here("ask", "what_if fail:Berlin", "-n", NETWORK)
    assert done.returncode == 0
    assert "node Berlin down" in done.stdout


def test_an_answer_as_json_holds_its_calls_and_their_figures():
    done = here("ask", "headroom", "-n", NETWORK, "--json")
    document = json.loads(done.stdout)
    assert (document["format"], document["command"]) == ("twinops/1", "ask")
    assert document["calls"][0]["tool"] == "growth_headroom"
    assert document["calls"][0]["result"]["intact"]["factor"] > 1
    assert document["unsupported"] == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("ask", "what is the meaning of life?"), "plain words"),
        (("ask", "what_if fail:Atlantis"), "unknown element"),
        (("run", "--goal", "drain Ulm, the Berlin team is on site"), "plain words"),
        (("run", "--goal", "drain:Muenchn"), "unknown element"),
        (("run", "--goal", "drain:Ulm undrain:Berlin"), "unknown word"),
        (("run", "--goal", "drain:Ulm from:2020-01-01T02:00 until:2020-01-01T04:00"), "past window"),
        (("plan", "--goal", "drain:Ulm,"), "missing element"),
        (("plan", "--goal", "win"), "plain words"),
        (("plan", "--goal", "drain:R99"), "unknown element"),
        (("plan", "--goal", "drain:"), "missing element"),
        (("plan", "--goal", "grow:0.9"), "bad value"),
    ],
)
def test_what_is_open_is_the_question_as_json_and_one_line(tmp_path, command, code):
    done = here(*command, "-n", NETWORK, "--json", home=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["question"]["code"] == code
    assert done.stderr.startswith("question: ")
    assert done.stderr.count("\n") == 1


def test_a_goal_runs_to_a_certified_plan_for_its_window(tmp_path):
    goal = "drain:Frankfurt-Leipzig from:02:00 until:04:00 max_utilisation:0.8"
    runs = tmp_path / "runs"
    done = here("run", "-n", NETWORK, "-s", 3, "--goal", goal, "--runs", runs, "--json", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["outcome"] == "scheduled"
    assert summary["goal"].startswith("drain:link/Frankfurt:Leipzig--Leipzig:Frankfurt from:")
    assert summary["unsupported"] == []
    assert summary["claims"] > 0


def test_a_goal_that_is_not_safe_ends_with_3_and_changes_nothing(tmp_path):
    runs = tmp_path / "runs"
    goal = "drain:Berlin-Leipzig"
    done = here("run", "-n", NETWORK, "-s", 3, "--goal", goal, "--runs", runs, "--json", home=tmp_path / "home")
    assert done.returncode == 3
    assert json.loads(done.stdout)["applied"] is None


@pytest.mark.parametrize("options", [("--fault", "link_down"), ("--zone", "Mars/Olympus")])
def test_options_that_do_not_fit_a_goal_are_bad_input(tmp_path, options):
    done = here("run", "-n", NETWORK, "--goal", "drain:Ulm from:02:00 until:04:00", *options, home=tmp_path)
    assert done.returncode == 2


def test_a_model_that_there_is_not_is_bad_input():
    assert here("ask", "what_if fail:Berlin", "-n", NETWORK, "--model", "nobody:x").returncode == 2


@pytest.fixture
def no_growth(tmp_path):
    """A policy for a network that is not built for growth under failures."""
    path = tmp_path / "no-growth.toml"
    path.write_text("demand_factors = [0.8, 1.0]\n")
    return ("--policy", path)


def test_a_plan_keeps_the_limits_of_its_goal_and_is_rehearsed_in_its_window(no_growth):
    goal = "drain:Frankfurt-Leipzig from:02:00 until:04:00 zone:Europe/Berlin protect:Ulm max_utilisation:0.79"
    done = here("plan", "-n", NETWORK, "--goal", goal, *no_growth, "--json")
    document = json.loads(done.stdout)
    assert document["goal"].startswith("drain:link/Frankfurt:Leipzig--Leipzig:Frankfurt from:")
    assert (done.returncode, document["usable"], document["window"]["safe"]) == (0, True, True)
    assert max(hour["during"] for hour in document["window"]["hours"]) <= 0.79


def test_a_goal_for_several_elements_says_which_of_them_cannot_be_met(no_growth):
    done = here("plan", "-n", NETWORK, "--goal", "drain:Frankfurt-Leipzig,Hamburg-Bremen", *no_growth, "--json")
    assert done.returncode == 3
    assert "Bremen:Hamburg" in json.loads(done.stdout)["proposals"][0]["reason"]


ADAPTER = '''
from datetime import UTC, datetime

from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork


class Acme(EmulatedNetwork):
    def look_again(self):
        """Nothing to do: it measures by itself."""


def open_acme(which):
    live = Acme(load_network(which), seed=3, start=datetime(2026, 3, 4, 19, tzinfo=UTC))
    live.wait(30)
    return live
'''


@pytest.fixture
def adapter(tmp_path, monkeypatch):
    """A package that offers the live network `acme`, as it is found when it is installed."""
    package = tmp_path / "site-packages"
    facts = package / "acme_live-1.0.dist-info"
    facts.mkdir(parents=True)
    (package / "acme_live.py").write_text(ADAPTER)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-live\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[twinops.live]\nacme = acme_live:open_acme\n")
    monkeypatch.syspath_prepend(str(package))
    return f"acme:{SMALL}"


def test_a_goal_for_a_live_network_of_an_adapter_is_read_against_that_network(adapter, tmp_path):
    done = here("run", "--site", adapter, "--goal", "drain:Nowhere", "--json", home=tmp_path / "home")
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["question"]["code"] == "unknown element"


def test_a_goal_on_a_live_network_of_an_adapter_is_worked_on_by_its_clock(adapter, tmp_path):
    goal = "drain:R1 from:02:00 until:04:00 rehearse"
    runs = tmp_path / "runs"
    done = here("run", "--site", adapter, "--goal", goal, "--runs", runs, "--json", home=tmp_path / "home")
    summary = json.loads(done.stdout)
    assert summary["goal"].startswith("drain:node/R1 from:2026-03-05T02:00")
    assert summary["outcome"] in ("rehearsed", "no safe plan")
