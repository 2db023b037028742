"""The commands: their output for people and programs, and one clear line for everything that cannot be done."""

import json

import pytest

from agents.roles.contracts import CONTRACTS
from tests.benchmarks.tokens import MOST_CALLS, MOST_TOKENS
from tests.command_line import here
from tools.catalogue import TOOLS


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "smok"], 2, "no suite 'smok'"),
        (["smok"], 2, "did you mean smoke?"),
        (["run", "order", "--model", "nobody:x"], 2, "nobody"),
        (["run", "order", "--vision"], 2, "for a --model that sees"),
        (["run", "order", "--seeds", "5-2"], 2, "write A-B"),
        (["run", "order", "--seeds", "1-2"], 2, "no case of order is left"),
        (["run", "order", "--split", "test"], 2, "no split 'test'"),
        (["run", "order", "--cases", "0"], 2, "--cases"),
        (["report", "nothing"], 2, "no evaluation 'nothing'"),
        (["compare", "a", "b"], 2, "no evaluation 'a'"),
        (["run", "order", "--resume", "nothing"], 2, "no evaluation 'nothing'"),
        (["run", "missing.toml"], 2, "no suite 'missing.toml'"),
        (["run", "cost", "--cases", "1", "--budget", "10"], 2, "raise --budget"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_an_exit_code(tmp_path, arguments, code, words):
    done = here("eval", *arguments, "--runs", tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_list_names_every_suite_with_its_systems():
    said = json.loads(here("eval", "list", "--json").stdout)
    named = {x["name"]: x for x in said["suites"]}
    assert {"detect", "diagnose", "localize", "forecast", "te", "verify", "order"} <= set(named)
    assert {"inject", "corrupt", "intent", "whatif", "incident", "resume", "cost"} <= set(named)
    assert named["verify"]["systems"][0] == "gate"


def test_a_run_prints_its_scoreboard_writes_a_page_and_is_compared_and_reported(tmp_path):
    board = tmp_path / "board.md"
    runs = ["--runs", tmp_path]
    done = here("eval", "intent", "--cases", "20", "-b", "-w", "1", "--scoreboard", str(board), *runs)
    assert done.returncode == 0, done.stderr
    assert "unclear goals asked about" in done.stdout
    assert "60 of 60" in done.stderr
    assert "## intent" in board.read_text()
    (name,) = [path.name for path in (tmp_path / "eval").iterdir()]
    said = json.loads(here("eval", "compare", name, name, *runs, "--json").stdout)
    assert said["suites"][0]["gained"] == said["suites"][0]["lost"] == 0
    page = here("eval", "report", name, *runs)
    text = (tmp_path / "eval" / name / "report.html").read_text()
    assert page.stdout.strip().endswith("report.html")
    assert "<h2>Failures</h2>" in text
    assert text.index("Failures") < text.index("What the difference is worth")


def test_a_dry_run_of_suites_without_agents_costs_nothing_and_runs_nothing(tmp_path):
    runs = tmp_path / "runs"
    done = here("eval", "run", "order", "verify", "--dry-run", "--json", "--runs", str(runs))
    said = json.loads(done.stdout)["dry_run"]
    assert [x["model_calls"] for x in said["suites"]] == [0, 0]
    assert said["usd"] == 0
    assert not runs.exists()


@pytest.mark.slow
def test_a_dry_run_of_agents_estimates_calls_tokens_and_money(tmp_path):
    arguments = ["--model", "anthropic:claude-opus-5-5", "--cases", "4", "--dry-run", "--json"]
    done = here("eval", "run", "cost", *arguments, "--runs", tmp_path, ANTHROPIC_API_KEY="k")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["dry_run"]
    (cost,) = found["suites"]
    assert cost["cases"] == 4
    assert 4 * 3 <= cost["model_calls"] <= 4 * MOST_CALLS  # three roles at least are asked: to the plan or to its lack
    schemas = {x.name: len(json.dumps(x.schema)) for x in TOOLS}
    sent = [len(x.prompt) + sum(schemas[tool] for tool in x.at_hand(())) for x in CONTRACTS.values()]  # with every call
    assert cost["model_calls"] * min(sent) / 4 < cost["input_tokens"] <= 4 * MOST_TOKENS
    price = (cost["input_tokens"] * 4 + cost["output_tokens"] * 20) / 1e6
    assert found["usd"] == pytest.approx(price, rel=0.01)
