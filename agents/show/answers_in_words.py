# ruff: noqa: E501 (a sentence reads best on one line)
"""Answers to questions about a network: every figure is a tool's, and every sentence is held against the figures.

A written question names the tool; a model chooses it itself, with the same tools and no others.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from pydantic import BaseModel, JsonValue

from agents.goals.questions import Inquiry
from agents.record.claims import Claim, KnownFigures, claims_of
from agents.wording import counted, mbps, milliseconds, share, short, stated, written
from tools.box.handover import Role
from tools.box.registry import ToolAnswer, Toolbox
from tools.box.run_state import ReadSide, RunState
from tools.questions import (
    QUESTIONS,
    BusiestLinks,
    GrowthFigures,
    Headroom,
    PathAnswer,
    PowerUse,
    WorstFailures,
)
from tools.whatif import StateFigures, WhatIf, WorstFailure
from twin.errors import InputError
from twin.live.declared import Declaration
from twin.live.network import Telemetry
from twin.model import Frozen, Network
from twin.policy import Policy
from twin.printed import utc
from twin.study.failures import FailureCase, GrowthCase
from twin.study.window import Window

RIGHTS: Mapping[Role, frozenset[str]] = {"analyst": frozenset(tool.name for tool in QUESTIONS)}


class Unmeasured:
    """A network that is only known as configured, under its own demands, and by the day it declares."""

    def __init__(self, network: Network, now: datetime, day: tuple[float, ...]) -> None:
        self._network, self._now, self._day = network, now, day

    @property
    def declared(self) -> Declaration:
        """Its day, if it declares one."""
        return Declaration(day=self._day)

    @property
    def now(self) -> datetime:
        """When it is asked."""
        return self._now

    def read_topology(self) -> Network:
        """Return the network as it is configured."""
        return self._network

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Raise `InputError`: nothing was measured."""
        raise InputError(f"nothing has been measured since {utc(since)}", fix="ask about the network as configured")


class Called(Frozen):
    """One call that an answer rests on."""

    tool: str
    arguments: dict[str, JsonValue]
    result: JsonValue


class Reply(NamedTuple):
    """An answer: its sentences, the calls that they rest on, and the numbers in them that no call gave."""

    sentences: tuple[str, ...]
    calls: tuple[Called, ...]
    unsupported: tuple[Claim, ...]
    claims: int

    def document(self, question: str) -> dict[str, JsonValue]:
        """The answer for a program."""
        return {
            "question": question,
            "answer": list(self.sentences),
            "calls": [call.model_dump(mode="json") for call in self.calls],
            "claims": self.claims,
            "unsupported": [claim.model_dump(mode="json") for claim in self.unsupported],
        }


def run_state_for(
    network: Network, policy: Policy, now: datetime, *, planned: Network | None = None, day: tuple[float, ...] = ()
) -> RunState:
    """Make the state of a run in which nothing is measured and the believed state is the network itself.

    `planned` carries the planned traffic where `network` carries another one; `day` is the day it declares, if any.
    """
    inventory = planned or network
    run_state = RunState(inventory=inventory, policy=policy, live=ReadSide(Unmeasured(inventory, now, day)), since=now)
    run_state.state = network
    return run_state


def answer(inquiry: Inquiry, run_state: RunState) -> Reply:
    """Answer a question that was read. Raises `InputError` when a tool refuses what was asked."""
    return asyncio.run(_answer(inquiry, run_state))


async def _answer(inquiry: Inquiry, run_state: RunState) -> Reply:
    toolbox = Toolbox(run_state, QUESTIONS, RIGHTS)
    given = cast(JsonValue, inquiry.arguments)
    result = _result(await toolbox.call("analyst", inquiry.tool, given, call_id="question"))
    call = Called(tool=inquiry.tool, arguments=inquiry.arguments, result=result.model_dump(mode="json"))
    return checked([*worded(result, inquiry, run_state.policy)], [call], run_state.policy)


