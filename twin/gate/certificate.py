"""Certificates: signed proof that exactly this plan passed the gate and was approved, for a limited time.

The signature covers everything else in the certificate. It proves what was decided, not who may decide: that is asked
of the operator's home each time a certificate is issued or used, and never of anything that lies beside the plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from twin.errors import CertificateError
from twin.model import Frozen, Network
from twin.plan import Plan
from twin.policy import TIERS, Policy, RiskTier
from twin.printed import utc
from twin.untrusted import clean

from .passkey import Passkey, passkey_objection
from .signing import Approval, PublicKey, SigningKey
from .verdict import Verdict, risk_tier

__all__ = [
    "NOBODY",
    "Approval",
    "Authority",
    "Certificate",
    "CheckResult",
    "Person",
    "PublicKey",
    "SigningKey",
    "check",
    "issue",
    "objection",
]


class Person(NamedTuple):
    """Somebody who may approve: the keys that they are known by, and the highest risk that they may answer for."""

    key: PublicKey | None
    up_to: RiskTier = "high"
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True)
class Authority:
    """What the operator says now: who may approve, and under which policy a run works.

    Both are asked anew each time they matter, so that whoever was removed counts no more from then on. `person` knows
    nobody unless told otherwise; `policy` gives None where no other than the caller's is in force. `run` is the run
    whose plans are meant, empty for a plan that is no run's.
    """

    person: Callable[[str], Person | None] = lambda _who: None
    policy: Callable[[], Policy | None] = lambda: None
    run: str = ""


NOBODY = Authority()


class CheckResult(Frozen):
    """A check's name and whether it passed."""

    name: str
    passed: bool


class Certificate(Frozen):
    """What the executor asks for. `signature` covers every other field."""

    plan: str = Field(description="Plan hash.")
    snapshot: str
    policy: str = Field(description="Policy hash.")
    tier: RiskTier
    checks: tuple[CheckResult, ...]
    approvals: tuple[Approval, ...]
    issuer: str = Field(description="Fingerprint of the public key, 16 hex digits.")
    issued: AwareDatetime
    not_before: AwareDatetime = Field(description="When it begins to hold: the start of its window, if it is for one.")
    expires: AwareDatetime
    signature: str = Field(default="", pattern=r"^[0-9a-f]*$", description="Ed25519, 128 hex digits.")

    @property
    def payload(self) -> bytes:
        """What is signed: canonical JSON of everything but the signature."""
        return self.model_dump_json(exclude={"signature"}).encode()


def issue(  # noqa: PLR0913 - all that is signed, who may, and the clock
    plan: Plan,
    verdict: Verdict,
    policy: Policy,
    approvals: Sequence[Approval],
    *,
    key: SigningKey,
    now: datetime,
    ttl: timedelta = timedelta(minutes=30),
    not_before: datetime | None = None,
    authority: Authority = NOBODY,
) -> Certificate:
    """Sign a certificate that holds from `not_before`, or now, until `ttl` from now, and no longer than the plan stays.

    The verdict must have passed for exactly this plan, its snapshot and this policy, which must be the one in force;
    somebody must have approved exactly this plan in this state, as many different people among them as the policy asks
    for, each of them known to `authority` by the key that they signed with; and nobody may have rejected it.

    Raises `CertificateError` with the reason why none may be issued.
    """
    _require_policy_in_force(policy, authority)
    _require_verdict(plan, verdict, policy)
    tier = risk_tier(plan, verdict, policy)
    about = tuple(x for x in approvals if (x.plan, x.snapshot) == (plan.hash, plan.base))
    _require_approval(about, tier, policy, authority)
    begins, expires = _term(plan, now, not_before or now, now + ttl)
    certificate = Certificate(
        plan=plan.hash,
        snapshot=plan.base,
        policy=policy.hash,
        tier=tier,
        checks=tuple(CheckResult(name=check.name, passed=check.passed) for check in verdict.checks),
        approvals=about,
        issuer=key.public.fingerprint,
        issued=now,
        not_before=begins,
        expires=expires,
    )
    return certificate.model_copy(update={"signature": key.sign(certificate.payload)})


def check(  # noqa: PLR0913 - what it is to cover, who may, and the clock
    certificate: Certificate | None,
    plan: Plan,
    network: Network,
    policy: Policy,
    *,
    public_key: PublicKey,
    now: datetime,
    authority: Authority = NOBODY,
) -> Certificate:
    """Return the certificate if it covers exactly this plan, state and policy now. Raises `CertificateError`.

    The signature is looked at first, so that nothing else is read from a certificate that nobody vouches for. The
    people in it must still be known to `authority`. To be called before every single step: time passes between them.
    """
    if certificate is None:
        raise CertificateError("there is no certificate for this plan", fix="have the plan verified and approved")
    _require_signature(certificate, public_key)
    for held, asked, what, fix in (
        (certificate.plan, plan.hash, "plan", "the plan was edited after approval: verify and approve it again"),
        (certificate.snapshot, network.id, "snapshot", "the twin has moved on: plan again on the current snapshot"),
        (certificate.snapshot, plan.base, "snapshot", "the plan is for another snapshot: plan again"),
        (certificate.policy, policy.hash, "policy", "the policy has changed: verify and approve the plan again"),
    ):
        if held != asked:
            raise CertificateError(f"the certificate is for {what} {held}, not {asked}", fix=fix)
    _require_time(certificate, now)
    closed = policy.closed(now)
    if closed:
        raise CertificateError(f"no step may be made at {utc(now)}: it is {closed}", fix="wait until a window is open")
    failed = [result.name for result in certificate.checks if not result.passed]
    if failed or not certificate.checks:
        raise CertificateError(f"the certificate covers failed checks {failed}", fix="plan again")
    _require_policy_in_force(policy, authority)
    _require_approval(certificate.approvals, certificate.tier, policy, authority)
    return certificate


