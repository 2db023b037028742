"""`twinops diff`, and `twinops verify --from A --to B`: what a change that somebody already has does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from rich.console import RenderableType

from agents.wording import sentence
from twin.difference import StateDifference, difference
from twin.errors import InputError
from twin.formats.build import Choices
from twin.formats.load import load_reading
from twin.gate.order import safe_order
from twin.gate.verdict import Verdict, verify
from twin.model import Network
from twin.plan import MAX_STEPS, Plan, way_back
from twin.policy import Policy
from twin.untrusted import one_line

from .answer import OK, REJECTED, Answer, Verbatim
from .tables import text_table, verdict_table
from .verdict_formats import as_junit, as_markdown

Format = Literal["text", "markdown", "junit"]


def compare(before: str, after: str, choices: Choices | None = None) -> Answer:
    """Say what leads from one network to another: typed changes, and what none of them can express."""
    was, becomes = (load_reading(name, choices).network for name in (before, after))
    found = difference(was, becomes)
    document: dict[str, JsonValue] = {
        "from": was.id,
        "to": becomes.id,
        "changes": [change.model_dump(mode="json") for change in found.changes],
        "others": list(found.others),
    }
    return Answer(document, _listed(found))


def judge_change(
    before: str,
    after: str,
    policy: Policy,
    *,
    traffic: Path | None = None,
    output: Path | None = None,
    form: Format = "text",
) -> Answer:
    """Order the steps from one network to another safely, and let the gate judge them; the code says whether they pass.

    What no step can express is listed; where it decides routing, the change is not wholly judged and does not pass.
    Raises `InputError` when there are more steps than a plan may have.
    """
    read, to_be = load_reading(before), load_reading(after)
    was, becomes = read.network, to_be.network
    unmodelled = tuple(dict.fromkeys((*read.account.unmodelled_routing, *to_be.account.unmodelled_routing)))
    if traffic is not None:
        from twin.formats import read_traffic

        was = was.with_demands(read_traffic(traffic, was, read.names).peak)
    found = difference(was, becomes)
    if not found.changes:
        return Answer(
            {"passed": not found.others, "others": list(found.others)}, _listed(found), _code(found, safe=True)
        )
    if len(found.changes) > MAX_STEPS:
        raise InputError(
            f"{len(found.changes)} changes are more than one plan holds", fix=f"change {MAX_STEPS} at a time"
        )
    goal = f"from {Path(before).name} to {Path(after).name}"
    plan = Plan(goal=one_line(goal, 300), base=was.id, steps=found.changes, objective="change")
    plan = safe_order(plan, was, policy).plan or plan
    verdict = verify(plan, was, policy, unmodelled=unmodelled, estimated=read.account.estimated_traffic)
    if output is not None:
        from twin.formats import write_plan

        write_plan(plan, output, was)
    return _with_verdict(was, plan, verdict, found, form)


def _with_verdict(network: Network, plan: Plan, verdict: Verdict, found: StateDifference, form: Format) -> Answer:
    safe = verdict.passed and not _unjudged(found)
    document: dict[str, JsonValue] = {
        "passed": safe,
        "plan": plan.model_dump(mode="json"),
        "hash": plan.hash,
        "way_back": [change.model_dump(mode="json") for change in way_back(network, plan.steps)],
        "verdict": {"passed": verdict.passed, **verdict.model_dump(mode="json")},
        "others": list(found.others),
    }
    steps = [sentence(change) for change in plan.steps]
    match form:
        case "markdown":
            text: list[RenderableType | Verbatim] = [Verbatim(as_markdown(verdict, steps, found.others, passed=safe))]
        case "junit":
            text = [Verbatim(as_junit(verdict, _unjudged(found)))]
        case "text":
            rows = [(str(number), step) for number, step in enumerate(steps, start=1)]
            text = [text_table(("step>", "change"), rows), verdict_table(verdict), *_others(found)]
            text.append(f"plan {plan.hash} on snapshot {plan.base}: {'safe' if safe else 'rejected'}")
    return Answer(document, text, _code(found, safe=verdict.passed))


def _unjudged(found: StateDifference) -> tuple[str, ...]:
    """What decides routing and no step expresses: elements that come or go, and states."""
    return tuple(text for text in found.others if not text.startswith(("traffic is", "the delay of")))


def _code(found: StateDifference, *, safe: bool) -> int:
    return OK if safe and not _unjudged(found) else REJECTED


def _listed(found: StateDifference) -> Iterator[RenderableType]:
    if found.changes:
        rows = [(change.op.replace("_", " "), sentence(change)) for change in found.changes]
        yield text_table(("kind", "change"), rows)
    else:
        yield "no change of configuration"
    yield from _others(found)


def _others(found: StateDifference) -> Iterator[RenderableType]:
    for text in found.others:
        yield f"not a step: {one_line(text, 400)}"
