"""What a run writes down of its network: in the twin's store, in the journal and in the figures of its end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.record.events import Figures, LoadsTaken, VerdictReached
from agents.roles.chat import Session
from tools.box.run_state import RunState
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

    run_state: RunState
    session: Session
    store: TwinStore
    live: LiveNetwork
    figures: Figures = field(default_factory=Figures)

    def before(self) -> None:
        """Write down the loads before anything was done."""
        taken = self._take(loads.measured("before", self.run_state.look(), self.run_state.harm))
        self._figure(harm_before=taken.harm, max_utilisation_before=taken.max_utilisation)

    def corrected(self, noise: float) -> None:
        """Write down anew the loads before anything was done, if their harm came from readings known to be false."""
        if abs(self.run_state.harm.total - (self.figures.harm_before or 0.0)) > noise:
            self.before()

    def incident(self) -> None:
        """Write down what was measured until now, and the incident that it shows."""
        run_state = self.run_state
        self.telemetry()
        if run_state.incident is not None:
            status = "open" if run_state.incident.symptoms else "healthy"
            self.store.save_incident(
                self.session.run,
                snapshot=run_state.inventory.id,
                status=status,
                opened=self.live.now,
                document=run_state.incident,
            )

    def telemetry(self) -> None:
        """Write down what was measured in the run until now."""
        self.store.append_telemetry(self.live.read_telemetry(self.run_state.since), self.run_state.inventory)

    def diagnosed(self) -> None:
        """Write down the state that was diagnosed, its loads, and the hypotheses that were ranked."""
        self._believe()
        if self.run_state.ranking is not None:
            self.store.save_hypotheses(self.session.run, ranked(self.run_state.ranking))
        self.loads_believed()

    def loads_believed(self) -> None:
        """Write down the loads of the state that is believed."""
        self._take(loads.simulated("diagnosed", self.run_state.state, self.run_state.policy.max_utilisation))

    def believed(self) -> None:
        """Write down the inventory and the state that is believed, where a plan was made or the network has changed."""
        self.store.save_snapshot(self.run_state.inventory, now=self.live.now)
        self._believe()

    def verdict(self) -> None:
        """Write down the plan that was decided on and what the gate found."""
        submission, decision = self.run_state.submission, self.run_state.decision
        if submission is None or decision is None or decision.verdict is None:
            return
        plan, found, now = submission.plan, decision.verdict, self.live.now
        self.store.save_plan(plan, now=now)
        self.store.save_verdict(found, now=now)
        self.session.journal.append(
            VerdictReached(round=self.run_state.round, plan=plan, verdict=found, passed=found.passed)
        )

    def certificate(self, plan: Plan, verdict: Verdict, certificate: Certificate) -> None:
        """Write down the certificate of a plan."""
        self.store.save_certificate(
            plan.hash, verdict=verdict, issued=certificate.issued, expires=certificate.expires, document=certificate
        )

    def planned(self, plan: Plan) -> None:
        """Write down the state that a plan leads to, as the twin simulates it."""
        run_state = self.run_state
        self.store.save_branch(run_state.state.id, plan.steps, now=self.live.now)
        taken = self._take(
            loads.simulated("planned", apply_all(run_state.state, plan.steps), run_state.policy.max_utilisation)
        )
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
        with self.run_state.span("observe", snapshot=configured.id):
            return observe(configured, self.live.read_telemetry(self.live.now - LOOKBACK), now=self.live.now)

    def mirror(self) -> None:
        """Make the twin's newest snapshot what the network is configured as now."""
        self.store.set_current(self._configured().id)

    def _configured(self) -> Network:
        configured = self.live.read_topology()
        self.store.save_snapshot(configured, now=self.live.now, parent=self.run_state.inventory.id)
        return configured

    def _believe(self) -> None:
        run_state = self.run_state
        self.store.save_snapshot(run_state.state, now=self.live.now, kind="diagnosed", parent=run_state.inventory.id)
        self.store.set_current(run_state.state.id)

    def _take(self, taken: LoadsTaken) -> LoadsTaken:
        self.session.journal.append(taken)
        return taken

    def _figure(self, **figures: float) -> None:
        self.figures = self.figures.model_copy(update=figures)
