"""A change that somebody already has: `diff`, `verify --from --to`, and the example that gates a pull request."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.command_line import here as run
from twin.formats import load_network, read_plan, write_node_link
from twin.gate.verdict import verify
from twin.plan import DrainLink, SetWeight, apply_all
from twin.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
NETWORK = load_network("synthetic/12-1")


def written(folder, name, network):
    write_node_link(network, folder / name)
    return str(folder / name)


@pytest.fixture
def before(tmp_path):
    return written(tmp_path, "before.json", NETWORK)


def steps():
    return SetWeight(link=NETWORK.links[0].name, weight=NETWORK.links[0].weight + 1), DrainLink(
        circuit=NETWORK.links[-1].circuit
    )


def test_diff_lists_typed_changes(tmp_path, before):
    after = written(tmp_path, "after.json", apply_all(NETWORK, steps()))
    done = run("diff", before, after, "--json")
    assert done.returncode == 0
    assert [change["op"] for change in json.loads(done.stdout)["changes"]] == ["set_weight", "drain_link"]


def test_two_equal_states_need_no_plan(tmp_path, before):
    assert run("verify", "--from", before, "--to", written(tmp_path, "same.json", NETWORK)).returncode == 0


@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_the_exit_code_is_the_gates_verdict_in_every_format(tmp_path, before, form):
    for number, link in enumerate(NETWORK.links[:6:2]):
        after = written(tmp_path, f"after{number}.json", apply_all(NETWORK, [DrainLink(circuit=link.circuit)]))
        done = run("verify", "--from", before, "--to", after, "--format", form, "-o", str(tmp_path / "plan.json"))
        wanted = verify(read_plan(tmp_path / "plan.json"), NETWORK, Policy()).passed
        assert done.returncode == (0 if wanted else 3)
        if form == "junit":
            suite = ElementTree.fromstring(done.stdout)
            assert (suite.get("failures") == "0") is wanted


def test_an_element_that_goes_is_not_wholly_judged(tmp_path, before):
    gone = NETWORK.links[0].circuit
    links = tuple(link for link in NETWORK.links if link.circuit != gone)
    after = written(tmp_path, "after.json", replace(NETWORK, links=links))
    done = run("verify", "--from", before, "--to", after)
    assert done.returncode == 3
    assert "is gone" in done.stdout


def test_a_name_that_is_markup_stays_a_name(tmp_path):
    odd = replace(NETWORK, nodes=NETWORK.nodes)
    before = written(tmp_path, "<b>|x|.json", odd)
    after = written(tmp_path, "`a`.json", apply_all(odd, steps()))
    done = run("verify", "--from", before, "--to", after, "--format", "markdown")
    assert "<b>" not in done.stdout


@pytest.mark.parametrize("arguments", [["--from", "a.json"], ["plan.json", "--from", "a", "--to", "b"], []])
def test_half_a_question_is_a_usage_error(arguments):
    assert run("verify", *arguments).returncode == 2


def test_the_example_gates_a_pull_request_by_its_own_commands(tmp_path, before):
    script = ROOT / "examples" / "ci" / "check-change.sh"
    workflow = (ROOT / "examples/ci/.github/workflows/network-change.yml").read_text()
    assert './check-change.sh before.json network.json "$GITHUB_STEP_SUMMARY"' in workflow
    after = written(tmp_path, "network.json", apply_all(NETWORK, steps()[:1]))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [script, before, after, tmp_path / "summary.md"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode in (0, 3)
    assert (tmp_path / "summary.md").read_text() == done.stdout
    word = "safe" if done.returncode == 0 else "REJECTED"
    assert done.stdout.startswith(f"### Network change: {word}")
