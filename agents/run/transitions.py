"""The course of a run: its stages and what may follow which, and who acts and answers on its way.

observe ── no symptoms, and none but "healthy" explains ► healthy
│
diagnose ── no harm ────────────────────────────────► no action needed, healthy
│  ├─ none yet, and grown traffic would bring it ─► diagnose, once it is there
│  ├─ harm of no known cause ─────────────────────► diagnose, once, by new samples
│  └─ harm that no plan can lower ────────────────► needs a person
plan ◄───────────── rejected, rounds left ──┐
│  ├─ none helps, and no cause is known ──┼──────► diagnose, once, by new samples
│  └─ none helps ─────────────────────────┼──────► needs a person, no safe plan
verify ─────────────────────────────────────┘ no rounds left
│ approved, with a passing verdict
approve ── execute ── confirm ──────────────────────► resolved, relieved, needs a person
│          ├─ disagreement ─► roll back ─────────► rolled back
│          └─ refused, no rounds left ───────────► needs a person, no safe plan
plan ◄── refused: the network is not what it was, rounds left
plan ◄── confirmed, and another of several incidents, or what only a part of the plan left, still harms, rounds left
plan ◄── rolled back, and somebody else has configured something meanwhile, rounds left
diagnose ◄── rolled back, for what was measured while the plan was in place, rounds left
diagnose ◄── confirmed, rolled back or refused, and the diagnosis does not explain what is measured now, rounds left

A run for a goal may end with `verify` or `approve`: a person orders capacity, or approves.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from agents.record.events import Figures, Outcome, Stage
from tools.box.handover import Decision, Diagnosis, Incident, NoPlan, PlanSubmission, Question, Role
from twin.execute.executor import Execution

from .release import Release

Handover = Incident | Diagnosis | PlanSubmission | NoPlan | Decision
Next = Stage | Literal["end"]

ROUNDS = 3
UNEXPLAINED = "what is measured now is not what was diagnosed"
REFUTED = "what it showed while it was in place is held against what was diagnosed"
FAULTY = frozenset({"silent", "down", "wire_loss", "probe_loss"})
"""Kinds of symptoms that no healthy network shows, whatever its traffic."""

ROLE_OF: Mapping[Stage, Role] = MappingProxyType(
    {"observe": "monitoring", "diagnose": "diagnosis", "plan": "planning", "verify": "verification"}
)

EDGES: Mapping[Stage, frozenset[Next]] = MappingProxyType(
    {
        "observe": frozenset({"diagnose", "plan", "end"}),
        "diagnose": frozenset({"diagnose", "plan", "end"}),
        "plan": frozenset({"verify", "plan", "diagnose", "end"}),
        "verify": frozenset({"approve", "plan", "end"}),
        "approve": frozenset({"execute", "end"}),
        "execute": frozenset({"confirm", "roll back", "diagnose", "plan", "end"}),
        "confirm": frozenset({"end", "diagnose", "plan", "roll back"}),
        "roll back": frozenset({"end", "diagnose", "plan"}),
    }
)


class Move(NamedTuple):
    """Where a stage leads, and the values that decided it. `outcome` is set where the run ends."""

    next: Next
    because: str
    handover: Handover | None = None
    outcome: Outcome = "failed"


class Ending(NamedTuple):
    """How the run ended."""

    outcome: Outcome
    because: str


Answering = Callable[[Question], tuple[str, str] | None]
"""Answers a question at once, with the choice and who made it; None where nobody is there to."""


def nobody(_question: Question) -> None:
    """Leave every question to whoever reads it later."""


class UnansweredError(Exception):
    """A role asked what nobody has answered yet."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class Operator(Protocol):
    """The one who may act on the network, and who measures what came of it. No tool and no role can reach it."""

    @property
    def figures(self) -> Figures:
        """The figures of the run, as far as they are known."""
        ...

    @property
    def release(self) -> Release:
        """What stands between the verified plan and its first step."""
        ...

    @property
    def negligible(self) -> float:
        """Harm, in Mbit/s, that is nothing to act on."""
        ...

    async def record_before(self) -> None:
        """Record the measured state at the start."""
        ...

    async def record_diagnosis(self) -> None:
        """Record the diagnosed state as the twin simulates it."""
        ...

    def harm_foreseen(self) -> float:
        """Mbit/s that the diagnosed state would harm under the most traffic that the policy foresees."""
        ...

    async def watch(self) -> str:
        """Let time pass until the network is to be diagnosed anew, and say why; empty where it is not in that time."""
        ...

    def record_verdict(self) -> None:
        """Record what the gate found for the plan that was decided on."""
        ...

    async def look_again(self) -> bool:
        """Wait for a whole window of new samples: whether they are there."""
        ...

    async def execute(self) -> Execution:
        """Apply the plan step by step, watched; what does not agree is taken back."""
        ...

    async def take_up(self) -> None:
        """Make the state that is found live the believed one, and that which is configured the inventory."""
        ...

    async def confirm(self) -> bool:
        """Measure again: whether the plan is still in place and the harm is less than it was."""
        ...

    def explained(self) -> bool:
        """Whether what was diagnosed explains what is measured now."""
        ...

    def learn(self) -> bool:
        """Keep for the next diagnosis what was measured while the plan was in place: whether there is something."""
        ...

    def moved(self) -> bool:
        """Whether something is configured that was not when the plan was made."""
        ...

    def still_harmed(self) -> bool:
        """Whether there may be a further plan: for another incident, or for a rest of this one that did not hold."""
        ...

    async def settle(self) -> None:
        """Keep the plan that was confirmed, and believe the network with it: the next plan is made on top of it."""
        ...

    async def roll_back(self, because: str) -> None:
        """Take back whatever is applied."""
        ...

    @property
    def noise(self) -> float:
        """Measured harm, in Mbit/s, that cannot be told from none."""
        ...

    @property
    def by_hand(self) -> bool:
        """Whether a person makes the changes of this network."""
        ...

    @property
    def hands_over(self) -> bool:
        """Whether that person is handed each step, and waited for."""
        ...

    async def objection_now(self) -> str | None:
        """Look at the network as it is now: why the approved plan must not be made to it; None when it may."""
        ...
