"""The turns of the roles: one has its stage's work to do, others are heard after it, and questions are answered."""

from collections.abc import Callable, Sequence

from agents.record.events import Noted, QuestionAnswered, QuestionAsked, Stage
from agents.roles import tasks
from agents.roles.chat import Session
from agents.roles.contracts import CONTRACTS
from agents.roles.team import Specialist, Team
from tools.box.handover import Question
from tools.box.run_state import RunState
from twin.errors import InconclusiveError

from .transitions import ROLE_OF, Answering, UnansweredError


class Turns:
    """Gives the roles of a team their turns in one run."""

    def __init__(self, run_state: RunState, session: Session, team: Team, answering: Answering) -> None:
        self._run_state, self._session, self._team, self._answering = run_state, session, team, answering

    async def work(self, stage: Stage, task: str, concluded: Callable[[], bool]) -> None:
        """Have the role of a stage do its task, and answer what it asks. Raises `InconclusiveError`, `UnansweredError`.

        It goes on where it asked, if it did; it is reminded once of what it has not concluded, and where a model heeds
        that no more, its stand-in is.
        """
        specialist, terms = self._team[ROLE_OF[stage]], CONTRACTS[ROLE_OF[stage]]
        specialist.client.begin()
        if not self._run_state.heard:
            specialist.workbench.answered.clear()
            await specialist.work(task, stage=stage, round=self._run_state.round, opening=terms)
        await self._told(stage, specialist)
        if (wanted := _owed(specialist, concluded)) is None:
            return
        contract = specialist.contract
        self._session.journal.append(
            Noted(text=f"{contract.role} stopped without {' or '.join(wanted)}: asked once more")
        )
        await self._reminded(stage, specialist, wanted)
        if (wanted := _owed(specialist, concluded)) is not None and specialist.client.give_up("did not conclude"):
            await self._reminded(stage, specialist, wanted)
        if _owed(specialist, concluded) is not None:
            what = ", ".join(sorted(contract.missing(specialist.workbench.answered))) or "no hand-over"
            raise InconclusiveError(f"{contract.role} did not conclude: {what}", fix="try again, or use another model")

    async def _reminded(self, stage: Stage, specialist: Specialist, wanted: Sequence[str]) -> None:
        await specialist.work(tasks.remind(wanted), stage=stage, round=self._run_state.round)
        await self._told(stage, specialist)

    async def _told(self, stage: Stage, specialist: Specialist) -> None:
        """Put what a role asks, and tell it all the answers in one turn. Raises `UnansweredError`."""
        while told := self._answers(stage):
            await specialist.work(tasks.answered(told), stage=stage, round=self._run_state.round)

    def _answers(self, stage: Stage) -> tuple[tuple[Question, str], ...]:
        """Return what was answered to every open question. Raises `UnansweredError`: what was answered is kept."""
        run_state = self._run_state
        while (asked := run_state.open_question) is not None:
            self._session.journal.append(QuestionAsked(role=ROLE_OF[stage], stage=stage, question=asked))
            found = self._answering(asked)
            if found is None:
                raise UnansweredError(asked)
            choice, who = found if found[0] in asked.choices else (asked.default, "default")
            self._session.journal.append(QuestionAnswered(question=asked.id, choice=choice, by=who, waited=False))
            run_state.answers = {**run_state.answers, asked.id: choice}
            run_state.heard = (*run_state.heard, (asked, choice))
        told, run_state.heard = run_state.heard, ()
        return told

    async def heard_against(self, stage: Stage) -> str | None:
        """Hear the advisers of a stage: why one of them holds the plan back, None where none does."""
        against = None
        for role, specialist in self._team.items():
            if specialist.contract.place != f"after {stage}":
                continue
            self._run_state.opinion = None
            specialist.client.begin()
            specialist.workbench.answered.clear()
            terms = specialist.contract
            await specialist.work(tasks.hear(self._run_state), stage=stage, round=self._run_state.round, opening=terms)
            opinion = self._run_state.opinion
            missing = specialist.contract.missing(specialist.workbench.answered)
            words = f"{role}: {opinion.objection}: {opinion.reasons}" if opinion else f"{role} had nothing to say"
            self._session.journal.append(Noted(text=words))
            if opinion is None or missing or opinion.objection == "none":
                continue
            if opinion.objection == "reject" and self._run_state.submission is not None:
                against = against or f"{role} objects: {opinion.reasons}"
            else:
                self._run_state.person_wanted = f"{role} asks for a person: {opinion.reasons}"
        return against


def _owed(specialist: Specialist, concluded: Callable[[], bool]) -> list[str] | None:
    """The tools by which a role has still to show its evidence or to conclude, None where its stage is done."""
    missing = specialist.contract.missing(specialist.workbench.answered)
    if concluded() and not missing:
        return None
    return sorted(missing) or sorted(specialist.contract.concludes_with)
