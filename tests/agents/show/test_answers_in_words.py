# ruff: noqa: E501 (sentences as people write them, on one line)
"""Questions: read into tool calls, answered with the tools' figures alone, and refused where no tool answers."""

import asyncio
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from agents.goals import Question
from agents.goals.questions import FORMS, Inquiry, read_question
from agents.roles.analyst import answer_with
from agents.show.answers_in_words import answer, run_state_for
from tests.agents.characters import Actor, calls, says
from tools.questions import (
    QUESTIONS,
    carried_by,
    grow_demands,
    growth_headroom,
    power_use,
    rehearse_changes,
    worst_failures,
)
from twin.errors import BudgetError, InputError
from twin.formats import load_network
from twin.model import Link, Network, Node
from twin.plan import DrainNode
from twin.policy import Policy
from twin.sim.simulate import simulate

NOW = datetime(2026, 3, 2, 15, 17, tzinfo=UTC)
GERMANY = load_network("sndlib/nobel-germany")


def ask(text, network=GERMANY, **more):
    found = read_question(text, network, now=NOW)
    assert isinstance(found, Inquiry), found.question
    return found, answer(found, run_state_for(network, Policy(), NOW, **more))


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("what_if fail:Berlin", "what_if", {"fail": ["node/Berlin"]}),
        ("what_if fail:Hamburg-Berlin", "what_if", {"fail": ["link/Berlin:Hamburg--Hamburg:Berlin"]}),
        ("what_if fail:Berlin,Ulm", "what_if", {"fail": ["node/Berlin", "node/Ulm"]}),
        ("what_if drain:Ulm", "what_if", {"changes": [{"op": "drain_node", "node": "Ulm"}]}),
        ("what_if drain:Ulm from:02:00 until:04:00", "rehearse_changes", {"changes": [{"op": "drain_node", "node": "Ulm"}], "start": 2, "hours": 3}),
        ("what_if sleep:Berlin-Hamburg", "power_use", {"asleep": ["link/Berlin:Hamburg--Hamburg:Berlin"]}),
        ("growth:1.3", "grow_demands", {"factor": 1.3}),
        ("growth:0.8", "grow_demands", {"factor": 0.8}),
        ("headroom", "growth_headroom", {}),
        ("worst", "worst_failures", {"kind": "all", "top": 5}),
        ("worst kind:pairs top:3", "worst_failures", {"kind": "pairs", "top": 3}),
        ("path Berlin Ulm", "carried_by", {"source": "Berlin", "target": "Ulm"}),
        ("path:berlin,ulm", "carried_by", {"source": "Berlin", "target": "Ulm"}),
        ("busiest top:3", "busiest_links", {"top": 3}),
        ("busiest at:Berlin-Hamburg", "busiest_links", {"elements": ["link/Berlin:Hamburg--Hamburg:Berlin"], "top": 5}),
        ("power", "power_use", {}),
    ],
)  # fmt: skip
def test_a_written_question_is_read_into_the_call_that_answers_it(text, tool, arguments):
    found = read_question(text, GERMANY, now=NOW)
    assert isinstance(found, Inquiry), found.question
    assert (found.tool, found.arguments) == (tool, arguments)


