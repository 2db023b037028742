"""A run made by hand on a square of five nodes: every kind of record, hostile text wherever text comes from outside."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.record.events import (
    CertificateIssued,
    ChatAnswered,
    ChatMessage,
    ChatRequested,
    ExecutionStep,
    Figures,
    LoadsTaken,
    Noted,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
    ToolCalled,
    ToolReturned,
    VerdictReached,
)
from agents.record.journal import Journal, read_journal
from agents.show.report.page import Sources
from tools.box.handover import Candidate, Decision, Diagnosis, Incident, PlanSubmission, RankedCause, SymptomReading
from twin.faults import Fault, FaultKind
from twin.gate.verdict import Check, Counterexample, Verdict
from twin.live.network import LinkSamples
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import ExpectedEffect, Plan, SetTunnel, SetWeight
from twin.policy import Policy

HOSTILE = "<script>alert(1)</script>\"'> <img src=http://evil.example/x onerror=alert(2)> \x1b[31m{{ 7*7 }}"
PLACES = {"Aa": (8.0, 53.0), "Bb": (13.0, 53.0), "Cc": (13.0, 49.0), "Dd": (8.0, 49.0), "Ee": (10.5, 51.0)}
CIRCUITS = [("Aa", "Bb"), ("Bb", "Cc"), ("Cc", "Dd"), ("Aa", "Dd"), ("Aa", "Ee"), ("Cc", "Ee")]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UTILISATION = {
    "before": (0.95, 0.2, 0.3, 0.1, 0.4, 0.5, 0.6, 0.75, 1.2, 0.0, -1, 0.3),
    "after": (0.7, 0.2, 0.3, 0.1, 0.4, 0.5, 0.6, 0.75, 0.78, 0.0, 0.1, 0.3),
}


@pytest.fixture
def square():
    nodes = tuple(Node(name, *place) for name, place in PLACES.items())
    links = [Link(a, b, 40_000 if "Ee" in (a, b) else 100_000, 10, 1.0) for a, b in CIRCUITS]
    both = tuple(end for link in links for end in (link, link._replace(tail=link.head, head=link.tail)))
    demands = np.full((5, 5), 1000.0)
    np.fill_diagonal(demands, 0)
    return Network("square", nodes, both, demands)


@pytest.fixture
def fault(square):
    return Fault(kind=FaultKind.LINK_DOWN, element=square.links[2].circuit)


def _plan(network):
    tunnel = Tunnel(name="relief", source="Aa", target="Cc", paths=(SegmentList(via=("Dd",)),), on_invalid="igp")
    steps = (SetWeight(link="Aa->Ee", weight=40), SetTunnel(tunnel=tunnel))
    effect = ExpectedEffect(max_utilisation=(1.2, 0.78), harm=(9_500.0, 0.0))
    return Plan(goal="Relieve Aa->Ee.", base=network.id, steps=steps, method="weight search", expected=effect)


def _verdict(plan, network, *, passed):
    example = Counterexample(element="Aa->Ee", failure="node/Bb", step=1, measured=1.31, limit=1.0, unit="share")
    checks = (
        Check(name="grounded", passed=True, detail="all 2 elements exist"),
        Check(
            name="survivable",
            passed=passed,
            measured=0.97 if passed else 1.31,
            limit=1.0,
            detail="worst of 11 single failures",
            counterexample=None if passed else example,
        ),
    )
    return Verdict(plan=plan.hash, snapshot=network.id, policy=Policy().hash, checks=checks)


def _loads(moment, source, network, values):
    top = max(range(len(values)), key=lambda i: values[i])
    return LoadsTaken(
        moment=moment,
        source=source,
        snapshot=network.id,
        utilisation=values,
        down=(network.links[2].circuit,),
        max_utilisation=values[top],
        busiest=network.links[top].name,
        harm=9_500.0 if moment == "before" else 12.0,
    )


def _observed(network):
    symptoms = (
        SymptomReading(kind="circuit down", element=network.links[2].circuit, detail=HOSTILE),
        SymptomReading(
            kind="overload",
            element="interface/Aa/Ee",
            measured=1.2,
            expected=0.5,
            unit="share",
            detail="120 % of 40G, 50 % expected",
        ),
    )
    incident = Incident(
        snapshot=network.id,
        symptoms=symptoms,
        harm=9_500.0,
        max_utilisation=1.2,
        busiest="Aa->Ee",
        explanation=HOSTILE,
    )
    ask = (ChatMessage(source="system", text="You watch one network."), ChatMessage(source="driver", text="Look now."))
    return [
        StageStarted(stage="observe", role="monitoring"),
        ChatRequested(
            role="monitoring", model="runbook", call=1, request="r1", prompt="3fa9", messages=ask, tools=("symptoms",)
        ),
        ToolCalled(role="monitoring", id="t1", tool="read_log", arguments={"node": "Aa"}),
        ToolReturned(
            role="monitoring",
            id="t1",
            tool="read_log",
            ok=True,
            content=f'{{"lines": ["{HOSTILE[:25]}"]}}',
            seconds=0.02,
        ),
        ToolCalled(role="monitoring", id="t2", tool="apply", arguments={}),
        ToolReturned(
            role="monitoring", id="t2", tool="apply", ok=False, error="rights", content="no such right", seconds=0.0
        ),
        ChatAnswered(
            role="monitoring",
            model="runbook",
            call=1,
            text=HOSTILE,
            tool_calls=(),
            finish="stop",
            input_tokens=100,
            output_tokens=20,
            seconds=0.01,
        ),
        StageFinished(stage="observe", next="diagnose", because="2 symptoms", seconds=0.5, handover=incident),
        _loads("before", "telemetry", network, UTILISATION["before"]),
    ]


def _diagnosed(network, fault):
    causes = (
        RankedCause(rank=1, fault=fault, probability=0.98, residual=1.5),
        RankedCause(rank=2, fault=None, probability=0.0002, residual=80.0),
    )
    diagnosis = Diagnosis(
        snapshot=network.id, cause=fault, probability=0.98, causes=causes, harm=9_400, max_utilisation=1.2, busiest=None
    )
    return [
        StageStarted(stage="diagnose", role="diagnosis"),
        StageFinished(stage="diagnose", next="plan", because="98 %", seconds=0.4, handover=diagnosis),
    ]


def _planned(network, number, *, passed):
    plan = _plan(network)
    candidates = tuple(
        Candidate(handle=handle, method=method, plan=plan.hash, steps=2, harm=(9_500, 0), max_utilisation=(1.2, 0.78))
        for handle, method in (("w1", "weight search"), ("s1", "segment routing"))
    )
    submission = PlanSubmission(round=number, handle="w1", plan=plan, candidates=candidates)
    verdict = _verdict(plan, network, passed=passed)
    decision = Decision(approved=passed, plan=plan.hash, snapshot=network.id, verdict=verdict, reasons="As checked.")
    after = "approve" if passed else "plan"
    return [
        StageStarted(stage="plan", role="planning", round=number),
        StageFinished(stage="plan", round=number, next="verify", because="submitted", seconds=1, handover=submission),
        StageStarted(stage="verify", role="verification", round=number),
        VerdictReached(round=number, plan=plan, verdict=verdict, passed=passed),
        StageFinished(stage="verify", round=number, next=after, because="checked", seconds=1, handover=decision),
    ]


def _executed(network, fault):
    plan = _plan(network)
    figures = Figures(harm_before=9_500, harm_after=12, max_utilisation_before=1.2, max_utilisation_after=0.78)
    return [
        CertificateIssued(plan=plan.hash, snapshot=network.id, certificate={"issuer": "twinops", "signature": "c2ln"}),
        StageStarted(stage="execute"),
        ExecutionStep(
            step=1, of=2, action="apply", change=plan.steps[0], live_time=NOON + timedelta(minutes=20), detail="sent"
        ),
        ExecutionStep(
            step=1, of=2, action="agree", predicted_utilisation=0.8, measured_utilisation=0.79, detail="within 5 %"
        ),
        _loads("after", "telemetry", network, UTILISATION["after"]),
        Noted(text=HOSTILE),
        RunFinished(
            outcome="resolved",
            because="Harm fell.",
            figures=figures,
            cause=fault,
            truth=fault,
            onset=NOON,
            plan=plan.hash,
            certificate_checked=True,
            rounds=2,
            model_calls=5,
            tool_calls=2,
            input_tokens=100,
            output_tokens=20,
            seconds=12.3,
        ),
    ]


@pytest.fixture
def records(square, fault, tmp_path):
    ticks = iter(range(10_000))
    start = RunStarted(
        run="made-by-hand",
        network="square",
        seed=1,
        model="runbook",
        policy=Policy(),
        inventory=square.id,
        nodes=5,
        circuits=6,
        history=24.0,
        live_time=NOON + timedelta(minutes=10),
    )
    events = [
        start,
        *_observed(square),
        *_diagnosed(square, fault),
        *_planned(square, 1, passed=False),
        *_planned(square, 2, passed=True),
        *_executed(square, fault),
    ]
    path = tmp_path / "journal.jsonl"
    with Journal(path, clock=lambda: NOON + timedelta(milliseconds=250 * next(ticks))) as journal:
        for event in events:
            journal.append(event)
    return read_journal(path).records


@pytest.fixture
def samples():
    """Two links, six samples of five minutes around noon, one of them missing."""
    times = NOON.timestamp() + 300.0 * np.arange(-3, 3)
    sent = np.array(
        [[50_000, 20_000], [52_000, 21_000], [np.nan, np.nan], [95_000, 48_000], [90_000, 46_000], [60_000, 20_000]]
    )
    return LinkSamples(
        np.repeat(times, 2), np.tile([0, 8], 6), sent.ravel(), sent.ravel(), np.zeros(12), np.ones(12, dtype=bool)
    )


@pytest.fixture
def sources(square, records, samples):
    return Sources({square.id: square}, samples, head=records[-1].hash)
