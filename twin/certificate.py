"""Certificates: signed proof that exactly this plan passed the gate and was approved, for a limited time.

Signatures are Ed25519 (RFC 8032) over the canonical JSON of everything else in the certificate. The private key lives
in a file of its own that only its owner may read, away from the folders that agents write to.
"""

import os
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, Field

from .errors import CertificateError, StoreError
from .model import Frozen, Network
from .plan import Plan
from .policy import Policy, RiskTier
from .verdict import Verdict, risk_tier


class Approval(Frozen):
    """One decision on exactly one plan in one state. A person's is signed with a key of their own."""

    who: str = Field(min_length=1, max_length=100, description="A person's name, or verification-agent.")
    role: Literal["agent", "person"] = "agent"
    decision: Literal["approve", "reject"]
    plan: str = Field(description="Plan hash.")
    snapshot: str
    time: AwareDatetime
    reason: str = Field(default="", max_length=2000)
    key: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="A person's public key, 64 hex digits.")
    signature: str = Field(default="", pattern=r"^[0-9a-f]*$", description="Ed25519, 128 hex digits; a person's only.")

    @property
    def payload(self) -> bytes:
        """What a person signs: canonical JSON of everything but the signature."""
        return self.model_dump_json(exclude={"signature"}).encode()

    @property
    def is_signed(self) -> bool:
        """Whether the signature is that of the key it names."""
        return bool(self.key) and PublicKey(self.key).signed(self.payload, self.signature)


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
    expires: AwareDatetime
    signature: str = Field(default="", pattern=r"^[0-9a-f]*$", description="Ed25519, 128 hex digits.")

    @property
    def payload(self) -> bytes:
        """What is signed: canonical JSON of everything but the signature."""
        return self.model_dump_json(exclude={"signature"}).encode()


