"""A plan that passes the gate, with everything that is needed to have it executed."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twin.gate.certificate import Approval, Authority, Certificate, Person, SigningKey, issue
from twin.gate.verdict import Verdict, verify
from twin.model import Network
from twin.plan import Plan
from twin.policy import Policy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


ADA, GRACE = (SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))) for number in (7, 8))
KNOWN = {"Ada": Person(ADA.public), "Grace": Person(GRACE.public)}
PEOPLE = Authority(person=KNOWN.get)


class Approved(NamedTuple):
    plan: Plan
    network: Network
    policy: Policy
    verdict: Verdict
    approval: Approval
    certificate: Certificate


def approval_of(plan: Plan, decision: str = "approve", **changes: object) -> Approval:
    fields = {"who": "verification-agent", "decision": decision, "plan": plan.hash, "snapshot": plan.base, "time": NOW}
    return Approval.model_validate({**fields, **changes})


def approved(plan: Plan, network: Network, policy: Policy, *, now: datetime = NOW) -> Approved:
    verdict = verify(plan, network, policy)
    assert verdict.passed, [check.detail for check in verdict.checks if not check.passed]
    approval = approval_of(plan)
    certificate = issue(plan, verdict, policy, [approval], key=KEY, now=now, ttl=timedelta(days=1))
    return Approved(plan, network, policy, verdict, approval, certificate)
