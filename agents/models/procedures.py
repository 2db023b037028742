"""The operating procedures, one per role: which tool next, by the values in the answers so far."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from twin.faults import TRAITS, FaultKind, label
from twin.printed import mbps, percent, place, short

from .conversation import Call, Conversation, Json, Move, Say, Together, items, number, text

Procedure = Callable[[Conversation], Move]


def monitoring(talk: Conversation) -> Move:
    """Look at the network and its data, list what is not as it should be, read the logs if something is, and report."""
    if first := _new(talk, "network_status", "data_quality", "list_symptoms"):
        return first
    symptoms = items(talk.answer("list_symptoms"), "symptoms")
    if symptoms and (more := _new(talk, "list_anomalies", "read_events")):
        return more
    if talk.offers("report_incident"):
        return Call("report_incident", {"explanation": _incident(talk, symptoms)})
    return _close(talk, "report_incident", "Reported what the telemetry shows.")


def diagnosis(talk: Conversation) -> Move:
    """Rank the causes; where a measurement tells the likeliest apart, take it and rank again; report the best."""
    if talk.offers("rank_causes"):
        return Call("rank_causes", {})
    causes = items(talk.answer("rank_causes"), "causes")
    if talk.answer("rank_causes").get("measurable") is True and talk.offers("measure"):
        return Call("measure", {})
    if talk.answer("measure").get("taken") is True and talk.exchanges[-1].tool == "measure":
        return Call("rank_causes", {})
    if causes and talk.offers("report_diagnosis"):
        return Call("report_diagnosis", {"rank": 1, "explanation": _cause(talk, causes)})
    return _close(talk, "report_diagnosis", "Reported the cause that explains the measurements best.")


def planning(talk: Conversation) -> Move:
    """Have the optimisers propose, rehearse the best candidate, and submit it; or report that there is none.

    In a later round what decides nothing is left out: the gate rehearses every step and failure anyway.
    """
    if talk.offers("propose_plans"):
        return Call("propose_plans", {})
    useful = [
        x for x in items(talk.answer("propose_plans"), "candidates") if _gain(x) > 0 or x.get("serves_goal") is True
    ]
    if not useful:
        return _no_plan(talk)
    best = min(useful, key=_preference)
    handle = text(best, "handle")
    if talk.offers("simulate_plan") and number(talk.answer("propose_plans"), "round") <= 1:
        return Call("simulate_plan", {"plan": handle})
    if talk.offers("submit_plan"):
        return Call("submit_plan", {"plan": handle, "explanation": _plan(best, len(useful))})
    return _close(talk, "submit_plan", "Submitted the plan that leaves the least harm.")


def verification(talk: Conversation) -> Move:
    """Have the gate judge the plan; probe one of the first round that passed with its busiest circuit down; decide."""
    if talk.offers("verify_plan"):
        return Call("verify_plan", {})
    verdict = talk.answer("verify_plan")
    passed = verdict.get("passed") is True
    first = not re.match(r"r([2-9]|\d\d)", text(verdict, "handle"))
    if passed and first and talk.offers("what_if") and text(verdict, "busiest_circuit"):
        return Call("what_if", {"plan": text(verdict, "handle"), "fail": [text(verdict, "busiest_circuit")]})
    if talk.offers("decide"):
        reasons = _approval(talk, verdict) if passed else _rejection(talk, verdict)
        return Call("decide", {"decision": "approve" if passed else "reject", "reasons": reasons})
    return _close(talk, "decide", "Decided as the gate found.")


PROCEDURES: Mapping[str, Procedure] = MappingProxyType(
    {
        "report_incident": monitoring,
        "report_diagnosis": diagnosis,
        "submit_plan": planning,
        "decide": verification,
    }
)


def _new(talk: Conversation, *tools: str) -> Together | None:
    calls = tuple(Call(tool, {}) for tool in tools if talk.offers(tool))
    return Together(calls) if calls else None


def _close(talk: Conversation, tool: str, words: str) -> Say:
    error = talk.error(tool)
    return Say(f"I could not conclude: {error}" if error else words)


def _no_plan(talk: Conversation) -> Move:
    if not talk.offers("report_no_plan"):
        return _close(talk, "report_no_plan", "Reported that no plan helps.")
    found = items(talk.answer("propose_plans"), "without_plan")
    reasons = "; ".join(f"{text(x, 'method')}: {text(x, 'reason')}" for x in found)
    return Call("report_no_plan", {"explanation": f"No optimiser found a plan that lowers the harm. {reasons}"[:1_000]})


def _pair(candidate: Mapping[str, JsonValue], key: str) -> tuple[float, float]:
    found = candidate.get(key)
    before, after = found if isinstance(found, list) and len(found) == 2 else (0, 0)
    return (
        float(before) if isinstance(before, int | float) else 0.0,
        float(after) if isinstance(after, int | float) else 0.0,
    )


def _gain(candidate: Json) -> float:
    (harm, left), (peak, lowered) = _pair(candidate, "harm"), _pair(candidate, "max_utilisation")
    return harm - left if harm > left else (peak - lowered if harm == left else 0.0)


def _preference(candidate: Json) -> tuple[float, float]:
    """Of candidates that leave as little harm, the one that the planners name first is taken.

    Where somebody asked for it, one of the fewest steps.
    """
    asked_for = candidate.get("serves_goal") is True
    return round(_pair(candidate, "harm")[1], 3), number(candidate, "steps") if asked_for else 0.0


def _incident(talk: Conversation, symptoms: list[Json]) -> str:
    status = talk.answer("network_status")
    fullest = f"The busiest link is {text(status, 'busiest')} at {percent(number(status, 'max_utilisation'))}."
    if not symptoms:
        return f"Nothing is measured that the network as configured does not explain. {fullest}"
    first = "; ".join(text(x, "detail") for x in symptoms[:3])
    harm = f"{mbps(number(status, 'harm'))} are harmed."
    severe = int(number(talk.answer("read_events"), "severe"))
    words = f"{len(symptoms)} symptoms: {first}. {harm} {fullest} {severe} severe log lines in that time."
    return f"{_incidents(talk)}{words}"[:1_000]


def _incidents(talk: Conversation) -> str:
    """How many incidents the symptoms are, where they don't all belong to one."""
    found = items(talk.answer("list_symptoms"), "incidents")
    if len(found) < 2:
        return ""
    return f"{len(found)} incidents, likely at {', '.join(short(text(x, 'source')) for x in found[:3])}. "


