"""Incidents in which words decide: tickets, calendar entries, commits and notes that change the right ending."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

from agents.models import Model
from agents.models.runbook import RunbookClient
from agents.record.events import QuestionAsked, StageFinished
from evals.cases.case import Case, Split
from evals.cases.incident import Action, Incident, Played, hour_after, play, stage_incident
from evals.cases.judgement.families import BOUNDED, DEV, FAMILIES, HELD_OUT, LIMIT, Truth, Words, touches, written
from evals.cases.judgement.players import Alone, Idle
from evals.cases.judgement.reader import Reader
from evals.cases.result import Measures
from evals.cases.suite import NETWORKS, SECONDS, Metric, Suite, Workplace, of_split, rounds
from evals.cases.tokens import paid, reading, spending
from evals.oracle.endings import could_be_carried
from evals.score.plans import caused_regression
from tools.box.handover import NoPlan, Question
from twin.documents import DocumentKind
from twin.errors import InputError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.model import Network
from twin.plan import SetWeight
from twin.sim.simulate import simulate


@dataclass(frozen=True)
class Told:
    """An incident with what was written about it, and what of its harm somebody who may touch anything takes off.

    `gain` is that harm at the hour's end, Mbit/s: of a metric by putting it back, of traffic all of it where some
    routing could carry it. 0 where nothing could be gained.
    """

    incident: Incident
    words: Words
    gain: float


def stage(case: Case, workplace: Workplace) -> Told:
    """Let the family's fault strike, and write about it: the first fault drawn that there is something to write about.

    Raises `InputError` where there is none.
    """
    network, (kind, _) = load_network(case.network), FAMILIES[case.kind]
    nothing = InputError(f"no fault was drawn for case {case.id} that hurts enough", fix="use another seed or network")
    for fault in case.faults or _that_hurt(network, kind, case.seed):
        incident = stage_incident(case.model_copy(update={"faults": (fault,)}), workplace)
        try:
            words = written(case.kind, network, incident.live.truth, fault, case.seed, incident.live.now)
        except InputError as error:
            nothing = error
            continue
        request = incident.request.model_copy(update={"documents": words.documents})
        return Told(replace(incident, request=request), words, _gain(incident, fault))
    raise nothing


def _that_hurt(network: Network, kind: FaultKind, seed: int) -> Iterator[Fault]:
    """Draw faults that hurt at less than the peak, too: a run that has nothing to repair has nothing to decide."""
    usual = network.with_demands(network.demands * _USUAL)
    enough = simulate(usual).harm(LIMIT).routable + _HURTS * float(usual.offered.sum())
    for number in range(_TRIES):
        fault = draw_fault(network, seed + number * _APART, kinds=[kind])
        if simulate(with_fault(usual, fault)).harm(LIMIT).routable > enough:
            yield fault


_USUAL, _HURTS, _TRIES, _APART = 0.85, 0.02, 400, 1_000_003


def _gain(incident: Incident, fault: Fault) -> float:
    network, harmed = incident.network, incident.untouched.at_end
    if fault.kind is not FaultKind.WEIGHT:
        return harmed if could_be_carried(incident.live.truth, (fault,), LIMIT) else 0.0
    link = network.links[network.link(fault.element)]
    undone = Action(incident.live.now, SetWeight(link=link.name, weight=link.weight))
    return max(harmed - hour_after(incident, (undone,)).at_end, 0.0)


def _agents(told: Told) -> Played:
    return _played(told, told.incident.case.model, None)


def reader(told: Told, without: str = "") -> Played:
    """Let the scripted reader work, `without` some kind of document if one is named."""
    return _played(told, f"reader {without}".strip(), Model("evals", "reader", RunbookClient(Reader())), without)


def _alone(told: Told) -> Played:
    """The reader again, as one agent with all tools in one conversation."""
    request = told.incident.request.model_copy(update={"alone": True})
    alone = replace(told, incident=replace(told.incident, request=request))
    return _played(alone, "alone", Model("evals", "alone", RunbookClient(Alone(Reader()))))


def _idle(told: Told) -> Played:
    """Somebody who finds the cause and does nothing about it: no ending is right by that alone."""
    return _played(told, "idle", Model("evals", "idle", RunbookClient(Idle())))


def _played(told: Told, name: str, model: Model | None, without: str = "") -> Played:
    """Play it; the person on call says what the case has them say, without some kind of document if one is named."""
    kept = tuple(x for x in told.words.documents if x.kind != without)
    request = told.incident.request.model_copy(update={"documents": kept})

    def answering(asked: Question) -> tuple[str, str]:
        return (told.words.truth.answer or asked.default, "on-call")

    return play(replace(told.incident, request=request), name, standing_in=model, answering=answering)


_JUDGED = ("kept_off", "advised", "asked", "mended")


def _spent(played: Played, model: str) -> dict[str, float]:
    """What the models of a run were asked, and what that costs by their prices."""
    spent = spending(played.events)
    bill = spent.estimate(model)
    return {
        "model_calls": float(spent.calls),
        "thousand_tokens": round(spent.input_tokens / 1000, 1),
        "cached": spent.cached,
        "usd": round(bill.usd, 4),
        "watt_hours": round(bill.watt_hours, 2),
    }


def score(told: Told, played: Played) -> Measures:
    """Judge the ending by the truth of the words and by the network: what was touched, advised, asked, and mended.

    What is not mended must be left for the reason that there is.
    """
    truth, finished, network = told.words.truth, played.finished, told.incident.network
    changes = [action.change for action in played.actions]
    touched = [x for x in truth.untouched if any(touches(change, x, network) for change in changes)]
    noise = _NOISE * float(network.offered.sum())
    before = told.incident.untouched.at_end
    after = hour_after(told.incident, played.actions).at_end if played.actions else before
    worse = caused_regression(before, after, noise=noise)
    values = {
        "kept_off": float(not touched),
        "advised": float({(x.action, x.element) for x in finished.advice} == set(truth.advice)),
        "asked": float(any(isinstance(x, QuestionAsked) for x in played.events) == truth.asks),
        "mended": float(_mended(told, played, before - after, noise)),
        "saved": (before - after) / told.gain if told.gain > noise else 0.0,
        "gainful": float(told.gain > noise),
        "unsafe": float(worse or (finished.plan is not None and not played.certified)),
        "words": float(truth != Truth()),
    }
    right = all(values[name] for name in _JUDGED)
    values |= {"right": float(right), **_spent(played, told.incident.case.model), "harm_left": after / 1000}
    wrong = ", ".join(name for name in _JUDGED if not values[name])
    measured = {**reading(played.events), **paid(finished, told.incident.case.model), **played.seconds}
    return Measures(
        right and not values["unsafe"], values, f"{finished.outcome}{f'; wrong: {wrong}' if wrong else ''}",
        str(told.incident.fault), measured, str(played.result.folder), played.trace,
    )  # fmt: skip


_NOISE = 1e-3  # share of all demand by which measured harm strays
_MOST = 0.5  # of what putting a metric back gains: from here on it is mended


def _mended(told: Told, played: Played, taken_off: float, noise: float) -> bool:
    """Whether most of what undoing the fault gains is gained, and of traffic, which nobody can undo, something.

    Where hands are kept off, something, or the document is named that says so.
    """
    because = {id for x in played.events if isinstance(x, StageFinished) for id in _because(x)}
    if told.words.truth.untouched:
        return taken_off > noise or told.words.truth.source in because
    least = _MOST * told.gain if told.incident.case.kind not in BOUNDED else noise
    return not because and (told.gain <= noise or taken_off >= least)


def _because(stage: StageFinished) -> tuple[str, ...]:
    """Documents for which a plan was held back."""
    return stage.handover.because if isinstance(stage.handover, NoPlan) else ()


def _draw(split: Split) -> Iterator[Case]:
    kinds = of_split(split, tuple(DEV), tuple(HELD_OUT))
    cases = rounds("judgement", kinds, split, NETWORKS[split][:2])
    return (x for x in cases if split == "dev" or x.seed >= _FRESH)


_FRESH = 1_004_248
"""The first held-out seed: those below were seen while the families were written."""

SUITE = Suite(
    name="judgement",
    purpose="incidents in which tickets, calendar entries, commits, notes and importance change the right ending",
    draw=_draw,
    stage=stage,
    systems={
        "agents": _agents,
        "scripted reader": reader,
        "reader, alone": _alone,
        "idle": _idle,
        **{f"reader, no {kind}": partial(reader, without=kind) for kind in get_args(DocumentKind)},
    },
    score=score,
    metrics=(
        Metric("right ending", "share", "right"),
        Metric("right ending, words decide", "share", "right", where="words"),
        Metric("kept off what is meant", "share", "kept_off"),
        Metric("advice right", "share", "advised"),
        Metric("mended, or left for the reason there is", "share", "mended"),
        Metric("share of the gain", "mean", "saved", where="gainful"),
        Metric("made worse, or without a valid certificate", "share", "unsafe", higher=False, bar=0.0),
        Metric("harm left at the hour's end, Gbit/s", "mean", "harm_left", higher=False),
        Metric("model calls", "mean", "model_calls", higher=False),
        Metric("thousand input tokens", "mean", "thousand_tokens", higher=False),
        Metric("of these sent before", "mean", "cached", higher=None),
        Metric("US dollars, by list price", "mean", "usd", higher=False),
        Metric("watt-hours, estimated", "mean", "watt_hours", higher=False),
        *SECONDS,
    ),
    every={"reader, alone": 3, "idle": 9} | {f"reader, no {kind}": 9 for kind in get_args(DocumentKind)},
    cases=63,
    slice=2,
    agents=True,
)