class PublicKey(NamedTuple):
    """The half of the key that may be shown: 64 hex digits."""

    hex: str

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the raw key."""
        return sha256(bytes.fromhex(self.hex)).hexdigest()[:16]

    def verifies(self, certificate: Certificate) -> bool:
        """Whether this key made the certificate's signature."""
        return self.signed(certificate.payload, certificate.signature)

    def signed(self, payload: bytes, signature: str) -> bool:
        """Whether this key made a signature, 128 hex digits, over a payload."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.hex))
            key.verify(bytes.fromhex(signature), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """An Ed25519 private key; it never shows itself in text."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self._key.public_key().public_bytes_raw().hex())

    def sign(self, payload: bytes) -> str:
        """Return the signature, 128 hex digits."""
        return self._key.sign(payload).hex()

    def approve(self, approval: Approval) -> Approval:
        """Return a person's decision with this key and its signature on it."""
        named = approval.model_copy(update={"role": "person", "key": self.public.hex})
        return named.model_copy(update={"signature": self.sign(named.payload)})

    @classmethod
    def create(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Make a new key and write it to a file that only its owner may read; an existing file is never overwritten.

        `runs` is the folder where agents' runs are kept: a key inside it is refused. Raises `StoreError`.
        """
        _require_outside(path, runs)
        key = Ed25519PrivateKey.generate()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(key.private_bytes_raw().hex() + "\n")
        except OSError as error:
            raise StoreError(
                f"cannot create the signing key {path}: {error.strerror}", fix="choose another key path"
            ) from error
        return cls(key)

    @classmethod
    def load(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Read a key; one that others may read, or that lies among the runs, is refused. Raises `StoreError`."""
        _require_outside(path, runs)
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii").strip()
            key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
        except OSError as error:
            raise StoreError(f"cannot read the signing key {path}: {error.strerror}", fix="create one") from error
        except ValueError as error:
            raise StoreError(
                f"{path} holds no Ed25519 key of 64 hex digits", fix="delete it to make a new one"
            ) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StoreError(
                f"others may read the signing key {path}", fix=f"chmod 600 {path}, or better make a new one"
            )
        return cls(key)

    @classmethod
    def open(cls, path: Path, *, runs: Path | None = None) -> "SigningKey":
        """Read the key, or make it when there is none yet. Raises `StoreError`."""
        return cls.load(path, runs=runs) if path.exists() else cls.create(path, runs=runs)


def issue(  # noqa: PLR0913 - all that is signed, and the clock
    plan: Plan,
    verdict: Verdict,
    policy: Policy,
    approvals: Sequence[Approval],
    *,
    key: SigningKey,
    now: datetime,
    ttl: timedelta = timedelta(minutes=30),
) -> Certificate:
    """Sign a certificate. Raises `CertificateError` with the reason why none may be issued.

    The verdict must have passed for exactly this plan, its snapshot and this policy; somebody must have approved
    exactly this plan in this state, as many different people among them as the policy asks for, each with a signature
    of their own; and nobody may have rejected it.
    """
    _require_verdict(plan, verdict, policy)
    tier = risk_tier(plan, verdict, policy)
    about = tuple(x for x in approvals if (x.plan, x.snapshot) == (plan.hash, plan.base))
    _require_approval(about, tier, policy)
    certificate = Certificate(
        plan=plan.hash,
        snapshot=plan.base,
        policy=policy.hash,
        tier=tier,
        checks=tuple(CheckResult(name=check.name, passed=check.passed) for check in verdict.checks),
        approvals=about,
        issuer=key.public.fingerprint,
        issued=now,
        expires=now + ttl,
    )
    return certificate.model_copy(update={"signature": key.sign(certificate.payload)})


def check(
    certificate: Certificate | None,
    plan: Plan,
    network: Network,
    policy: Policy,
    *,
    public_key: PublicKey,
    now: datetime,
) -> Certificate:
    """Return the certificate if it covers exactly this plan, state and policy now. Raises `CertificateError`.

    The signature is looked at first, so that nothing else is read from a certificate that nobody vouches for.
    """
    if certificate is None:
        raise CertificateError("there is no certificate for this plan", fix="have the plan verified and approved")
    if certificate.issuer != public_key.fingerprint:
        raise CertificateError(f"signed by a foreign key {certificate.issuer}", fix="verify and approve it here")
    if not public_key.verifies(certificate):
        raise CertificateError(
            "the certificate was forged or altered: its signature does not match", fix="issue it anew"
        )
    for held, asked, what, fix in (
        (certificate.plan, plan.hash, "plan", "the plan was edited after approval: verify and approve it again"),
        (certificate.snapshot, network.id, "snapshot", "the twin has moved on: plan again on the current snapshot"),
        (certificate.snapshot, plan.base, "snapshot", "the plan is for another snapshot: plan again"),
        (certificate.policy, policy.hash, "policy", "the policy has changed: verify and approve the plan again"),
    ):
        if held != asked:
            raise CertificateError(f"the certificate is for {what} {held}, not {asked}", fix=fix)
    if now < certificate.issued:
        raise CertificateError(
            f"the certificate is not valid before {certificate.issued:%F %T%z}", fix="check the clocks"
        )
    if now >= certificate.expires:
        raise CertificateError(
            f"the certificate expired at {certificate.expires:%F %T%z}", fix="approve the plan again"
        )
    failed = [result.name for result in certificate.checks if not result.passed]
    if failed or not certificate.checks:
        raise CertificateError(f"the certificate covers failed checks {failed}", fix="plan again")
    _require_approval(certificate.approvals, certificate.tier, policy)
    return certificate


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


def _require_approval(approvals: Sequence[Approval], tier: RiskTier, policy: Policy) -> None:
    rejected = [x for x in approvals if x.decision == "reject"]
    if rejected:
        raise CertificateError(f"{rejected[0].who} rejected the plan", fix="answer the reasons with another plan")
    approved = [x for x in approvals if x.decision == "approve"]
    if not approved:
        raise CertificateError("nobody has approved exactly this plan in this state", fix="ask for approval")
    people, asked = [x for x in approved if x.role == "person"], policy.people_for(tier)
    for person in people:
        if not person.is_signed:
            raise CertificateError(f"{person.who}'s approval is not signed by the key it names", fix="approve it again")
    different = min(len({x.who for x in people}), len({x.key for x in people}))
    if different < asked:
        needed = "a person's approval" if asked == 1 else f"approval by {asked} different people, and has {different}"
        raise CertificateError(f"a plan of {tier} risk needs {needed}", fix="ask a person to approve it")


def _require_outside(path: Path, runs: Path | None) -> None:
    if runs is not None and path.resolve().is_relative_to(runs.resolve()):
        raise StoreError(f"the signing key {path} may not lie among the runs in {runs}", fix="keep it elsewhere")