def checked(sentences: Sequence[str], calls: Sequence[Called], policy: Policy) -> Reply:
    """Hold the sentences of an answer against its calls."""
    figures = KnownFigures()
    figures.add_result(policy.model_dump(mode="json", include={"max_utilisation", "max_failure_utilisation"}))
    for call in calls:
        figures.add_result(call.result)
        figures.add_result(cast(JsonValue, call.arguments))
        factor = call.arguments.get("factor")
        if isinstance(factor, int | float):
            figures.add_text(f"{abs(factor - 1) * 100:.6g} %")
    claims = [claim for text in sentences for claim in claims_of(text, "answer", figures)]
    return Reply(tuple(sentences), tuple(calls), tuple(x for x in claims if not x.supported), len(claims))


def _result(answered: ToolAnswer) -> BaseModel:
    if answered.ok and answered.value is not None:
        return answered.value
    said = json.loads(answered.content)
    raise InputError(said.get("message", "the question has no answer"), fix=said.get("fix", ""))


def worded(result: BaseModel, inquiry: Inquiry, policy: Policy) -> Iterator[str]:
    """Say what a tool found, in sentences for an operator."""
    match result:
        case WhatIf():
            yield from _what_if(result, inquiry)
        case WorstFailures():
            yield from _worst(result)
        case GrowthFigures():
            yield from _growth(result, policy)
        case Headroom():
            yield f"With everything up, {_room(result.intact)}."
            yield f"Under every single failure too, {_room(result.under_failures)}."
        case PathAnswer():
            yield from _path(result)
        case BusiestLinks():
            yield from _busiest(result, inquiry)
        case PowerUse():
            yield from _power(result)
        case Window():
            yield from _window(result, inquiry)
        case _:
            raise InputError("there are no words for that answer", fix="read it with --json")


def _named(elements: Sequence[str]) -> str:
    return " and ".join(short(x) for x in elements)


def _what_if(result: WhatIf, inquiry: Inquiry) -> Iterator[str]:
    verb = "drained" if inquiry.subject == "drain" else "down"
    before, after = result.before, result.after
    yield f"With {_named(inquiry.what)} {verb}, {_state(after)}; before, {_state(before)}."
    if after.lost:
        yield f"{mbps(after.lost)} of demand have no path left."
    if after.severed:
        yield f"{mbps(after.severed)} start or end at what is down, which no plan can carry."
    if after.harm > after.lost:
        yield f"{mbps(after.harm)} are lost or above the limit in all."
    moved = [x for x in result.moved_most if x.after > x.before][:3]
    if moved:
        rows = ", ".join(f"{x.link} from {share(x.before)} to {share(x.after)}" for x in moved)
        yield f"Loads rise most on {rows}."


def _state(state: StateFigures) -> str:
    return f"the busiest link is {state.busiest or 'none'} at {share(state.max_utilisation)}"


def _worst(result: WorstFailures) -> Iterator[str]:
    yield f"{counted(result.studied, 'failures')} simulated; with everything up the busiest link is at {share(result.intact_max_utilisation)}."
    for number, case in enumerate(result.failures, start=1):
        busiest = f"{case.busiest} at {share(case.max_utilisation)}" if case.busiest else "no link carries traffic"
        yield f"({number}) {short(case.failure)}: {busiest}{_hurt(case)}."


def _hurt(case: FailureCase | WorstFailure) -> str:
    """What failures are ordered by: traffic cut off, and above capacity."""
    cut = f", {mbps(case.lost)} cut off" if case.lost else ""
    return f"{cut}, {mbps(case.overload)} above capacity" if case.overload else cut


def _hurts_most(worst: WorstFailure) -> str:
    peak = share(worst.max_utilisation)
    return f"The single failure that then hurts most is of {short(worst.failure)}: a link at {peak}{_hurt(worst)}"


