"""The questions of an audit that the record, the operator's home and the certificates answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from agents.record.charter import Charter, against, beyond
from agents.record.events import ApprovalGiven, CertificateIssued, StageFinished, VerdictReached
from agents.record.files import CERTIFICATE, PLAN
from agents.record.history import RunHistory
from tools.box.handover import Decision
from twin.errors import TwinError
from twin.formats.plan import read_plan
from twin.gate.certificate import Approval, Certificate, Person, SigningKey
from twin.gate.passkey import passkey_objection
from twin.gate.verdict import risk_tier
from twin.untrusted import clean

Finding = Literal["holds", "broken", "cannot be told"]


class Answer(NamedTuple):
    """A finding, and why it is no better."""

    finding: Finding
    because: str = ""


class Issued(NamedTuple):
    """A certificate on record: its number, what its record says it is for, and itself."""

    record: int
    plan: str
    snapshot: str
    certificate: Certificate


def start_of(past: RunHistory, charter: Charter | None) -> Answer:
    """Whether the run may do what this place let it do, and nothing else."""
    if charter is None:
        return Answer("cannot be told", against(past, None) or "")
    if charter.started != past.started:
        return Answer("broken", against(past, charter) or "")
    return Answer("holds")


def head_of(past: RunHistory, charter: Charter | None, head: str | None) -> Answer:
    """Whether the record ends where this place saw it end, and with the head that somebody kept."""
    ends = past.reading.head
    if head is not None and head != ends:
        return Answer("broken", f"the record ends with {ends[:16]}, and {head[:16]} was kept")
    if charter is None:
        return Answer("holds") if head is not None else Answer("cannot be told", "no head was kept here")
    if charter.started == past.started and (because := against(past, charter)) is not None:
        return Answer("broken", because)
    if (claim := beyond(past, charter)) is not None:
        return Answer("broken", f"record {claim.seq + 1}, {claim.event.kind!r}, was not written here")
    if head is None and len(past.reading.records) > charter.records:
        return Answer("cannot be told", f"a head was kept of the first {charter.records} records only")
    return Answer("holds")


def issued_in(past: RunHistory) -> tuple[Issued, ...]:
    """Every certificate on record. Raises `ValidationError` when one is none."""
    found = ((x.seq + 1, x.event) for x in past.reading.records)
    return tuple(
        Issued(number, event.plan, event.snapshot, Certificate.model_validate(event.certificate))
        for number, event in found
        if isinstance(event, CertificateIssued)
    )


def certificate_of(past: RunHistory, home: Path) -> Answer:
    """Whether every certificate is this place's, and the one in the folder is the last on record."""
    try:
        issued = issued_in(past)
    except ValidationError:
        return Answer("broken", "a certificate on record is none")
    beside = past.folder / CERTIFICATE
    if not issued:
        stray = beside.exists()
        return Answer("broken", "certificate.json is there, and none is on record") if stray else Answer("holds")
    try:
        public = SigningKey.load(home / "signing.key").public
    except TwinError as error:
        return Answer("cannot be told", str(error))
    for number, _, _, certificate in issued:
        if certificate.issuer != public.fingerprint:
            return Answer("broken", f"record {number} is signed by {certificate.issuer}, not {public.fingerprint}")
        if not public.signed(certificate.payload, certificate.signature):
            return Answer("broken", f"the signature of record {number} does not match")
    try:
        same = Certificate.model_validate_json(beside.read_bytes()) == issued[-1].certificate
    except OSError:
        return Answer("cannot be told", "certificate.json cannot be read")
    except ValidationError:
        same = False
    return Answer("holds") if same else Answer("broken", "certificate.json is not the certificate on record")


def judgement_of(past: RunHistory) -> Answer:
    """Whether certificate, verdict, decision and plan say the same of the same, one by one."""
    try:
        because = next(_contradictions(past), None)
    except ValidationError:
        because = "a certificate on record is none"
    return Answer("broken", because) if because else Answer("holds")


