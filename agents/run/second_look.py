"""A second look: what is measured once a plan is in place, taken back or refused, and nobody has explained."""

from tools.box.handover import Diagnosis
from tools.box.run_state import RunState
from tools.diagnosis import rank_causes, report_diagnosis
from twin.diagnose import Hypothesis

from .transitions import Ending, Move, Operator


class SecondLook:
    """Has the network diagnosed anew where the diagnosis does not hold any more, while rounds are left."""

    def __init__(self, run_state: RunState, operator: Operator, rounds: int) -> None:
        self._run_state, self._operator, self._rounds = run_state, operator, rounds
        self._before: tuple[Diagnosis, Hypothesis | None] | None = None
        self._otherwise: Ending | None = None
        self._waited = False

    def cause_without_symptom(self) -> str | None:
        """What all readings together speak for where none of them alone is unusual; None where that is no fault."""
        rank_causes(self._run_state)
        ranking = self._run_state.ranking
        found = ranking is not None and ranking.doubt is None and bool(ranking.best.faults)
        return ranking.best.name if ranking is not None and found else None

    async def of_new_samples(self) -> bool:
        """Wait for new samples where no cause is known, once, and forget the diagnosis: whether they are there."""
        if self._run_state.faults or self._waited or not await self._operator.look_again():
            return False
        self._waited = True
        self._run_state.clear_diagnosis()
        return True

    @property
    def may_be(self) -> bool:
        """Whether there is another round, in a run that is about an incident of its own finding."""
        run_state = self._run_state
        return (
            run_state.goal is None
            and run_state.brought is None
            and bool(run_state.faults)
            and run_state.round < self._rounds
        )

    def begin(self, otherwise: Ending | None, *, in_place: bool = False, learned: bool = False) -> None:
        """Forget the diagnosis but for its faults, which may still be there.

        `otherwise` is how the run ends if nothing else is found; None where it goes on in any case. `in_place` says
        whether a plan for them is: then they are told of in the end, though no reading may show them any more.
        `learned` says that nothing else has happened, and that what the plan showed speaks about them: then they are as
        open as at first.
        """
        run_state = self._run_state
        if in_place:
            self.met()
        if run_state.diagnosis is not None:
            self._before, self._otherwise = (run_state.diagnosis, run_state.chosen), otherwise
        if learned:  # of what a plan in place was made for it has confirmed
            run_state.found_before = (
                tuple(dict.fromkeys(y for x in run_state.met for y in x.faults)) or run_state.found_before
            )
        else:  # the network is another one by now
            run_state.found_before, run_state.trials = run_state.faults, ()
        run_state.clear_diagnosis()
        run_state.round += 1

    def met(self) -> None:
        """Remember that a plan is in place for what was diagnosed: it is told of in the end, whatever comes later."""
        run_state = self._run_state
        if run_state.chosen is not None and run_state.chosen not in run_state.met:
            run_state.met = (*run_state.met, run_state.chosen)

    def finds_the_same(self) -> bool:
        """Whether the twin finds by itself that a second look leads to what is known: then no role is asked to look.

        That is so where the same cause comes first again, or none is sure and what is known stands otherwise, and no
        measurement would tell causes apart. What is known is handed over anew.
        """
        run_state = self._run_state
        if self._before is None or run_state.heard:
            return False
        known = self._before[0]
        found, ranking = rank_causes(run_state), run_state.ranking
        if ranking is None or found.measurable:
            return False
        unsure = ranking.doubt is not None and self._otherwise is not None
        if not unsure and {(x.kind, x.element) for x in ranking.best.faults} != _names(known):
            return False
        report_diagnosis(run_state, 1, known.explanation)
        return True

    def nothing_new(self, found: Diagnosis) -> Move | None:
        """Return the end of a run whose second look found what was known, or nothing that it is sure of."""
        before, otherwise = self._before, self._otherwise
        self._before = self._otherwise = None
        if before is None or otherwise is None:
            return None
        same = _names(found) == _names(before[0])
        if not same and found.doubt is None:
            return None
        self._run_state.diagnosis, self._run_state.chosen = before
        return Move("end", "a second look found nothing else", found, otherwise.outcome)


def _names(diagnosis: Diagnosis) -> set[tuple[str, str]]:
    return {(x.kind, x.element) for x in diagnosis.faults}
