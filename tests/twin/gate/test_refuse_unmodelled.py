"""A policy may refuse plans on a twin that lacks what decides routing: the verdict names it, wherever it is asked."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from agents.run.request import RunRequest
from agents.run.run import run_incident
from agents.show.judging import judge_plan
from twin.formats import write_plan
from twin.formats.load import load_reading, read_explained
from twin.formats.stored import import_networks
from twin.gate.checks.context import Context
from twin.gate.verdict import passes, verify
from twin.plan import Plan, SetWeight
from twin.policy import Policy

NOW = datetime(2026, 11, 29, tzinfo=UTC)
STRICT = Policy(refuse_unmodelled=True, max_blast_radius=1, min_gain=0)
MODEL = """INTERFACES_TABLE
node_object_name\tremote_node_object_name\tname\tcost\tcapacity
A\tB\tA-B\t10\t1000
B\tA\tB-A\t10\t1000
B\tC\tB-C\t10\t1000
C\tB\tC-B\t10\t1000
C\tA\tC-A\t10\t1000
A\tC\tA-C\t10\t1000

DEMANDS_TABLE
source\tdest\ttraffic\tname
A\tB\t400\td
"""
LSPS = "\nRSVP_LSP_TABLE\nsource\tdest\tname\nA\tB\tlsp1\n"


def document(**more):
    links = [{"source": a, "target": b, "metric": 10, "capacity_mbps": 1000, **more} for a, b in ("AB", "BC", "CA")]
    return json.dumps({"nodes": [{"id": x} for x in "ABC"], "links": links, "graph": {"demands": {"A": {"B": 400}}}})


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def plan_for(network):
    return Plan(goal="try", base=network.id, steps=(SetWeight(link="A->B", weight=11),), objective="change")


def grounded(verdict):
    return next(check for check in verdict.checks if check.name == "grounded")


def judged(path, policy=STRICT):
    reading = load_reading(str(path))
    return verify(plan_for(reading.network), reading.network, policy, unmodelled=reading.account.unmodelled_routing)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("m.csv", MODEL + LSPS, "RSVP LSPs"),
        ("n.json", document(rsvp_lsp="x"), "rsvp_lsp"),
        ("n.json", document(min_links=2), "bundles"),
        ("n.json", document(vrf="red"), "vrf"),
        ("n.json", document()[:-1] + ', "multicast": [1]}', "multicast"),
        ("n.json", document().replace('"metric"', '"area": "1", "metric"', 1).replace("}]", ', "area": "2"}]'), "area"),
    ],
)
def test_what_decides_routing_and_is_not_modelled_fails_grounded_by_name(tmp_path, name, text, what):
    path = saved(tmp_path, name, text)
    check = grounded(judged(path))
    assert not check.passed
    assert what in check.detail
    assert grounded(judged(path, Policy())).passed


@pytest.mark.parametrize("text", [document(), document(area="0"), document(colour="red")])
def test_what_decides_nothing_is_no_reason(tmp_path, text):
    assert grounded(judged(saved(tmp_path, "n.json", text))).passed


def test_the_twin_keeps_what_its_file_left_open(tmp_path):
    into = tmp_path / "own.duckdb"
    import_networks([saved(tmp_path, "m.csv", MODEL + LSPS)], into, now=NOW)
    check = grounded(judged(into))
    assert (check.passed, "RSVP LSPs" in check.detail) == (False, True)


def test_the_command_that_judges_a_plan_asks_the_account(tmp_path):
    path = saved(tmp_path, "m.csv", MODEL + LSPS)
    write_plan(plan_for(read_explained(path).network), tmp_path / "plan.json")
    answer = judge_plan(tmp_path / "plan.json", str(path), STRICT, None, now=NOW)
    assert answer.code != 0
    assert "RSVP LSPs" in json.dumps(answer.document)


def test_a_run_on_such_a_network_is_not_approved(tmp_path):
    path = saved(tmp_path, "m.csv", MODEL + LSPS)
    request = RunRequest(network=str(path), policy=STRICT, model="runbook", seed=3)
    result = asyncio.run(run_incident(request, runs=tmp_path / "runs", home=tmp_path / "home"))
    assert result.finished.outcome not in ("resolved", "awaiting approval")


def test_who_tries_many_plans_is_told_of_what_is_not_modelled_and_of_what_cannot_be_made(tmp_path):
    network = load_reading(str(saved(tmp_path, "net.json", document()))).network
    plan, lacking = plan_for(network), Context(unmodelled=("rsvp_lsps",))
    assert passes(plan, network, STRICT)
    assert passes(plan, network, STRICT.model_copy(update={"refuse_unmodelled": False}), known=lacking)
    assert not passes(plan, network, STRICT, known=lacking)
    nowhere = plan.model_copy(update={"steps": (SetWeight(link="A->Z", weight=11),)})
    assert not passes(nowhere, network, STRICT)
