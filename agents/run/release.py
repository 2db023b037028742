"""What stands between a verified plan and its first step: people, the hours of its window, and the signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.record.events import CertificateIssued, WindowRehearsed
from agents.record.files import CERTIFICATE, PLAN
from agents.record.journal import Journal
from tools.box.run_state import RunState
from twin.errors import CertificateError
from twin.execute.render import Inventory
from twin.files import write_text
from twin.formats.plan import write_plan
from twin.gate.certificate import NOBODY, Approval, Authority, Certificate, SigningKey, issue, objection
from twin.gate.verdict import risk_tier
from twin.live.network import LiveNetwork
from twin.policy import RiskTier
from twin.printed import utc

from .by_people import approved, by_verification, lines_to_type, people_of_run, rehearsed, validity
from .twin_record import TwinRecord


@dataclass
class Release:
    """Lets go of the plan of a run: whom it waits for, and the certificate once nobody is waited for any more."""

    run_state: RunState
    journal: Journal
    written: TwinRecord
    live: LiveNetwork
    key: SigningKey
    folder: Path
    authority: Authority = NOBODY
    known: Inventory | None = None
    approvals: Sequence[Approval] = ()
    certificate: Certificate | None = None
    waits_for: int | None = None

    def withdraw(self) -> None:
        """Forget who approved and what was signed: the next plan is for another state."""
        self.approvals, self.certificate = (), None

    def waits_because(self) -> str | None:
        """Return why the approved plan has to wait for people and be read, None when it may be executed."""
        submission, decision = approved(self.run_state)
        if decision.verdict is None:
            return None
        tier = risk_tier(submission.plan, decision.verdict, self.run_state.policy)
        needed = people_of_run(self.run_state, tier, by_hand=self.live.declared.by_hand)
        self.waits_for = None
        if needed.may_act and len(self._counting(needed.tier)) >= needed.people:
            return None
        write_plan(submission.plan, self.folder / PLAN, self.run_state.state)
        if self.known is not None:
            self.journal.append(lines_to_type(submission.plan, self.run_state.state, self.known))
        self.waits_for = needed.people if needed.may_act else 0
        return needed.because

    async def approve(self) -> str:
        """Sign the plan that verification approved. Raises `CertificateError`."""
        submission, decision = approved(self.run_state)
        plan, verdict, now = submission.plan, decision.verdict, self.live.now
        if verdict is None:
            raise CertificateError("there is no verdict for this plan", fix="have it verified")
        approvals = [
            by_verification(plan, decision, self.run_state.policy, now),
            *self._counting(risk_tier(plan, verdict, self.run_state.policy)),
        ]
        certificate = issue(
            plan,
            verdict,
            self.run_state.policy,
            approvals,
            key=self.key,
            now=now,
            ttl=validity(self.run_state.goal, len(plan.steps), self.run_state.look(), now),
            not_before=self.run_state.goal.since if self.run_state.goal else None,
            authority=self.authority,
        )
        self.written.certificate(plan, verdict, certificate)
        write_plan(plan, self.folder / PLAN, self.run_state.state)
        write_text(self.folder / CERTIFICATE, certificate.model_dump_json(indent=2) + "\n")
        self.certificate = certificate
        self.journal.append(
            CertificateIssued(plan=plan.hash, snapshot=plan.base, certificate=certificate.model_dump(mode="json"))
        )
        self.written.planned(plan)
        return f"{certificate.tier} risk, signed until {utc(certificate.expires)}"

    async def rehearse_window(self) -> bool:
        """Rehearse the approved plan at every hour of the window of the run's goal, on the record."""
        plan = approved(self.run_state)[0].plan
        window = await rehearsed(self.run_state, plan)
        if window is not None:
            self.journal.append(WindowRehearsed(plan=plan.hash, safe=window.safe, window=window))
        return window is None or window.safe

    def _counting(self, tier: RiskTier) -> list[Approval]:
        policy, authority = self.run_state.policy, self.authority
        return [x for x in self.approvals if objection(x, tier, policy, authority) is None]
