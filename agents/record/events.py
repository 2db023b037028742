"""Everything that happens in a run, as typed records: the journal holds them, the terminal and the report read them.

Link figures are tuples in the order of `Network.links` of the snapshot that the record names.
`durable` records are on disk before the run goes on, because an effect may follow them.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from agents.goals.types import Goal
from tools.box.handover import Advice, Decision, Diagnosis, Incident, NoPlan, PlanSubmission, Question, Role
from twin.documents import Document
from twin.execute.render import RenderedStep
from twin.execute.routers import Routers
from twin.faults import Fault
from twin.faults.recommendation import Recommendation
from twin.gate.certificate import Approval
from twin.gate.verdict import Verdict
from twin.harm import Harm
from twin.model import Frozen
from twin.plan import Change, Plan
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.study.window import Window

from .conversation import OPENED as OPENED
from .conversation import ChatAnswered as ChatAnswered
from .conversation import ChatMessage as ChatMessage
from .conversation import ChatRequested as ChatRequested
from .conversation import ToolCalled as ToolCalled
from .conversation import ToolRequest as ToolRequest
from .conversation import ToolReturned as ToolReturned
from .conversation import is_opening as is_opening
from .meanwhile import CalendarRead as CalendarRead
from .meanwhile import StopRequested as StopRequested
from .outcome import Outcome as Outcome
from .spending import RunBudget

Stage = Literal["observe", "diagnose", "plan", "verify", "approve", "execute", "confirm", "roll back"]
Moment = Literal["before", "diagnosed", "planned", "after"]


class RunStarted(Frozen):
    """The first record of every journal."""

    kind: Literal["run started"] = "run started"
    durable: ClassVar[bool] = True
    run: str
    network: str
    seed: int
    model: str
    policy: Policy
    inventory: str = Field(description="Snapshot id of the network as configured, in twin.duckdb.")
    nodes: int
    circuits: int
    history: float = Field(description="Hours of telemetry that were there at the start.")
    live_time: datetime = Field(description="The network's own clock, UTC.")
    rounds: int = Field(default=3, description="Most plans to try.")
    budget: RunBudget = Field(default=RunBudget(), description="What the run may spend.")
    goal: Goal | None = Field(default=None, description="What was asked for, with the words that said so.")
    site: str | None = Field(default=None, description="The site file of the network; null for an emulated one.")
    routers: Routers | None = Field(default=None, description="How its routers are spoken to.")
    works: tuple[PlannedWork, ...] = Field(default=(), description="What others had planned when the run began.")
    asked: tuple[str, ...] = Field(default=(), description="What their calendars left open.")
    documents: tuple[Document, ...] = Field(default=(), description="What people had written about it.")
    plan: Plan | None = Field(default=None, description="The plan that somebody brought to be judged and signed.")
    alone: bool = Field(default=False, description="Whether one role with all tools was at work, and not four.")
    compact: bool = Field(default=False, description="Whether the roles were shown as much as small models take.")
    vision: bool = Field(default=False, description="Whether the roles were offered pictures.")
    version: str = Field(default="", description="Of twinops, by which it was begun; earlier ones did not say.")
    trace: str = Field(
        default="",
        pattern=r"^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?$",
        description="The run's first span, as a W3C traceparent: whoever takes it up again goes on with its trace.",
    )


class StageStarted(Frozen):
    """The driver entered a stage; `round` counts the plans tried, from 1."""

    kind: Literal["stage started"] = "stage started"
    durable: ClassVar[bool] = False
    stage: Stage
    round: int = 1
    role: Role | None = None


class StageFinished(Frozen):
    """A checkpoint: what the stage handed over and why the driver went where it went."""

    kind: Literal["stage finished"] = "stage finished"
    durable: ClassVar[bool] = True
    stage: Stage
    round: int = 1
    next: Stage | Literal["end"]
    because: str = Field(description="The values that decided, in one sentence.")
    seconds: float
    handover: Incident | Diagnosis | PlanSubmission | NoPlan | Decision | None = None


class VerdictReached(Frozen):
    """The gate judged a plan: every check with its figures."""

    kind: Literal["verdict reached"] = "verdict reached"
    durable: ClassVar[bool] = True
    round: int
    plan: Plan
    verdict: Verdict
    passed: bool


class LoadsTaken(Frozen):
    """The state of every link at one moment of the run.

    `before` is measured with the fault and no plan, `diagnosed` is the twin's simulation of it, `planned` is the
    twin's prediction for the approved plan, `after` is measured once the plan is in. Utilisation is a share of the
    capacity that the inventory states; -1 where nothing was measured.
    """

    kind: Literal["loads taken"] = "loads taken"
    durable: ClassVar[bool] = True
    moment: Moment
    source: Literal["telemetry", "twin"]
    snapshot: str = Field(description="The snapshot whose links the figures belong to.")
    utilisation: tuple[float, ...]
    down: tuple[str, ...] = Field(default=(), description="Element ids that are down: nodes and circuits.")
    max_utilisation: float
    busiest: str | None
    harm: float = Field(description="Mbit/s that users lose or above the policy's limit.")
    harm_parts: Harm = Field(default=Harm(), description="The same by what becomes of it.")


class WindowRehearsed(Frozen):
    """A plan was rehearsed at every hour of the window that it is for."""

    kind: Literal["window rehearsed"] = "window rehearsed"
    durable: ClassVar[bool] = True
    plan: str
    safe: bool
    window: Window


class CertificateIssued(Frozen):
    """An approval was signed."""

    kind: Literal["certificate issued"] = "certificate issued"
    durable: ClassVar[bool] = True
    plan: str
    snapshot: str
    certificate: JsonValue


class ExecutionStep(Frozen):
    """One thing that the executor did or saw. `step` counts from 1; `change` is what was applied or taken back."""

    kind: Literal["execution step"] = "execution step"
    durable: ClassVar[bool] = True
    step: int
    of: int
    action: Literal["apply", "agree", "disagree", "roll back", "refused", "not made"]
    change: Change | None = None
    predicted_utilisation: float | None = None
    measured_utilisation: float | None = None
    live_time: datetime | None = Field(default=None, description="The network's own clock, UTC.")
    detail: str


class RunResumed(Frozen):
    """A process took up a run that another one had left, or that had waited for a person."""

    kind: Literal["run resumed"] = "run resumed"
    durable: ClassVar[bool] = True
    records: int = Field(description="Records that were there.")
    torn: bool = Field(description="Whether a last line was cut off; it was removed.")


class ApprovalGiven(Frozen):
    """A person approved or rejected the plan that the run waits with."""

    kind: Literal["approval given"] = "approval given"
    durable: ClassVar[bool] = True
    approval: Approval


class QuestionAsked(Frozen):
    """A role asked the person on call."""

    kind: Literal["question asked"] = "question asked"
    durable: ClassVar[bool] = True
    role: Role
    stage: Stage
    question: Question


class QuestionAnswered(Frozen):
    """A question was answered, by a person or by its default at the deadline."""

    kind: Literal["question answered"] = "question answered"
    durable: ClassVar[bool] = True
    question: str = Field(description="Its id.")
    choice: str
    by: str = Field(description="Who answered; `default` where nobody did in time.")
    waited: bool = Field(description="Whether the run had ended to wait for it.")


class PlanRendered(Frozen):
    """A plan for people to make, as configuration of their routers, or what has to be known before it can be."""

    kind: Literal["plan rendered"] = "plan rendered"
    durable: ClassVar[bool] = False
    plan: str = Field(description="Plan hash.")
    steps: tuple[RenderedStep, ...] = ()
    question: str = Field(default="", description="What is not known, and where it can be said.")


class Noted(Frozen):
    """Something a reader of the run should know that is no result: a retry, an exhausted budget, a late tool."""

    kind: Literal["noted"] = "noted"
    durable: ClassVar[bool] = False
    text: str


class Figures(Frozen):
    """Before and after. Measured comes from telemetry, predicted from the twin; null where there is none."""

    harm_before: float | None = None
    harm_predicted: float | None = None
    harm_after: float | None = None
    harm_without: float | None = Field(
        default=None,
        description="What the twin says the harm would be under the last traffic without the plan, and what was "
        "measured beyond its word when the cause was found.",
    )
    max_utilisation_before: float | None = None
    max_utilisation_predicted: float | None = None
    max_utilisation_after: float | None = None


class IncidentEnding(Frozen):
    """How one of several independent incidents ended."""

    faults: tuple[Fault, ...] = Field(min_length=1)
    probability: float = Field(ge=0, le=1)
    outcome: Outcome
    harm: tuple[float, float] = Field(description="Mbit/s it adds to the others on the twin: at first, in the end.")
    plans: tuple[str, ...] = Field(default=(), description="Hashes of the plans in place that spare some of it.")


class RunFinished(Frozen):
    """The last record of a run that ended, however it ended."""

    kind: Literal["run finished"] = "run finished"
    durable: ClassVar[bool] = True
    outcome: Outcome
    because: str
    figures: Figures
    cause: Fault | None = Field(default=None, description="What diagnosis found.")
    causes: tuple[Fault, ...] = Field(default=(), description="All that it found, where several struck together.")
    incidents: tuple[IncidentEnding, ...] = Field(
        default=(), description="The ending of each where there are several; empty where all is one incident."
    )
    truth: Fault | None = Field(default=None, description="What was injected; no role ever saw it.")
    onset: datetime | None = Field(default=None, description="When it struck, by the network's own clock, UTC.")
    recommendations: tuple[Recommendation, ...] = Field(
        default=(), description="What is a person's to do, computed from the diagnosis and the data."
    )
    advice: tuple[Advice, ...] = Field(default=(), description="What roles advise besides, in their own words.")
    question: Question | None = Field(default=None, description="What the run waits to be answered.")
    plan: str | None = Field(default=None, description="Hash of the plan that was applied, the last of several.")
    waits_for: int | None = Field(
        default=None, description="How many people its plan waits for; 0 if it may not be executed, null if none waits."
    )
    certificate_checked: bool = Field(default=False, description="Whether the executor accepted the certificate.")
    rounds: int = Field(description="Plans submitted.")
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    repeated_calls: int = Field(default=0, description="Tool calls that were made before, with nothing changed since.")
    money: float | None = Field(default=0.0, description="US dollars, null where nobody knows the price.")
    watt_hours: float | None = Field(default=0.0, description="Of the models, null where nobody knows.")
    watt_hours_between: tuple[float, float, float] = Field(default=(0, 0, 0), description="At least, likely, at most.")
    seconds: float


Event = Annotated[
    RunStarted
    | StageStarted
    | StageFinished
    | ChatRequested
    | ChatAnswered
    | ToolCalled
    | ToolReturned
    | VerdictReached
    | LoadsTaken
    | WindowRehearsed
    | CertificateIssued
    | ExecutionStep
    | CalendarRead
    | StopRequested
    | RunResumed
    | ApprovalGiven
    | QuestionAsked
    | QuestionAnswered
    | PlanRendered
    | Noted
    | RunFinished,
    Field(discriminator="kind"),
]
