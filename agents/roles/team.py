"""The four roles as AutoGen agents: model, tools and words joined; nothing else tells them apart."""

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken

from tools.box.handover import Role
from tools.box.pictures import MOST_TOKENS, SHOWN_PICTURES
from tools.box.registry import Toolbox
from tools.box.tracing import agent_span, plan_span, told
from twin.errors import BudgetError

from .chat import RoleClient, Session
from .context import SMALL, TOKENS, ConversationWindow
from .contracts import FOR_EYES, Contract
from .workbench import RoleWorkbench

Team = Mapping[Role, "Specialist"]


@dataclass(frozen=True)
class Specialist:
    """One role at work, with its conversation."""

    contract: Contract
    agent: AssistantAgent
    client: RoleClient
    workbench: RoleWorkbench
    session: Session
    window: ConversationWindow
    worked: dict[str, int] = field(default_factory=dict[str, int])  # the last round of each of its stages

    async def work(self, task: str, *, stage: str, round: int, opening: Contract | None = None) -> None:
        """Give the role a task and let it work until it concludes or has no more to say.

        `opening` are the terms by which calls are made in its name first; None where it goes on with what it has.
        Raises `BudgetError` at the limits of its contract and of the run, and whatever a tool could not recover from.
        Returns within moments of a cancellation, with every call on the record.
        """
        token = CancellationToken()
        again = self.worked.get(stage, round) != round
        if again:
            self.window.begin_round()
        self.worked[stage] = round
        role, version = self.contract.role, self.contract.version
        tracer, run = self.session.tracer, self.session.run
        with ExitStack() as spans:
            span = spans.enter_context(agent_span(tracer, role, run=run, version=version, stage=stage, round=round))
            if stage == "plan":
                spans.enter_context(plan_span(tracer, role, run=run, round=round))
            told(span, given=lambda: task)
            started, seconds = time.monotonic(), self._seconds()
            first = self.contract.opening(opening, again=again) if opening is not None else ()
            self.client.begin_turn(seconds, first)
            try:
                async with asyncio.timeout(seconds):
                    reply = await self.agent.on_messages([TextMessage(content=task, source="driver")], token)
                told(span, gave=reply.chat_message.to_text)
            except TimeoutError as error:
                raise BudgetError(f"{role} took longer than {seconds:.3g} s", fix="raise its budget") from error
            finally:
                self.session.meter.took(role, time.monotonic() - started)
                token.cancel()
                await self.workbench.settle()
        if self.workbench.fatal is not None:
            raise self.workbench.fatal

    def _seconds(self) -> float:
        """What a turn may take: what the contract allows, or less if the run has less left."""
        left, allowed = self.session.meter.seconds_left(self.contract.role), self.contract.budget.seconds
        return allowed if left is None else min(left, allowed)


def assemble(
    session: Session, toolbox: Toolbox, terms: Mapping[Role, Contract], *, without: Collection[str] = ()
) -> Team:
    """Build the roles of one run; tools `without` a use in it are not offered. One contract is one conversation."""
    built = {
        contract.role: _specialist(
            session, toolbox, contract.model_copy(update={"tools": contract.tools - set(without)})
        )
        for contract in terms.values()
    }
    return {role: built[contract.role] for role, contract in terms.items()}


def _specialist(session: Session, toolbox: Toolbox, contract: Contract) -> Specialist:
    workbench = RoleWorkbench(toolbox, contract.role, contract.concludes_with)
    client = RoleClient(session, contract, workbench)
    window = ConversationWindow(_room(contract))
    agent = AssistantAgent(
        name=contract.role,
        description=contract.description,
        model_client=client,
        workbench=workbench,
        system_message=contract.prompt,
        model_context=window,
        max_tool_iterations=2 * contract.budget.model_calls + 1,  # its own, its stand-in's, and those of its opening
    )
    return Specialist(contract, agent, client, workbench, session, window)


def _room(contract: Contract) -> int:
    """Tokens of the window: what pictures may take of a request is kept free for them."""
    seen = SHOWN_PICTURES * MOST_TOKENS if contract.tools & FOR_EYES else 0
    return (SMALL if contract.compact else TOKENS) - seen