def _cause(talk: Conversation, causes: list[Json]) -> str:
    best, answer = causes[0], talk.answer("rank_causes")
    words = f"{_named(best)} explains the measurements best: probability {percent(number(best, 'probability'))}"
    if len(causes) > 1:
        words += f"; the runner-up is {_named(causes[1])} with {percent(number(causes[1], 'probability'))}"
    doubt = [f"It is no sure answer: {text(answer, 'doubt')}."] if text(answer, "doubt") else []
    return " ".join([f"{words}.", *doubt, *map(_precedent, items(answer, "precedents")[:1])])[:1_100]


def _precedent(past: Json) -> str:
    cause, outcome = text(past, "cause") or "no fault", text(past, "outcome")
    return f"Precedent: {text(past, 'run')} looked {percent(number(past, 'likeness'))} alike: {cause}, {outcome}."


def _named(cause: Json) -> str:
    fault = cause.get("fault")
    if not isinstance(fault, dict):
        return "no fault"
    kind = text(fault, "kind")
    return f"{label(FaultKind(kind)) if kind in TRAITS else kind} ({place(text(fault, 'element'))})"


def _plan(best: Json, count: int) -> str:
    (harm, left), (peak, lowered) = _pair(best, "harm"), _pair(best, "max_utilisation")
    steps = int(number(best, "steps"))
    choice = f"leaves the least harm of {count} candidates" if count > 1 else "is the only candidate"
    return (
        f"{text(best, 'method')} {choice}: harm from {mbps(harm)} to {mbps(left)} and the peak from {percent(peak)} to "
        f"{percent(lowered)} in {steps} {'step' if steps == 1 else 'steps'}."
    )


def _approval(talk: Conversation, verdict: Json) -> str:
    telling = [x for x in items(verdict, "checks") if text(x, "name") in ("useful", "survivable")]
    figures = "; ".join(f"{text(x, 'name')}: {text(x, 'detail')}" for x in telling)
    after = talk.answer("what_if").get("after")
    if not isinstance(after, dict):
        return f"All checks passed; {figures}."[:1_000]
    peak = percent(number(after, "max_utilisation"))
    probe = f"If {short(text(verdict, 'busiest_circuit'))} fails too, the peak is {peak}."
    return f"All checks passed; {figures}. {probe}"[:1_000]


def _rejection(talk: Conversation, verdict: Json) -> str:
    failed = [x for x in items(verdict, "checks") if x.get("passed") is False]
    if not failed:
        return f"There is no verdict: {talk.error('verify_plan') or 'the gate gave none'}."
    return "; ".join(f"{text(x, 'name')}: {text(x, 'detail')}" for x in failed)[:1_000]
