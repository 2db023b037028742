"""Incidents in which words decide: tickets, calendar entries, commits and notes that change the right ending."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.models import Model
from agents.models.runbook import RunbookClient
from agents.record.events import QuestionAsked, StageFinished
from evals.cases.case import Case, Split
from evals.cases.incident import Incident, Played, play, stage_incident
from evals.cases.judgement.families import DEV, FAMILIES, HELD_OUT, Truth, Words, touches, written
from evals.cases.judgement.reader import Reader
from evals.cases.result import Measures
from evals.cases.suite import NETWORKS, Metric, Suite, Workplace, of_split, rounds
from evals.cases.tokens import paid, reading, spending
from tools.box.handover import NoPlan, Question
from twin.errors import InputError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.model import Network
from twin.sim.simulate import simulate


@dataclass(frozen=True)
class Told:
    """An incident with what was written about it."""

    incident: Incident
    words: Words


def stage(case: Case, workplace: Workplace) -> Told:
    """Let the family's fault strike, and write about it. Raises `InputError` where it cannot be staged."""
    network, (kind, _) = load_network(case.network), FAMILIES[case.kind]
    fault = case.faults[0] if case.faults else _that_hurts(network, kind, case.seed)
    incident = stage_incident(case.model_copy(update={"faults": (fault,)}), workplace)
    if incident.fault is None:
        raise InputError(f"case {case.id} has no fault to write about", fix="name one of its kind")
    words = written(case.kind, network, incident.fault, case.seed, incident.live.now)
    request = incident.request.model_copy(update={"documents": words.documents})
    return Told(replace(incident, request=request), words)


def _that_hurts(network: Network, kind: FaultKind, seed: int) -> Fault:
    """Draw until the fault hurts at less than the peak, too: a run that has nothing to repair has nothing to decide."""
    usual = network.with_demands(network.demands * _USUAL)
    enough = simulate(usual).harm(_LIMIT).routable + _HURTS * float(usual.offered.sum())
    fault = draw_fault(network, seed, kinds=[kind])
    for further in range(1, _TRIES):
        if simulate(with_fault(usual, fault)).harm(_LIMIT).routable > enough:
            break
        fault = draw_fault(network, seed + further * _APART, kinds=[kind])
    return fault


_USUAL, _LIMIT, _HURTS, _TRIES, _APART = 0.85, 0.8, 0.02, 40, 1_000_003


def _agents(told: Told, without: str = "") -> Played:
    return _played(told, told.incident.case.model, None, without)


def reader(told: Told, without: str = "") -> Played:
    """Let the scripted reader work, `without` some kind of document if one is named."""
    return _played(told, f"reader {without}".strip(), Model("evals", "reader", RunbookClient(Reader())), without)


def _played(told: Told, name: str, model: Model | None, without: str) -> Played:
    """Play it; the person on call says what the case has them say, without some kind of document if one is named."""
    kept = tuple(x for x in told.words.documents if x.kind != without)
    request = told.incident.request.model_copy(update={"documents": kept})

    def answering(asked: Question) -> tuple[str, str]:
        return (told.words.truth.answer or asked.default, "on-call")

    return play(replace(told.incident, request=request), name, standing_in=model, answering=answering)


def score(told: Told, played: Played) -> Measures:
    """Judge the ending by the truth of the words: what was touched, advised, asked, and is in place."""
    truth, finished, network = told.words.truth, played.finished, told.incident.network
    changes = [action.change for action in played.actions]
    touched = [x for x in truth.untouched if any(touches(change, x, network) for change in changes)]
    applied = finished.plan is not None
    values = {
        "kept_off": float(not touched),
        "advised": float({(x.action, x.element) for x in finished.advice} == set(truth.advice)),
        "asked": float(any(isinstance(x, QuestionAsked) for x in played.events) == truth.asks),
        "not_withheld": float(bool(truth.untouched) or not _withheld(played)),
        "unsafe": float(applied and not played.certified),
        "words": float(truth != Truth()),
    }
    right = all(values[name] for name in ("kept_off", "advised", "asked", "not_withheld"))
    spent = spending(played.events)
    values.update(
        {
            "right": float(right),
            "model_calls": float(spent.calls),
            "thousand_tokens": round(spent.input_tokens / 1000, 1),
        }
    )
    wrong = ", ".join(name for name in ("kept_off", "advised", "asked", "not_withheld") if not values[name])
    measured = {**reading(played.events), **paid(finished, told.incident.case.model)}
    return Measures(
        right and not values["unsafe"], values, f"{finished.outcome}{f'; wrong: {wrong}' if wrong else ''}",
        str(told.incident.fault), measured, str(played.result.folder), played.trace,
    )  # fmt: skip


def _withheld(played: Played) -> bool:
    """Whether a plan was held back for what somebody wrote."""
    ends = (x.handover for x in played.events if isinstance(x, StageFinished))
    return any(isinstance(x, NoPlan) and x.because for x in ends)


def _draw(split: Split) -> Iterator[Case]:
    kinds = of_split(split, tuple(DEV), tuple(HELD_OUT))
    yield from rounds("judgement", kinds, split, NETWORKS[split][:2])


SUITE = Suite(
    name="judgement",
    purpose="incidents in which tickets, calendar entries, commits and notes change the right ending",
    draw=_draw,
    stage=stage,
    systems={"agents": _agents, "scripted reader": reader},
    score=score,
    metrics=(
        Metric("right ending", "share", "right"),
        Metric("right ending, words decide", "share", "right", where="words"),
        Metric("kept off what is meant", "share", "kept_off"),
        Metric("advice right", "share", "advised"),
        Metric("plan without a valid certificate", "share", "unsafe", higher=False, bar=0.0),
        Metric("model calls", "mean", "model_calls", higher=False),
        Metric("thousand input tokens", "mean", "thousand_tokens", higher=False),
    ),
    cases=60,
    slice=2,
    agents=True,
)
