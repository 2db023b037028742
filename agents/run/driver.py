"""The state machine of a run: which stage follows which is decided by values of the twin, never by words."""

import asyncio
import time

from agents.record.events import Outcome, Stage, StageFinished, StageStarted
from agents.roles.chat import Session
from agents.roles.team import Team
from tools.box.run_state import RunState
from twin.memory import LARGE, give_back, give_large_back

from .stages import Stages
from .transitions import EDGES, ROLE_OF, ROUNDS, Answering, Ending, Move, Next, Operator, UnansweredError, nobody
from .turns import Turns


class Driver:
    """Runs the stages of one incident in order and keeps its budgets."""

    def __init__(
        self,
        run_state: RunState,
        session: Session,
        team: Team,
        operator: Operator,
        *,
        rounds: int = ROUNDS,
        answering: Answering = nobody,
    ) -> None:
        self._run_state, self._session = run_state, session
        self._stages = Stages(run_state, operator, Turns(run_state, session, team, answering), rounds)
        self.interrupted: Stage = "observe"
        """The stage that the last open question came from."""

    async def run(self, start: Stage = "observe") -> Ending:
        """Run from a stage until the end. Each stage begins and ends on the record; errors leave it where it came."""
        stage: Next = start
        large = 8 * len(self._run_state.inventory.nodes) ** 2 >= LARGE
        if large:
            give_large_back()
        while True:
            move = await self._checkpoint(stage)
            if large:
                give_back()
            if move.next == "end":
                return self._ended(move)
            stage = move.next

    def _ended(self, move: Move) -> Ending:
        """The last stage's ending; a confirmed plan stays what it was where the next one came to nothing."""
        kept, calm = self._stages.kept, move.outcome in ("no action needed", "healthy")
        if kept is None or not (calm or move.outcome in ("needs a person", "no safe plan", "rolled back")):
            return Ending(move.outcome, move.because)
        outcome: Outcome = kept.outcome if calm or kept.outcome != "resolved" else "needs a person"
        return Ending(outcome, f"{kept.because}; afterwards: {move.because}")

    async def _checkpoint(self, stage: Stage) -> Move:
        number = self._run_state.round
        role = ROLE_OF.get(stage)
        self._session.journal.append(StageStarted(stage=stage, round=number, role=role))
        started = time.monotonic()
        await asyncio.sleep(0)  # a cancellation comes before what a stage does, not after it
        try:
            move = await self._stages.pass_through(stage)
        except UnansweredError as error:
            self.interrupted, asked = stage, error.question
            words = f"{asked.text} {' / '.join(asked.choices)}: {asked.default} in {asked.minutes} minutes"
            move = Move("end", words, outcome="awaiting answer")
        if move.next not in EDGES[stage]:
            raise RuntimeError(f"no edge from {stage} to {move.next}")
        self._session.journal.append(
            StageFinished(
                stage=stage,
                round=number,
                next=move.next,
                because=move.because,
                seconds=time.monotonic() - started,
                handover=move.handover,
            )
        )
        return move
