"""What each role may call, must show, hands over and may spend. Registry and driver enforce it, not prompts."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from pydantic import Field

from tools.box.handover import Decision, Diagnosis, Incident, PlanSubmission, Role
from twin.model import Frozen


class Budget(Frozen):
    """What a role may spend in one stage."""

    model_calls: int = Field(ge=1, le=100)
    seconds: float = Field(gt=0)


class Contract(Frozen):
    """The terms of one role. `evidence` are the tools that must have answered before its hand-over counts."""

    role: Role
    description: str
    tools: frozenset[str]
    evidence: frozenset[str]
    concludes_with: frozenset[str] = Field(description="The tools that make the hand-over.")
    output: type[Frozen]
    budget: Budget
    gate: str = Field(description="What the hand-over must be for the run to go on, decided by values.")

    def missing(self, answered: Collection[str]) -> frozenset[str]:
        """Return the evidence that was not shown."""
        return self.evidence - set(answered)


_BUDGET = Budget(model_calls=14, seconds=300.0)
_READ = frozenset({"network_status", "element_status", "sql", "fetch_result", "explain"})
_WATCH = frozenset({"data_quality", "list_anomalies"})

FOR_DOCUMENTS = frozenset({"read_documents", "recommend", "ask_operator"})
"""Tools that are offered where people wrote something about the network."""
PAUSES = frozenset({"ask_operator"})
"""Tools that end a turn which goes on later."""

CONTRACTS: Mapping[Role, Contract] = MappingProxyType(
    {
        "monitoring": Contract(
            role="monitoring",
            description="Reads telemetry and says what is not as it should be.",
            tools=_READ | _WATCH | {"list_symptoms", "read_events", "forecast_traffic", "report_incident"},
            evidence=frozenset({"list_symptoms"}),
            concludes_with=frozenset({"report_incident"}),
            output=Incident,
            budget=_BUDGET,
            gate="an incident without symptoms ends the run: the network is healthy",
        ),
        "diagnosis": Contract(
            role="diagnosis",
            description="Finds the cause by simulating hypotheses on the twin.",
            tools=_READ
            | _WATCH
            | {"list_symptoms", "read_events", "rank_causes", "measure", "what_if", "report_diagnosis"}
            | FOR_DOCUMENTS,
            evidence=frozenset({"rank_causes"}),
            concludes_with=frozenset({"report_diagnosis"}),
            output=Diagnosis,
            budget=_BUDGET,
            gate="a diagnosed state without harm ends the run: there is nothing to repair",
        ),
        "planning": Contract(
            role="planning",
            description="Chooses the plan that removes the harm with the least change.",
            tools=_READ
            | {"propose_plans", "what_if", "simulate_plan", "submit_plan", "report_no_plan", "forecast_traffic"}
            | {"submit_changes", "compose_plan"}
            | FOR_DOCUMENTS,
            evidence=frozenset({"propose_plans"}),
            concludes_with=frozenset({"submit_plan", "submit_changes", "report_no_plan"}),
            output=PlanSubmission,
            budget=_BUDGET,
            gate="a plan for exactly the diagnosed snapshot, or the run ends without one",
        ),
        "verification": Contract(
            role="verification",
            description="Rehearses the plan on the twin and decides.",
            tools=_READ | {"verify_plan", "what_if", "simulate_plan", "demand_failures", "decide"} | FOR_DOCUMENTS,
            evidence=frozenset({"verify_plan"}),
            concludes_with=frozenset({"decide"}),
            output=Decision,
            budget=_BUDGET,
            gate="a passing verdict of the gate for exactly this plan, snapshot and policy",
        ),
    }
)

RIGHTS: Mapping[Role, frozenset[str]] = MappingProxyType({role: terms.tools for role, terms in CONTRACTS.items()})
