"""The turns of the roles: one has its stage's work to do, others are heard after it, and questions are answered."""

from collections.abc import Callable

from agents.record.events import Noted, QuestionAnswered, QuestionAsked, Stage
from agents.roles import tasks
from agents.roles.chat import Session
from agents.roles.team import Team
from tools.box.handover import Question
from tools.box.run_state import Desk
from twin.errors import InconclusiveError

from .transitions import ROLE_OF, Answering, UnansweredError


class Turns:
    """Gives the roles of a team their turns in one run."""

    def __init__(self, desk: Desk, session: Session, team: Team, answering: Answering) -> None:
        self._desk, self._session, self._team, self._answering = desk, session, team, answering

    async def work(self, stage: Stage, task: str, concluded: Callable[[], bool]) -> None:
        """Have the role of a stage do its task, and answer what it asks. Raises `InconclusiveError`, `UnansweredError`.

        It goes on where it asked, if it did; it is reminded once of what it has not concluded.
        """
        specialist = self._team[ROLE_OF[stage]]
        specialist.client.begin()
        if self._desk.heard is not None:  # it goes on where it asked
            task, self._desk.heard = tasks.answered(*self._desk.heard), None
        else:
            specialist.workbench.answered.clear()
        await specialist.work(task, stage=stage, round=self._desk.round)
        while (asked := self._desk.open_question) is not None:
            self._session.journal.append(QuestionAsked(role=ROLE_OF[stage], stage=stage, question=asked))
            await specialist.work(self._answer(asked), stage=stage, round=self._desk.round)
        contract = specialist.contract
        missing = contract.missing(specialist.workbench.answered)
        if concluded() and not missing:
            return
        wanted = sorted(missing) or sorted(contract.concludes_with)
        self._session.journal.append(
            Noted(text=f"{contract.role} stopped without {' or '.join(wanted)}: asked once more")
        )
        await specialist.work(tasks.remind(wanted), stage=stage, round=self._desk.round)
        missing = contract.missing(specialist.workbench.answered)
        if missing or not concluded():
            what = ", ".join(sorted(missing)) or "no hand-over"
            raise InconclusiveError(f"{contract.role} did not conclude: {what}", fix="try again, or use another model")

    def _answer(self, asked: Question) -> str:
        """Return the task that goes on with the answer. Raises `UnansweredError`."""
        found = self._answering(asked)
        if found is None:
            raise UnansweredError(asked)
        choice, who = found if found[0] in asked.choices else (asked.default, "default")
        self._session.journal.append(QuestionAnswered(question=asked.id, choice=choice, by=who, waited=False))
        self._desk.answers = {**self._desk.answers, asked.id: choice}
        return tasks.answered(asked, choice)

    async def heard_against(self, stage: Stage) -> str | None:
        """Hear the advisers of a stage: why one of them holds the plan back, None where none does."""
        against = None
        for role, specialist in self._team.items():
            if specialist.contract.place != f"after {stage}":
                continue
            self._desk.opinion = None
            specialist.client.begin()
            specialist.workbench.answered.clear()
            await specialist.work(tasks.hear(self._desk), stage=stage, round=self._desk.round)
            opinion = self._desk.opinion
            missing = specialist.contract.missing(specialist.workbench.answered)
            words = f"{role}: {opinion.objection}: {opinion.reasons}" if opinion else f"{role} had nothing to say"
            self._session.journal.append(Noted(text=words))
            if opinion is None or missing or opinion.objection == "none":
                continue
            if opinion.objection == "reject" and self._desk.submission is not None:
                against = against or f"{role} objects: {opinion.reasons}"
            else:
                self._desk.person_wanted = f"{role} asks for a person: {opinion.reasons}"
        return against