def _growth(result: GrowthFigures, policy: Policy) -> Iterator[str]:
    more = "more" if result.factor >= 1 else "less"
    yield f"With {abs(result.factor - 1) * 100:.6g} % {more} traffic, {_state(result.after)}; before, {_state(result.before)}."
    fits = result.after.harm <= 0
    harm = f"{mbps(result.after.harm)} are lost or above the limit of {stated(policy.max_utilisation)}"
    yield "Everything is carried within the limits." if fits else f"{harm}."
    if result.worst_failure is not None:
        yield f"{_hurts_most(result.worst_failure)}."


def _room(case: GrowthCase) -> str:
    if case.factor is None:
        return "traffic may grow without end"
    failure = f" when {short(case.failure)} fails" if case.failure else ""
    room = (
        f"traffic may grow to {written(case.factor, 4)}"
        if case.factor >= 1
        else f"there is room for no more than {written(case.factor, 4)}"
    )
    return f"{room} times what it is; then {case.link} reaches {stated(case.limit)}{failure}"


def _path(result: PathAnswer) -> Iterator[str]:
    if not result.reachable:
        yield f"There is no path from {result.source} to {result.target}."
        return
    yield (
        f"{result.source} reaches {result.target} by {' > '.join(result.path)}, {result.hops} "
        f"{'hop' if result.hops == 1 else 'hops'}; the mean one-way delay is {milliseconds(result.delay_ms)}."
    )
    split = [x for x in result.links if x.share < 1]
    if split:
        yield f"The traffic is split: {len(result.links)} links carry some of it."
    fullest = max(result.links, key=lambda x: x.utilisation)
    yield f"{mbps(result.demand_mbps)} are offered; the fullest link on the way is {fullest.link} at {share(fullest.utilisation)}."


def _busiest(result: BusiestLinks, inquiry: Inquiry) -> Iterator[str]:
    if not inquiry.what:
        yield (
            f"{counted(result.nodes, 'nodes')}, {counted(result.circuits, 'circuits')} and {mbps(result.offered)} of demand; "
            f"links are {share(result.mean_utilisation)} full on average."
        )
    for case in result.links:
        failure = f" when {short(case.worst_failure)} fails" if case.worst_failure else ""
        yield f"{case.link} is at {share(case.utilisation)}, and at worst at {share(case.worst_utilisation)}{failure}."


def _power(result: PowerUse) -> Iterator[str]:
    yield f"The network draws {_watts(result.watts)}, by the measured power model {result.model}."
    if result.watts_asleep is None or result.saved_watts is None or result.after is None:
        return
    yield f"With {_named(result.asleep)} asleep it draws {_watts(result.watts_asleep)}: {_watts(result.saved_watts)} less."
    if result.plugged_watts:
        yield f"Their transceivers go on drawing {_watts(result.plugged_watts)} unless somebody takes them out."
    yield f"Then {_state(result.after)}; before, {_state(result.before)}."
    if result.after.lost:
        yield f"{mbps(result.after.lost)} of demand have no path left."
    if result.worst_failure is not None:
        yield f"{_hurts_most(result.worst_failure)}."


def _watts(value: float) -> str:
    return f"{written(value / 1000, 4)} kW" if value >= 10_000 else f"{written(value, 4)} W"


def _window(result: Window, inquiry: Inquiry) -> Iterator[str]:
    worst = max(result.hours, key=lambda hour: hour.next_failure_utilisation)
    fullest = max(result.hours, key=lambda hour: hour.during)
    verdict = "keeps the limits in every hour, the next failure included" if result.safe else "breaks the limits"
    yield f"Draining {_named(inquiry.what)} in that window {verdict}."
    yield f"The busiest link then is {fullest.busiest or 'none'} at {share(fullest.during)}."
    if worst.next_failure is not None:
        yield f"The next failure that hurts most is {short(worst.next_failure)}: a link at {share(worst.next_failure_utilisation)}."
    if not result.safe and result.quietest is not None:
        yield f"A window of this length that keeps them starts at {result.quietest:02}:00 local time."
    if all(hour.traffic == 1 for hour in result.hours):
        yield "No day is declared: every hour counts as carrying what is planned, or what is carried now where that is more."