@pytest.mark.parametrize(
    "text", ["what is the meaning of life?", "what if Berlin fails?", "why?", "", "drain:Ulm", "who is on call?"]
)
def test_plain_words_without_a_model_are_answered_with_the_written_questions(text):
    found = read_question(text, GERMANY, now=NOW)
    assert found.code == "plain words"
    assert all(form in found.question for form in FORMS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("what_if fail:Atlantis", "unknown element"),
        ("what_if", "missing element"),
        ("what_if fail:Ulm drain:Berlin", "missing element"),
        ("what_if fail:Ulm fail:Berlin", "repeated word"),
        ("what_if fail:Ulm from:02:00", "does not fit"),
        ("what_if drain:Ulm from:02:00", "incomplete window"),
        ("what_if fail:", "missing value"),
        ("what_if fail:Ulm,", "missing element"),
        ("what_if sleep:Ulm", "unknown element"),
        ("what_if brake:Ulm", "unknown word"),
        ("worst kind:routers", "unknown word"),
        ("worst top:0", "bad value"),
        ("worst top:2.5", "bad value"),
        ("growth", "bad value"),
        ("growth:0", "bad value"),
        ("growth:much", "bad value"),
        ("path Berlin", "missing element"),
        ("path Berlin Ulm Essen", "missing element"),
        ("path Berlin Atlantis", "unknown element"),
        ("headroom top:3", "unknown word"),
        ("headroom:3", "does not fit"),
    ],
)
def test_a_written_question_that_is_open_is_asked_back(text, code):
    found = read_question(text, GERMANY, now=NOW)
    assert isinstance(found, Question), found
    assert found.code == code


@pytest.mark.parametrize(
    "text",
    [
        "what_if fail:Berlin", "what_if fail:Berlin,Hamburg", "what_if drain:Berlin", "worst", "worst kind:pairs",
        "what_if drain:Berlin from:02:00 until:04:00 zone:Europe/Berlin", "headroom", "growth:1.3", "growth:0.8",
        "path Berlin Hamburg", "busiest", "busiest at:Ulm", "power", "what_if sleep:Berlin-Leipzig",
    ],
)  # fmt: skip
def test_every_number_of_an_answer_is_a_tools(text):
    _, reply = ask(text)
    assert reply.sentences
    assert reply.unsupported == ()
    assert reply.claims > 0


def square():
    nodes = tuple(Node(name, float(i), 0.0) for i, name in enumerate("ABCD"))
    pairs = [("A", "B", 10, 1.0), ("B", "C", 10, 2.0), ("A", "D", 10, 3.0), ("D", "C", 10, 4.0), ("B", "D", 30, 9.0)]
    links = tuple(Link(x, y, 1000.0, w, d) for a, b, w, d in pairs for x, y in ((a, b), (b, a)))
    demands = np.zeros((4, 4))
    demands[0, 2] = 400.0
    return Network("square", nodes, links, demands)


def test_a_demand_over_two_equal_paths_is_split_and_its_delay_is_the_mean():
    found = carried_by(run_state_for(square(), Policy(), NOW), "A", "C")
    assert {x.link: x.share for x in found.links} == {"A->B": 0.5, "B->C": 0.5, "A->D": 0.5, "D->C": 0.5}
    assert (found.demand_mbps, found.delay_ms, found.hops) == (400.0, 5.0, 2)
    assert all(x.utilisation == 0.2 for x in found.links)


def test_growth_and_headroom_agree_with_the_simulator():
    run_state = run_state_for(GERMANY, Policy(), NOW)
    factor = growth_headroom(run_state).intact.factor
    grown = grow_demands(run_state, round(factor * 0.999, 6))
    assert grown.after.max_utilisation == pytest.approx(Policy().max_utilisation, abs=2e-3)
    assert grown.after.harm == 0
    assert grow_demands(run_state, factor * 1.01).after.harm > 0


def test_the_worst_failure_is_the_one_that_simulating_each_names():
    found = worst_failures(run_state_for(GERMANY, Policy(), NOW), "nodes", 1).failures[0]
    peaks = {}
    for node in GERMANY.nodes:
        state = GERMANY.__class__(
            GERMANY.name,
            tuple(x._replace(up=x.name != node.name) for x in GERMANY.nodes),
            GERMANY.links,
            GERMANY.demands,
        )
        outcome = simulate(state)
        peaks[node.id] = (outcome.lost, outcome.max_utilisation)
    assert found.failure == max(peaks, key=lambda x: peaks[x])


