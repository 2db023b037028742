"""What a run writes down of its network: in the twin's store, in the journal and in the figures of its end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.record.events import Figures, LoadsTaken, VerdictReached
from agents.roles.chat import Session
from tools.box.run_state import Desk
from twin.execute.executor import Execution
from twin.gate.certificate import Certificate
from twin.gate.verdict import Verdict
from twin.harm import Harm
from twin.live.network import LiveNetwork
from twin.model import Network
from twin.observe import Observation, observe
from twin.plan import Plan, apply_all
from twin.store import TwinStore

from . import loads
from .hypotheses import ranked

LOOKBACK = timedelta(hours=3)


@dataclass
class TwinRecord:
    """Writes; it decides nothing. `figures` are those of the run's end, as far as they are known."""

    desk: Desk
    session: Session
    store: TwinStore
    live: LiveNetwork
    figures: Figures = field(default_factory=Figures)

    def before(self) -> None:
        """Write down the loads before anything was done."""
        taken = self._take(loads.measured("before", self.desk.look(), self.desk.harm))
        self._figure(harm_before=taken.harm, max_utilisation_before=taken.max_utilisation)

    def corrected(self, noise: float) -> None:
        """Write down anew the loads before anything was done, if their harm came from readings known to be false."""
        if abs(self.desk.harm.total - (self.figures.harm_before or 0.0)) > noise:
            self.before()

    def incident(self) -> None:
        """Write down what was measured until now, and the incident that it shows."""
        desk = self.desk
        self.telemetry()
        if desk.incident is not None:
            status = "open" if desk.incident.symptoms else "healthy"
            self.store.save_incident(
                self.session.run,
                snapshot=desk.inventory.id,
                status=status,
                opened=self.live.now,
                document=desk.incident,
            )

    def telemetry(self) -> None:
        """Write down what was measured in the run until now."""
        self.store.append_telemetry(self.live.read_telemetry(self.desk.since), self.desk.inventory)

    def diagnosed(self) -> None:
        """Write down the state that was diagnosed, its loads, and the hypotheses that were ranked."""
        self._believe()
        if self.desk.ranking is not None:
            self.store.save_hypotheses(self.session.run, ranked(self.desk.ranking))
        self.loads_believed()

    def loads_believed(self) -> None:
        """Write down the loads of the state that is believed."""
        self._take(loads.simulated("diagnosed", self.desk.state, self.desk.policy.max_utilisation))

    def believed(self) -> None:
        """Write down the inventory and the state that is believed, where a plan was made or the network has changed."""
        self.store.save_snapshot(self.desk.inventory, now=self.live.now)
        self._believe()

    def verdict(self) -> None:
        """Write down the plan that was decided on and what the gate found."""
        submission, decision = self.desk.submission, self.desk.decision
        if submission is None or decision is None or decision.verdict is None:
            return
        plan, found, now = submission.plan, decision.verdict, self.live.now
        self.store.save_plan(plan, now=now)
        self.store.save_verdict(found, now=now)
        self.session.journal.append(
            VerdictReached(round=self.desk.round, plan=plan, verdict=found, passed=found.passed)
        )

    def certificate(self, plan: Plan, verdict: Verdict, certificate: Certificate) -> None:
        """Write down the certificate of a plan."""
        self.store.save_certificate(
            plan.hash, verdict=verdict, issued=certificate.issued, expires=certificate.expires, document=certificate
        )

    def planned(self, plan: Plan) -> None:
        """Write down the state that a plan leads to, as the twin simulates it."""
        desk = self.desk
        self.store.save_branch(desk.state.id, plan.steps, now=self.live.now)
        taken = self._take(loads.simulated("planned", apply_all(desk.state, plan.steps), desk.policy.max_utilisation))
        self._figure(harm_predicted=taken.harm, max_utilisation_predicted=taken.max_utilisation)

    def execution(self, plan: Plan, execution: Execution, started: datetime) -> None:
        """Write down how the execution of a plan that `started` then came out."""
        self.store.save_execution(
            plan.hash,
            plan=plan.hash,
            outcome=execution.status,
            started=started,
            finished=self.live.now,
            document=execution,
        )

    def without(self, harm: float) -> None:
        """Write down what would be harmed by now without the plan, in Mbit/s."""
        self._figure(harm_without=round(harm, 3))

    def after(self, observation: Observation, harm: Harm) -> None:
        """Write down the loads that were measured after a plan was made, or taken back, with their harm."""
        taken = self._take(loads.measured("after", observation, harm))
        self._figure(harm_after=taken.harm, max_utilisation_after=taken.max_utilisation)

    def observed(self) -> Observation:
        """Observe the network as it is configured now, and write that down."""
        configured = self._configured()
        with self.desk.span("observe", snapshot=configured.id):
            return observe(configured, self.live.read_telemetry(self.live.now - LOOKBACK), now=self.live.now)

    def mirror(self) -> None:
        """Make the twin's newest snapshot what the network is configured as now."""
        self.store.set_current(self._configured().id)

    def _configured(self) -> Network:
        configured = self.live.read_topology()
        self.store.save_snapshot(configured, now=self.live.now, parent=self.desk.inventory.id)
        return configured

    def _believe(self) -> None:
        desk = self.desk
        self.store.save_snapshot(desk.state, now=self.live.now, kind="diagnosed", parent=desk.inventory.id)
        self.store.set_current(desk.state.id)

    def _take(self, taken: LoadsTaken) -> LoadsTaken:
        self.session.journal.append(taken)
        return taken

    def _figure(self, **figures: float) -> None:
        self.figures = self.figures.model_copy(update=figures)
