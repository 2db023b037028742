"""What a run is asked to do."""

from pydantic import Field

from agents.goals.types import Goal
from agents.record.history import RunHistory
from agents.record.spending import RunBudget
from twin.documents import MOST, Document
from twin.execute.render import Inventory
from twin.faults import Fault
from twin.model import Frozen
from twin.plan import Change, Plan
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.store import TwinStore


class LaterEvent(Frozen):
    """What happens to an emulated network after somebody has begun to look: one of the three."""

    after: int = Field(ge=1, le=40, description="Samples between the first look and it.")
    strikes: Fault | None = Field(default=None, description="Another fault.")
    heals: Fault | None = Field(default=None, description="A fault ends by itself.")
    others: Change | None = Field(default=None, description="Somebody else configures something.")

    @property
    def words(self) -> str:
        """What happens, and when."""
        heals, others = self.heals and f"{self.heals} heals", self.others and f"others make {self.others.op}"
        what = " and ".join(str(x) for x in (self.strikes, heals, others) if x)
        return f"{what} after {self.after} samples"


class RunRequest(Frozen):
    """What to run. Without a fault the seed draws one that hurts; `healthy` runs without any."""

    network: str = Field(min_length=1, max_length=200)
    seed: int = Field(ge=0)
    model: str = "runbook"
    policy: Policy = Policy()
    fault: Fault | str | None = Field(default=None, description="A fault, or its name as `read_fault` reads it.")
    also: tuple[Fault, ...] = Field(default=(), max_length=12, description="Faults that strike together with it.")
    later: tuple[LaterEvent, ...] = Field(default=(), max_length=12, description="What happens once somebody looks.")
    interval_s: float = Field(default=300.0, ge=1, le=3600, description="Seconds between samples of the telemetry.")
    healthy: bool = False
    site: str | None = Field(default=None, max_length=4096, description="A site file: its network, read only.")
    goal: Goal | None = Field(default=None, description="What was asked for; without, it is an incident.")
    budget: RunBudget = Field(default=RunBudget(), description="What the run may spend.")
    works: tuple[PlannedWork, ...] = Field(default=(), description="What others have planned to take away.")
    asked: tuple[str, ...] = Field(default=(), description="What their calendars leave open.")
    documents: tuple[Document, ...] = Field(
        default=(),
        max_length=MOST,
        description="What people wrote about the network: tickets, calendar, commits, notes.",
    )
    plan: Plan | None = Field(default=None, description="A plan that somebody brings: judged, and none in its place.")
    alone: bool = Field(default=False, description="One role with all tools and one conversation, in place of four.")
    compact: bool = Field(default=False, description="For a small model: fewer tools, a short window, calls alone.")
    vision: bool = Field(default=False, description="The model sees: roles may ask for the map as a picture.")
    rounds: int = Field(default=3, ge=1, le=10, description="Most plans to try.")


def request_of(past: RunHistory) -> RunRequest:
    """Return what the run was asked to do; what struck the network is the network's own secret."""
    started = past.started
    return RunRequest(
        network=started.network,
        seed=started.seed,
        model=started.model,
        policy=started.policy,
        rounds=started.rounds,
        budget=started.budget,
        goal=started.goal,
        site=started.site,
        works=started.works,
        asked=started.asked,
        documents=started.documents,
        plan=started.plan,
        alone=started.alone,
        compact=started.compact,
        vision=started.vision,
    )


def known_of(past: RunHistory, store: TwinStore) -> Inventory | None:
    """What is known of the routers of one's own network, as it was when the run began."""
    started = past.started
    if started.routers is None:
        return None
    reading = store.reading(started.inventory)  # none is kept where the site names no interfaces
    return Inventory(reading.interfaces if reading else {}, started.routers)