def test_a_window_is_rehearsed_by_the_declared_day_of_what_is_planned_else_of_what_is_carried_now():
    day, drain = tuple(0.5 + 0.02 * hour for hour in range(24)), (DrainNode(node="Ulm"),)
    carried, unplanned = GERMANY.with_demands(0.8 * GERMANY.demands), GERMANY.with_demands(0 * GERMANY.demands)

    def during(network, **more):
        found = rehearse_changes(run_state_for(network, Policy(), NOW, **more), drain, start=2, hours=3)
        assert [x.hour for x in found.hours] == [2, 3, 4]
        return [x.during for x in found.hours]

    full = during(GERMANY)
    assert full[0] > 0
    assert during(carried, planned=GERMANY) == full  # nobody says that the window is quieter than the peak
    by_day = [x * day[hour] for x, hour in zip(full, (2, 3, 4), strict=True)]  # a link's load is linear in the demands
    assert during(carried, planned=GERMANY, day=day) == pytest.approx(by_day)
    assert during(carried, planned=unplanned) == pytest.approx([0.8 * x for x in full])
    # 15:17 UTC is 15:57 by the sun of Germany, an hour of 0.8
    assert during(carried, planned=unplanned, day=day) == pytest.approx(by_day)


def test_an_answer_about_a_window_says_when_no_hour_is_known_from_another():
    text = "what_if drain:Ulm from:02:00 until:04:00"
    unknown, known = ask(text)[1], ask(text, day=tuple(0.5 + 0.02 * hour for hour in range(24)))[1]
    assert "No day is declared" in unknown.sentences[-1]
    assert not any("No day" in x for x in known.sentences)
    assert unknown.sentences[1] != known.sentences[1]
    assert known.unsupported == ()


def test_power_saved_is_the_difference_of_what_is_drawn():
    found = power_use(run_state_for(GERMANY, Policy(), NOW), ("link/Berlin:Hamburg--Hamburg:Berlin",))
    assert found.saved_watts == pytest.approx(found.watts - found.watts_asleep, abs=0.11)
    assert found.saved_watts > 0


def converse(character):
    run_state = run_state_for(GERMANY, Policy(), NOW)
    return asyncio.run(answer_with(Actor(character), "what if Berlin fails?", run_state))


def test_a_model_answers_with_the_tools_and_its_made_up_number_is_marked():
    def play(talk, _names):
        if not talk.exchanges:
            return calls("what_if", fail=["node/Berlin"])
        peak = talk.answer("what_if")["after"]["max_utilisation"]
        return says(f"The busiest link is then at {100 * peak:.0f} %. That costs 4711 Mbit/s.")

    reply = converse(play)
    assert [x.words for x in reply.unsupported] == ["4711 Mbit/s"]
    assert reply.claims == 2
    assert [x.tool for x in reply.calls] == ["what_if"]


def test_a_model_that_answers_without_a_tool_is_not_believed():
    with pytest.raises(InputError, match="no tool answers that"):
        converse(lambda _talk, _names: says("It is 42 %."))


def test_a_model_that_never_answers_is_stopped():
    with pytest.raises(BudgetError):
        converse(lambda _talk, _names: calls("growth_headroom"))


def test_a_model_may_call_the_tools_for_questions_and_no_others():
    seen = []

    def play(talk, names):
        seen.append(names)
        if not talk.exchanges:
            return calls("decide", decision="approve", reasons="yes")
        return calls("growth_headroom") if len(talk.exchanges) == 1 else says("Done.")

    assert [x.tool for x in converse(play).calls] == ["growth_headroom"]
    assert set(seen[0]) == {tool.name for tool in QUESTIONS}
    assert not {"submit_plan", "decide", "report_incident"} & set(seen[0])


def test_an_answer_can_be_read_by_programs():
    found, reply = ask("what_if fail:Berlin")
    document = json.loads(json.dumps(reply.document(found.text)))
    assert document["calls"][0]["result"]["after"]["max_utilisation"] > 0
    assert document["unsupported"] == []