def _contradictions(past: RunHistory) -> Iterator[str]:
    reached = [(x.seq + 1, x.event) for x in past.reading.records if isinstance(x.event, VerdictReached)]
    for number, event in reached:
        about = (event.verdict.plan, event.verdict.snapshot, event.verdict.policy)
        if about != (event.plan.hash, event.plan.base, past.started.policy.hash):
            yield f"the verdict of record {number} is about something else than its plan and policy"
        if event.passed != event.verdict.passed:
            yield f"record {number} says passed={event.passed}, and its checks say otherwise"
    for issued in issued_in(past):
        before = [event for number, event in reached if number < issued.record and event.plan.hash == issued.plan]
        if not before:
            yield f"the certificate of record {issued.record} is for a plan that no verdict is about"
            continue
        yield from _differing(past, issued, before[-1])
    if past.certified is not None:
        try:
            beside = read_plan(past.folder / PLAN).hash
        except TwinError:
            beside = "unreadable"
        if beside != past.certified.hash:
            yield f"plan.json is {beside}, and plan {past.certified.hash} was certified"


def _differing(past: RunHistory, issued: Issued, reached: VerdictReached) -> Iterator[str]:
    certificate, plan, verdict = issued.certificate, reached.plan, reached.verdict
    for what, held, wanted in (
        ("plan", (issued.plan, certificate.plan), (plan.hash, plan.hash)),
        ("snapshot", (issued.snapshot, certificate.snapshot), (plan.base, plan.base)),
        ("policy", certificate.policy, past.started.policy.hash),
        ("risk", certificate.tier, risk_tier(plan, verdict, past.started.policy)),
        ("checks", [(x.name, x.passed) for x in certificate.checks], [(x.name, x.passed) for x in verdict.checks]),
        ("passing verdict", True, verdict.passed),
    ):
        if held != wanted:
            yield f"the certificate of record {issued.record} and the verdict differ in {what}: {held}, {wanted}"
    handed = (x.handover for x in past.events if isinstance(x, StageFinished))
    if not any(isinstance(x, Decision) and x.approved and x.plan == issued.plan for x in handed):
        yield f"record {issued.record} certifies a plan that verification did not approve"


def approvals_by(past: RunHistory, person: Callable[[str], Person | None]) -> Answer:
    """Whether as many people as the policy asks for approved what was certified, by the keys they are known by."""
    given = [x.event.approval for x in past.reading.records if isinstance(x.event, ApprovalGiven)]
    try:
        issued = issued_in(past)
    except ValidationError:
        return Answer("broken", "a certificate on record is none")
    for one in issued:
        people = [x for x in one.certificate.approvals if x.role == "person"]
        asked = past.started.policy.people_for(one.certificate.tier)
        if len({x.who for x in people}) < asked or len({x.key for x in people}) < asked:
            return Answer("broken", f"record {one.record} certifies for {asked} people, and {len(people)} approved")
        if any(x not in given or x.decision != "approve" or x.plan != one.plan for x in people):
            return Answer("broken", f"record {one.record} certifies for people whose approval is not on record")
        if any(x.decision == "reject" and x.plan == one.plan for x in given):
            return Answer("broken", f"record {one.record} certifies a plan that somebody rejected")
    answers = [_signed_by(x, past, person(x.who)) for x in given]
    worst = [x for x in answers if x.finding == "broken"] or [x for x in answers if x.finding != "holds"]
    return worst[0] if worst else Answer("holds")


def _signed_by(approval: Approval, past: RunHistory, person: Person | None) -> Answer:
    who = clean(approval.who)
    if approval.role != "person" or not (approval.is_signed or approval.assertion):
        return Answer("broken", f"{who}'s decision is not signed by the key it names")
    about = (approval.run, approval.policy)
    if about != (past.started.run, past.started.policy.hash):
        return Answer("broken", f"{who} decided on another run, or under another policy")
    if person is None:
        return Answer("cannot be told", f"nobody called {who} may approve here")
    if approval.assertion is not None:
        known = next((x for x in person.passkeys if x.key == approval.key), None)
        against = passkey_objection(approval, known) if known else "it is signed with a passkey that is not theirs"
        return Answer("broken", f"{who}'s decision does not hold: {against}") if against else Answer("holds")
    if person.key is None or approval.key != person.key.hex:
        return Answer("broken", f"{who}'s decision is signed with another key than theirs")
    return Answer("holds")