def objection(approval: Approval, tier: RiskTier, policy: Policy, authority: Authority) -> str | None:
    """Say why a person's decision does not count for a plan of this risk, None when it does."""
    who, person = clean(approval.who), authority.person(approval.who)
    if approval.role != "person" or not (approval.is_signed or approval.assertion):
        return f"{who}'s approval is not signed by the key it names"
    if person is None:
        made = PublicKey(approval.key).fingerprint
        return f"nobody called {who} may approve here: the approval is signed with key {made}"
    unknown = _unknown(approval, person, who)
    if unknown is not None:
        return unknown
    if approval.run != authority.run:
        return f"{who} decided on run {clean(approval.run) or 'none'}, not {authority.run or 'none'}"
    if approval.policy != policy.hash:
        return f"{who} decided under policy {clean(approval.policy) or 'none'}, not {policy.hash}"
    if approval.decision == "approve" and TIERS.index(tier) > TIERS.index(person.up_to):
        return f"{who} may approve plans up to {person.up_to} risk, and this one is of {tier} risk"
    return None


def _unknown(approval: Approval, person: Person, who: str) -> str | None:
    """Say why a decision is not signed by a key that the person is known by, None when it is."""
    if approval.assertion is not None:
        known = next((x for x in person.passkeys if x.key == approval.key), None)
        if known is None:
            return f"{who}'s approval is signed with a passkey that nobody enrolled for {who}"
        against = passkey_objection(approval, known)
        return f"{who}'s approval does not hold: {against}" if against else None
    if person.key is None or approval.key != person.key.hex:
        made = PublicKey(approval.key).fingerprint
        known_by = person.key.fingerprint if person.key else "a passkey alone"
        return f"{who}'s approval is signed with key {made}, and {who} is known by {known_by}"
    return None


def _term(plan: Plan, now: datetime, begins: datetime, expires: datetime) -> tuple[datetime, datetime]:
    """From when until when a certificate is to hold: not before now, and no longer than the plan stays."""
    begins, expires = max(now, begins), min(expires, plan.until or expires)
    if expires <= begins:
        raise CertificateError(f"the certificate would expire at {utc(expires)}, before it holds", fix="plan again")
    return begins, expires


def _require_signature(certificate: Certificate, public_key: PublicKey) -> None:
    if certificate.issuer != public_key.fingerprint:
        raise CertificateError(f"signed by a foreign key {certificate.issuer}", fix="verify and approve it here")
    if not public_key.signed(certificate.payload, certificate.signature):
        raise CertificateError(
            "the certificate was forged or altered: its signature does not match", fix="issue it anew"
        )


def _require_time(certificate: Certificate, now: datetime) -> None:
    begins = max(certificate.issued, certificate.not_before)
    if now < begins:
        fix = "check the clocks" if now < certificate.issued else "wait until its window begins"
        raise CertificateError(f"the certificate is not valid before {utc(begins)}, it is {utc(now)}", fix=fix)
    if now >= certificate.expires:
        raise CertificateError(
            f"the certificate expired at {utc(certificate.expires)}, it is {utc(now)}",
            fix="approve the plan again",
        )


def _require_policy_in_force(policy: Policy, authority: Authority) -> None:
    in_force = authority.policy()
    if in_force is not None and in_force.hash != policy.hash:
        raise CertificateError(
            f"the policy in force is {in_force.hash}, and the plan was judged under {policy.hash}",
            fix="verify and approve the plan again",
        )


def _require_verdict(plan: Plan, verdict: Verdict, policy: Policy) -> None:
    for held, asked, what in (
        (verdict.plan, plan.hash, "plan"),
        (verdict.snapshot, plan.base, "snapshot"),
        (verdict.policy, policy.hash, "policy"),
    ):
        if held != asked:
            raise CertificateError(
                f"the verdict is for {what} {held}, not {asked}", fix="verify exactly this plan again"
            )
    if not verdict.passed:
        names = ", ".join(check.name for check in verdict.checks if not check.passed)
        raise CertificateError(f"the gate failed the plan: {names or 'no check was made'}", fix="plan again")


def _require_approval(approvals: Sequence[Approval], tier: RiskTier, policy: Policy, authority: Authority) -> None:
    rejected = [x for x in approvals if x.decision == "reject"]
    if rejected:
        raise CertificateError(
            f"{clean(rejected[0].who)} rejected the plan", fix="answer the reasons with another plan"
        )
    if not approvals:
        raise CertificateError("nobody has approved exactly this plan in this state", fix="ask for approval")
    people, asked = [x for x in approvals if x.role == "person"], policy.people_for(tier)
    for person in people:
        against = objection(person, tier, policy, authority)
        if against is not None:
            raise CertificateError(against, fix="have it approved by somebody who may")
    different = min(len({x.who for x in people}), len({x.key for x in people}))
    if different < asked:
        needed = "a person's approval" if asked == 1 else f"approval by {asked} different people, and has {different}"
        raise CertificateError(f"a plan of {tier} risk needs {needed}", fix="ask a person to approve it")
