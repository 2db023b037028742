"""What a diagnosis says: causes in order, with the readings that speak for each and what it leaves unexplained."""

from typing import Literal

from pydantic import Field

from twin.faults import Fault
from twin.model import Frozen

Quantity = Literal[
    "load", "drops", "wire_loss", "errors", "oper_up", "adjacent", "counted", "answers", "probe_delay", "probe_loss",
    "demand_factor", "packet_factor", "balance",
    "configured", "peering",
]  # fmt: skip


class Fact(Frozen):
    """One reading against its prediction under a hypothesis and on the healthy network.

    Units by quantity: load and drops Mbit/s; wire_loss, probe_loss and errors (frames received broken) shares; counted
    the share of polls with an answer; probe_delay ms; demand_factor and packet_factor factors on the demands towards
    the node and on their packets per Mbit; balance Mbit/s that leave the node by its links less what comes in by them;
    configured the lines of its configuration that the inventory does not have; oper_up, adjacent and answers 0 or 1;
    peering whether the router of an exit has a route by it.
    `element` is an element id; of a probed pair it is `probe/A/B`.
    """

    element: str
    quantity: Quantity
    measured: float
    predicted: float
    healthy: float
    gain: float = Field(
        description="Log likelihood that the hypothesis gains on this reading over the healthy network."
    )


Finding = Literal["cause", "unknown", "nothing measured"]


def named(faults: tuple[Fault, ...]) -> str:
    """Kind and element of every fault, or `healthy`."""
    return " and ".join(map(str, faults)) or "healthy"


class IncidentCause(Frozen):
    """One of the independent incidents that a hypothesis is made of: faults that share no router and no risk group."""

    faults: tuple[Fault, ...] = Field(min_length=1)
    confidence: float = Field(ge=0, le=1, description="Posterior share of the hypotheses that hold all these faults.")
    symptoms: tuple[Fact, ...] = Field(
        description="Readings that these faults explain and the other incidents alone do not, the most telling first; "
        "`healthy` is what would be read if the others alone had happened."
    )

    @property
    def name(self) -> str:
        """Kind and element of every fault."""
        return named(self.faults)


class Hypothesis(Frozen):
    """One possible cause after its simulation, several faults if they struck together; none means healthy."""

    faults: tuple[Fault, ...]
    log_likelihood: float = Field(description="Of all readings, with the prior; only differences have a meaning.")
    confidence: float = Field(ge=0, le=1, description="Posterior share among the hypotheses that were simulated.")
    residual: float = Field(
        ge=0, description="Root mean square of what it leaves unexplained on links, standard errors."
    )
    evidence: tuple[Fact, ...]
    value_range: tuple[int, int] | None = Field(
        default=None,
        description="Of a wrong weight: every value in it, ends included, routes alike and cannot be told apart.",
    )
    alike: tuple[str, ...] = Field(
        default=(), description="Hypotheses that no reading and no log line can tell from this one: one answer."
    )
    twins: tuple[tuple[Fault, ...], ...] = Field(
        default=(),
        exclude=True,
        description="The faults of those that were simulated among `alike`: a configuration may tell them apart.",
    )
    indistinguishable: tuple[str, ...] = Field(
        default=(), description="Those, and others that these readings hardly tell from it, as kind at element."
    )
    incidents: tuple[IncidentCause, ...] = Field(
        default=(), description="Its faults by incident, the surest first; one where all belong together."
    )

    @property
    def fault(self) -> Fault | None:
        """The fault, the first of several, None on a healthy network."""
        return self.faults[0] if self.faults else None

    @property
    def name(self) -> str:
        """Kind and element of every fault, or `healthy`."""
        return named(self.faults)


class Diagnosis(Frozen):
    """Hypotheses, the most likely first."""

    snapshot: str = Field(description="Id of the observed network: the inventory under the measured matrix.")
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)
    simulated: int = Field(description="How many hypotheses were simulated.")
    unexplained: tuple[Fact, ...] = Field(description="Readings that even the best hypothesis does not explain.")
    lost: tuple[Fact, ...] = Field(
        default=(), description="Readings of traffic that surely gets lost, where the best hypothesis loses none."
    )
    doubt: str | None = Field(default=None, description="Why the best hypothesis is no answer; none where it is one.")

    @property
    def finding(self) -> Finding:
        """Whether it is a cause, that the cause is not known, or that nothing measured tells it from a healthy network.

        The last is not that nothing is wrong: some faults leave no trace.
        """
        if self.abstains:
            return "unknown"
        return "cause" if self.best.faults else "nothing measured"

    @property
    def abstains(self) -> bool:
        """Whether the answer is that the cause is not known."""
        return self.doubt is not None

    @property
    def best(self) -> Hypothesis:
        """The most likely hypothesis."""
        return self.hypotheses[0]
