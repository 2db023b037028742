"""Models that behave as nobody would list it, over both wires: the run ends with its record, and nothing is unsafe."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from agents.models import Model
from agents.models.answer import WORDS
from agents.models.openai import make_client
from agents.models.runbook import RunbookClient
from agents.record.events import (
    CertificateIssued,
    ChatAnswered,
    ExecutionStep,
    Noted,
    RunFinished,
    ToolReturned,
    VerdictReached,
)
from agents.run.replay import replay_run
from tests.agents.incidents import Run, perform, request
from tests.agents.models import chat_completions as chat
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import Json, Loopback, Reply, loopback
from tests.agents.models.provider_faults import KEY, QUICK, claude
from tools.box.handover import Role
from twin.documents import Document

PAPER = Document(
    id="INC-1", kind="ticket", element="node/IPLSng", author="ana", time=datetime(2026, 3, 2, tzinfo=UTC), text="Slow."
)
CYRILLIC = "link/IРLSng:KSCYng--KSCYng:IРLSng"  # noqa: RUF001 (an R that is none)
FOREIGN = [{"op": "set_weight", "link": "Berlin->Hamburg", "weight": 5}, {"op": "drain_node", "node": "DNVRng "}]
ABSURD = [{"op": "set_weight", "link": "IPLSng->KSCYng", "weight": -1}]


def explained(**arguments: object) -> Json:
    return {**arguments, "explanation": "So."}


class Odd(NamedTuple):
    """One answer: words, and calls by name with their arguments as text."""

    words: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def calls(*made: tuple[str, Json | str]) -> Odd:
    return Odd("", tuple((name, x if isinstance(x, str) else json.dumps(x)) for name, x in made))


APPROVE: Json = {"decision": "approve", "reasons": "Fine."}
ODD: Mapping[Role, tuple[Odd | None, ...]] = {
    "monitoring": (
        Odd("so be it " * 120_000),
        Odd(""),
        None,
        calls((" network status ", {})),
        None,
        calls(("list_symptoms", {"offset": "0"})),
        calls(*(("read_events", {"offset": n}) for n in range(500))),
        calls(("report_incident", explained()), ("report_incident", {"explanation": ""}), ("list_symptoms", {})),
    ),
    "diagnosis": (
        calls(("what_if", {"fail": [CYRILLIC]}), ("element_status", {"element": CYRILLIC})),
        calls(("report_diagnosis", '{"rank": 1e400, "explanation": "x"}')),
        None,
        calls(("explain", {"subject": "sql\n"}), ("explain", {"subject": "decide"}), ("sql", {"query": "DROP"})),
        calls(*(("ask_operator", {"question": f"{n}?", "choices": ["a", "b"], "default": "a"}) for n in range(6))),
        calls(("recommend", {"action": "repair", "element": "node/Nowhere", "why": "x"}), ("rank_causes", {"x": "1"})),
        calls(("report_diagnosis", explained(rank="1")), ("report_diagnosis", explained(rank="first"))),
    ),
    "planning": (
        calls(*(("submit_changes", {"changes": x, "why": "Because."}) for x in (FOREIGN, ABSURD))),
        None,
        calls(("compose_plan", {"parts": ["r1-none:1", "r1-none:99"]}), ("submit_plan", explained(plan="r9-none"))),
        calls(("propose_plans", "{}"), ("propose_plans", ""), ("explain", {"subject": "submit_changes"})),
        calls(("report_no_plan", explained(because=["INC-9"])), ("report_no_plan", explained(because="INC-1"))),
        calls(("report_no_plan", explained(because=["INC-1"])), ("submit_plan", explained(plan="r1-restore"))),
    ),
    "verification": (
        calls(("decide", {"decision": "APPROVE", "reasons": "x"}), ("decide", {"decision": "approve"})),
        Odd('{"name": "decide", "arguments": {"decision": "approve", "reasons": ""}}'),
        calls(("verify_plan", {"policy": {"max_utilisation": 9}}), ("demand_failures", {"sets": [["node/IPLSng"]]})),
        calls(("demand_failures", {"sets": [[CYRILLIC]]}), ("demand_failures", {"sets": "node/IPLSng"})),
        calls(("execute_plan", {}), ("decide", APPROVE)),
        calls(("decide", APPROVE)),
    ),
}  # fmt: skip
"""What each role says, in order, and the runbook where nothing stands. An answer that cannot be acted on is asked for
once more: what follows it is that answer."""


class Oddly:
    """Says what stands in `ODD`, and else what the runbook does."""

    def __init__(self, said: Callable[[Odd, int], Reply], runbook: Callable[[Json], Reply]) -> None:
        self._said, self._runbook, self.asked = said, runbook, Counter[Role]()

    def __call__(self, body: Json) -> Reply:
        role = _role(body)
        turn, self.asked[role] = self.asked[role], self.asked[role] + 1
        odd = ODD[role][turn] if turn < len(ODD[role]) else None
        return self._runbook(body) if odd is None else self._said(odd, sum(self.asked.values()))


def _role(body: Json) -> Role:
    names = {x["name"] if "name" in x else x["function"]["name"] for x in body["tools"]}
    concluding: Mapping[str, Role] = {
        "report_incident": "monitoring", "report_diagnosis": "diagnosis", "submit_plan": "planning",
        "decide": "verification",
    }  # fmt: skip
    return next(role for tool, role in concluding.items() if tool in names)


def in_messages(odd: Odd, number: int) -> Reply:
    words = [api.text(odd.words)] if odd.words else []
    return api.say(*words, *(api.use(n, x, f"toolu_odd_{number}_{i}") for i, (n, x) in enumerate(odd.calls)))


def in_completions(odd: Odd, number: int) -> Reply:
    if not odd.calls:
        return chat.reply(chat.said(odd.words))
    return chat.reply(chat.called([chat.call(n, x, f"odd_{number}_{i}") for i, (n, x) in enumerate(odd.calls)]))


def local(server: Loopback) -> Model:
    client = make_client("local-1", QUICK, {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.address})
    return Model("openai", "local-1", client, RunbookClient())


WIRES = {"messages": (in_messages, api.runbook, claude), "completions": (in_completions, chat.runbook, local)}


@pytest.mark.parametrize("wire", WIRES)
def test_whatever_a_model_says_the_run_ends_with_its_record_and_only_what_the_gate_passed_is_made(
    wire: str, tmp_path: Path
):
    said, runbook, model = WIRES[wire]
    script = Oddly(said, runbook)
    with loopback(script) as server:
        run = perform(
            tmp_path, request(documents=(PAPER,)), model=model(server), answering=lambda x: (x.default, "ana")
        )
    assert all(script.asked[role] >= len(odd) for role, odd in ODD.items())
    assert (run.result.finished.outcome, run.result.error) == ("resolved", None)
    assert isinstance(run.events[-1], RunFinished)
    assert made(run) == certified(run) != []
    assert run.result.finished.advice == ()
    assert "\n" not in run.result.finished.because
    refused = {x.error for x in run.of(ToolReturned) if not x.ok}
    assert refused <= {"input", "refused", "unknown-element"}
    assert max(len(x.text) for x in run.of(ChatAnswered)) <= WORDS
    assert not [x.text for x in run.of(Noted) if "the runbook goes on" in x.text]
    replayed = asyncio.run(replay_run(run.result.folder))
    assert replayed.same, replayed.difference


def made(run: Run) -> list[object]:
    return [x.change for x in run.of(ExecutionStep) if x.action == "apply"]


def certified(run: Run) -> list[object]:
    """The steps of the plan that was certified, which had passed; none where none was."""
    issued = run.of(CertificateIssued)
    if not issued:
        return []
    passed = [x for x in run.of(VerdictReached) if x.passed and x.plan.hash == issued[-1].plan]
    assert passed
    return list(passed[-1].plan.steps)
