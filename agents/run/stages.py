"""What each stage of a run does, and where it leads: to which stage, why, and what it hands over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from agents.record.events import Outcome, Stage
from agents.roles import tasks
from agents.wording import counted, fault_words, mbps
from tools.box.beside import in_thread
from tools.box.goal import GoalInForce
from tools.box.handover import MAX_EXPLANATION, Decision, Diagnosis, Incident, NoPlan, PlanSubmission
from tools.box.run_state import RunState
from tools.recommendations import recommendations
from twin.execute.executor import Execution
from twin.gate.verdict import Verdict, orderable
from twin.plan import Plan

from .second_look import SecondLook
from .transitions import FAULTY, REFUTED, UNEXPLAINED, Ending, Handover, Move, Operator
from .turns import Turns

T = TypeVar("T")


class Stages:
    """The stages of one incident, with what one of them keeps for another."""

    def __init__(self, run_state: RunState, operator: Operator, turns: Turns, rounds: int) -> None:
        self._run_state, self._operator, self._turns = run_state, operator, turns
        self._rounds, self._because = rounds, ""
        self._second = SecondLook(run_state, operator, rounds)
        self.kept: Ending | None = None
        """How the run ends if no further plan helps."""
        self._by_name: Mapping[Stage, Callable[[], Awaitable[Move]]] = {
            "observe": self._observe,
            "diagnose": self._diagnose,
            "plan": self._plan,
            "verify": self._verify,
            "approve": self._approve,
            "execute": self._execute,
            "confirm": self._confirm,
            "roll back": self._roll_back,
        }

    async def pass_through(self, stage: Stage) -> Move:
        """Do what the stage is there for. Raises `UnansweredError` where it waits for a person's word."""
        return await self._by_name[stage]()

    async def _observe(self) -> Move:
        await self._turns.work("observe", tasks.observe(self._run_state), lambda: self._run_state.incident is not None)
        incident = _present(self._run_state.incident)
        await self._operator.record_before()
        if self._run_state.goal is not None:
            return await self._begin_goal(self._run_state.goal, incident)
        if self._run_state.brought is not None and not incident.symptoms:
            return await self._take_brought(self._run_state.brought, incident)
        if not incident.symptoms:
            if (cause := await in_thread(self._second.cause_without_symptom)) is not None:
                return Move("diagnose", f"no symptom, and yet readings speak for {cause}", incident)
            planned = f" but planned work: {incident.planned[0]}" if incident.planned else ""
            return Move("end", f"nothing is measured that the inventory does not explain{planned}", incident, "healthy")
        return Move(
            "diagnose", f"{counted(len(incident.symptoms), 'symptoms')}, {mbps(incident.harm)} harmed", incident
        )

    async def _begin_goal(self, goal: GoalInForce, incident: Incident) -> Move:
        """Plan for what was asked only in a network that is as it should be, under the traffic of its window."""
        wrong = [x for x in incident.symptoms if x.kind in FAULTY]
        if wrong:
            words = f"{counted(len(wrong), 'symptoms')} of a fault, such as: {wrong[0].detail}"
            return Move("end", f"nothing is planned while there is a fault: {words}", incident, "no safe plan")
        if self._run_state.data_refusal:
            return Move("end", f"no plan may be made: {self._run_state.data_refusal}", incident, "no safe plan")
        if goal.hours is not None:
            run_state = self._run_state
            run_state.state = goal.expected(run_state.inventory, run_state.state.demands, run_state.live.now)
        await self._operator.record_diagnosis()
        return Move("plan", f"asked for: {goal.words}", incident)

    async def _take_brought(self, plan: Plan, incident: Incident) -> Move:
        """Judge a plan that somebody brought for a network in which nothing is wrong."""
        if self._run_state.data_refusal:
            return Move("end", f"no plan may be made: {self._run_state.data_refusal}", incident, "no safe plan")
        await self._operator.record_diagnosis()
        return Move("plan", f"plan {plan.hash} was brought to be judged", incident)

    async def _diagnose(self) -> Move:
        run_state = self._run_state
        if not await in_thread(self._second.finds_the_same):
            await self._turns.work("diagnose", tasks.diagnose(run_state), lambda: run_state.diagnosis is not None)
        diagnosis = _present(run_state.diagnosis)
        await self._operator.record_diagnosis()
        await self._turns.heard_against("diagnose")
        standing, measured = run_state.standing, run_state.harm.total
        if (ended := self._second.nothing_new(diagnosis)) is not None:
            return ended
        cause = fault_words(diagnosis.cause) if diagnosis.cause else "what is configured"
        if run_state.brought is not None and not run_state.data_refusal:
            words = f"plan {run_state.brought.hash} was brought to be judged where the cause is {cause}"
            return Move("plan", words, diagnosis)
        if not self._harms(diagnosis.harm) and measured <= self._operator.noise:
            return await self._unharmed(diagnosis)
        if standing.level == "observe":
            return self._without(f"no plan may be made: {standing.because}", diagnosis)
        if self._harms(diagnosis.harm_parts.routable):
            return Move("plan", f"{cause}: {mbps(diagnosis.harm)} are harmed on the twin", diagnosis)
        if self._harms(diagnosis.harm):
            words = f"{cause}: {mbps(diagnosis.harm)} have no way, and no other configuration could carry them"
            return self._without(words, diagnosis)
        words = f"{mbps(measured)} are harmed, which {cause} does not do on the twin: no plan can be rehearsed"
        return await self._of_no_known_cause(words, diagnosis)

    async def _unharmed(self, diagnosis: Diagnosis) -> Move:
        """Nothing and nobody is harmed: what there is to do is a recommendation.

        Where grown traffic would be harmed, the network is watched first, for a look early in an evening shows little.
        """
        if self._run_state.ranking is not None and self._run_state.ranking.lost:
            return await self._of_no_known_cause(f"the cause is not known: {diagnosis.doubt}", diagnosis)
        if diagnosis.cause is not None:
            words = f"{fault_words(diagnosis.cause)}: no traffic is harmed at the moment"
            foreseen = 0.0 if self._run_state.data_refusal else self._operator.harm_foreseen()
            if self.kept is None and self._harms(foreseen) and (why := await self._operator.watch()):
                self._run_state.clear_diagnosis()
                return Move("diagnose", f"{fault_words(diagnosis.cause)}: {why}", diagnosis)
            return Move("end", words, diagnosis, "no action needed")
        if self._run_state.data_refusal:
            return self._without(f"no plan may be made: {self._run_state.data_refusal}", diagnosis)
        return Move("end", "no fault explains the measurements better than chance does", diagnosis, "healthy")

    async def _of_no_known_cause(self, words: str, handover: Handover) -> Move:
        """Look again, once, before somebody is told that there is no cause: what comes and goes may show by then."""
        if self.kept is None and await self._second.of_new_samples():
            return Move("diagnose", f"{words}; no cause is known, and it is looked for in new samples", handover)
        return self._without(words, handover)

    def _without(self, words: str, handover: Handover | None = None) -> Move:
        """End with nothing changed: where the cause is known, what is left is a person's to do."""
        diagnosis = self._run_state.diagnosis if self._run_state.goal is None else None
        known = diagnosis is not None and diagnosis.faults
        return Move("end", words, handover, "needs a person" if known else "no safe plan")

    async def _plan(self) -> Move:
        run_state = self._run_state
        run_state.clear_plan()
        await self._turns.work(
            "plan", tasks.plan(run_state), lambda: run_state.submission is not None or run_state.no_plan is not None
        )
        if run_state.submission is not None:
            words = f"{run_state.submission.handle} submitted: {counted(len(run_state.submission.plan.steps), 'steps')}"
            if (against := await self._turns.heard_against("plan")) is not None:
                return self._held_back(against)
            return Move("verify", words, run_state.submission)
        no_plan = _present(run_state.no_plan)
        if run_state.brought is not None:
            return self._without(f"the plan that was brought is none here: {'; '.join(no_plan.reasons)}", no_plan)
        if run_state.goal is not None:
            return self._without_plan(run_state.goal, no_plan)
        if no_plan.because:
            return self._without(
                f"no plan is wanted, for {', '.join(no_plan.because)}: what is left is advised", no_plan
            )
        hindered = f": {run_state.hindered}" if run_state.hindered else ""
        words = f"no optimiser has a plan that helps and was not rejected{hindered}"
        return await self._of_no_known_cause(words, no_plan)

    def _without_plan(self, goal: GoalInForce, no_plan: NoPlan) -> Move:
        if not self._run_state.rejected and not goal.unmet(self._run_state.state, self._run_state.policy):
            return Move("end", "the network is as it was asked for: nothing has to be changed", no_plan, "done")
        why = f": {no_plan.reasons[-1]}" if no_plan.reasons else ""
        return Move("end", f"no plan serves the goal and was not rejected{why}", no_plan, "no safe plan")

    async def _verify(self) -> Move:
        run_state = self._run_state
        if not run_state.heard:
            run_state.clear_decision()
        await self._turns.work("verify", tasks.verify(run_state), lambda: run_state.decision is not None)
        decision = _present(run_state.decision)
        self._operator.record_verdict()
        if decision.approved:
            if (against := await self._turns.heard_against("verify")) is not None:
                return self._held_back(against)
            return Move("approve", f"all checks passed for plan {decision.plan}", decision)
        plan = _present(run_state.submission).plan
        if run_state.goal is not None and decision.verdict is not None and orderable(plan, decision.verdict):
            words = "it asks for capacity, which a person has to order: nothing executes it"
            return Move("end", f"nothing else is against plan {plan.hash}; {words}", decision, "awaiting approval")
        run_state.rejected = (*run_state.rejected, decision)
        failed = [x.name for x in decision.verdict.checks if not x.passed] if decision.verdict else []
        words = f"rejected: {', '.join(failed) or 'by verification'}"
        if run_state.round < self._rounds and run_state.brought is None:
            run_state.round += 1
            return Move("plan", words, decision)
        if run_state.brought is not None:
            return self._without(f"the plan that was brought is {words}", decision)
        return self._without(f"{words}, and {self._rounds} rounds are used up", decision)

    async def _approve(self) -> Move:
        goal = self._run_state.goal
        if goal is not None and goal.hours is not None and not await self._operator.release.rehearse_window():
            return Move("end", "the plan breaks a limit in some hour of its window", outcome="no safe plan")
        if goal is not None and goal.only_rehearse:
            return Move("end", "the plan is safe; nothing was changed, as was asked", outcome="rehearsed")
        because = self._operator.release.waits_because()
        if because is not None:
            return Move("end", f"the plan is safe and {because}", outcome="awaiting approval")
        if self._operator.by_hand and (against := await self._operator.objection_now()) is not None:
            return self._without(f"the plan was approved, and does not hold any more: {against}")
        signed = await self._operator.release.approve()
        if goal is not None and goal.hours is not None:
            words = f"certified for its window, {signed}; it is for a person to have it applied then, verified anew"
            return Move("end", words, outcome="scheduled")
        if self._operator.by_hand and not self._operator.hands_over:
            words = f"certified, {signed}; it is for a person to make, step by step"
            return Move("end", words, outcome="needs a person")
        return Move("execute", signed)

    async def _execute(self) -> Move:
        execution = await self._operator.execute()
        match execution.status:
            case "applied":
                return Move("confirm", execution.reason)
            case "rolled_back":
                return self._to_roll_back(execution.reason)
            case "refused":
                return await self._refused(execution)

    async def _refused(self, execution: Execution) -> Move:
        """Plan again on what was found, while rounds are left; what was refused is not submitted again."""
        run_state, submission = self._run_state, _present(self._run_state.submission)
        if run_state.round >= self._rounds or run_state.brought is not None:
            words = f"{execution.reason}; {self._rounds} rounds are used up"
            return self._without(words)
        refused = self._turned_down(submission, execution.reason, execution.verdict)
        await self._operator.take_up()
        if self._second.may_be and not self._operator.explained():
            self._second.begin(None)
            return Move("diagnose", f"{execution.reason}; {UNEXPLAINED}", refused)
        run_state.round += 1
        return Move("plan", execution.reason, refused)

    def _turned_down(self, submission: PlanSubmission, because: str, verdict: Verdict | None) -> Decision:
        """Keep a plan from being submitted again."""
        turned_down = Decision(
            approved=False,
            plan=submission.plan.hash,
            snapshot=submission.plan.base,
            verdict=verdict,
            reasons=because[:MAX_EXPLANATION],
        )
        self._run_state.rejected = (*self._run_state.rejected, turned_down)
        return turned_down

    async def _confirm(self) -> Move:
        better = await self._operator.confirm()
        before, after = self._operator.figures.harm_before, self._operator.figures.harm_after
        without = self._operator.figures.harm_without
        words = (
            f"measured harm went from {mbps(before or 0)} to {mbps(after or 0)}; "
            f"without the plan it would be {mbps(without or 0)} by now"
        )
        if not better:
            return self._to_roll_back(words)
        self.kept = None
        outcome: Outcome = "resolved" if self._run_state.goal is None else "done"
        if (after or 0) > self._operator.noise:
            urgent = any(x.urgency == "now" for x in recommendations(self._run_state, harmed=True))
            outcome = "needs a person" if urgent else "relieved"
        further = await self._further(Ending(outcome, words), harmed=(after or 0) > self._operator.noise)
        return further or Move("end", words, outcome=outcome)

    async def _further(self, ending: Ending, *, harmed: bool) -> Move | None:
        """Go on from a confirmed plan where something is not explained, or where another incident still harms."""
        if not self._second.may_be:
            return None
        if not self._operator.explained():
            self.kept = ending
            await self._operator.settle()
            self._second.begin(ending, in_place=True)
            return Move("diagnose", f"{ending.because}; {UNEXPLAINED}")
        if harmed and self._operator.still_harmed():
            self.kept = ending
            self._second.met()
            await self._operator.settle()
            self._run_state.round += 1
            return Move("plan", f"{ending.because}; what is still harmed is planned for")
        return None

    def _to_roll_back(self, because: str) -> Move:
        self._because = because
        return Move("roll back", because)

    async def _roll_back(self) -> Move:
        await self._operator.roll_back(self._because)
        words = f"the network is as it was before the plan: {self._because}"
        moved, explained = self._operator.moved(), not self._second.may_be or self._operator.explained()
        learned = self._second.may_be and explained and not moved and self._operator.learn()
        if not self._second.may_be or (explained and not moved and not learned):
            return Move("end", words, outcome="rolled back")
        submission = _present(self._run_state.submission)
        turned_down = self._turned_down(submission, self._because, self._run_state.verdicts.get(submission.plan.hash))
        await self._operator.take_up()
        if explained and not learned:
            self._run_state.round += 1
            return Move("plan", f"{words}; somebody else has configured something meanwhile", turned_down)
        self._second.begin(Ending("rolled back", words), learned=learned)
        return Move("diagnose", f"{words}; {REFUTED if learned else UNEXPLAINED}", turned_down)

    def _held_back(self, because: str) -> Move:
        """Send the submitted plan back for what an adviser says of it."""
        run_state, submission = self._run_state, _present(self._run_state.submission)
        decision = self._turned_down(submission, because, run_state.verdicts.get(submission.plan.hash))
        if run_state.round < self._rounds:
            run_state.round += 1
            return Move("plan", because, decision)
        return self._without(f"{because}, and {self._rounds} rounds are used up", decision)

    def _harms(self, harm: float) -> bool:
        return harm > self._operator.negligible


def _present(value: T | None) -> T:
    if value is None:
        raise RuntimeError("a stage ended without its hand-over")
    return value
