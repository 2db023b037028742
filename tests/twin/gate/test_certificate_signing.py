import stat
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.twin.execute.approved import ADA, GRACE, KEY, KNOWN, NOW, PEOPLE, approval_of, approved
from tests.twin.gate.test_passkey import Authenticator
from tests.twin.optimise.networks import network_of
from twin.errors import CertificateError, StoreError
from twin.gate.certificate import (
    Approval,
    Authority,
    Certificate,
    CheckResult,
    Person,
    SigningKey,
    check,
    issue,
    objection,
)
from twin.gate.verdict import verify
from twin.model import SegmentList, Tunnel
from twin.plan import Plan, SetTunnel, SetWeight
from twin.policy import Policy

POLICY = Policy(max_blast_radius=1, max_failure_utilisation=10, max_delay_stretch=10)
NETWORK = network_of(
    [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 2), ("C", "D", 10, 2)], {("A", "D"): 9.0, ("B", "D"): 0.5}
)
HALF = (SegmentList(via=("C",), share=0.5), SegmentList(via=(), share=0.5))
PLAN = Plan(
    goal="relieve A->B",
    base=NETWORK.id,
    steps=(SetTunnel(tunnel=Tunnel(name="T1", source="A", target="D", paths=HALF, on_invalid="igp")),),
)
GOOD = approved(PLAN, NETWORK, POLICY)
HOUR = timedelta(hours=1)
STRICT = POLICY.model_copy(update={"person_from": "low", "two_people_from": "low"})


def signed(who: str, key: SigningKey = ADA, policy: Policy = STRICT, **changes: object) -> Approval:
    return key.approve(approval_of(PLAN, who=who, role="person", policy=policy.hash, **changes))


def checked(certificate: Certificate | None = GOOD.certificate, **changes: object) -> Certificate:
    arguments = {"plan": PLAN, "network": NETWORK, "policy": POLICY, "public_key": KEY.public, "now": NOW + HOUR}
    arguments["authority"] = PEOPLE
    return check(certificate, **{**arguments, **changes})


def resigned(**changes: object) -> Certificate:
    """A certificate altered by someone who holds the key."""
    altered = GOOD.certificate.model_copy(update=changes)
    return altered.model_copy(update={"signature": KEY.sign(altered.payload)})


def test_an_approved_plan_gets_a_certificate_that_holds():
    assert checked() == GOOD.certificate
    assert [x.name for x in GOOD.certificate.checks] == [x.name for x in GOOD.verdict.checks]


def test_a_certificate_survives_json():
    assert checked(Certificate.model_validate_json(GOOD.certificate.model_dump_json())) == GOOD.certificate


def test_no_certificate_is_refused():
    with pytest.raises(CertificateError, match="no certificate"):
        checked(None)


def test_a_plan_edited_after_approval_is_refused():
    edited = PLAN.model_copy(update={"steps": (*PLAN.steps, SetWeight(link="A->B", weight=3))})
    with pytest.raises(CertificateError, match="for plan") as error:
        checked(plan=edited)
    assert "edited after approval" in error.value.fix


def test_another_snapshot_is_refused():
    moved = NETWORK.with_demands(NETWORK.demands * 1.01)
    with pytest.raises(CertificateError, match="for snapshot"):
        checked(network=moved)


def test_another_policy_is_refused():
    with pytest.raises(CertificateError, match="for policy"):
        checked(policy=POLICY.model_copy(update={"max_steps": 3}))


def test_an_expired_certificate_is_refused():
    with pytest.raises(CertificateError, match="expired"):
        checked(now=NOW + timedelta(days=1))


def test_a_certificate_from_the_future_is_refused():
    with pytest.raises(CertificateError, match="not valid before"):
        checked(now=NOW - timedelta(seconds=1))


def test_a_foreign_key_is_refused(tmp_path):
    foreign = SigningKey.create(tmp_path / "key").public
    with pytest.raises(CertificateError, match="foreign key"):
        checked(public_key=foreign)
    with pytest.raises(CertificateError, match="signature does not match"):
        checked(GOOD.certificate.model_copy(update={"issuer": foreign.fingerprint}), public_key=foreign)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": NOW + timedelta(days=999)},
        {"tier": "low" if GOOD.certificate.tier != "low" else "high"},
        {"plan": "0" * 16},
        {"checks": (CheckResult(name="grounded", passed=True),)},
        {"approvals": (*GOOD.certificate.approvals, approval_of(PLAN, who="Eve", role="person"))},
        {"signature": ""},
        {"signature": "00" * 64},
        {"signature": GOOD.certificate.signature[:-1]},
    ],
)
def test_any_altered_field_breaks_the_signature(changes):
    with pytest.raises(CertificateError, match="signature does not match"):
        checked(GOOD.certificate.model_copy(update=changes))


def test_an_approval_that_was_taken_out_is_missed_even_with_the_right_key():
    with pytest.raises(CertificateError, match="nobody has approved"):
        checked(resigned(approvals=()))


def test_failed_checks_are_refused_even_with_the_right_key():
    for checks in ((CheckResult(name="nominal", passed=False),), ()):
        with pytest.raises(CertificateError, match="failed checks"):
            checked(resigned(checks=checks))


def issued(**changes: object) -> Certificate:
    arguments = {"plan": PLAN, "verdict": GOOD.verdict, "policy": POLICY, "approvals": [GOOD.approval]}
    return issue(**{"authority": PEOPLE, **arguments, **changes}, key=KEY, now=NOW)


def test_nothing_is_issued_without_an_approval():
    with pytest.raises(CertificateError, match="nobody has approved"):
        issued(approvals=[])


def test_an_approval_of_another_plan_or_state_does_not_count():
    for field in ("plan", "snapshot"):
        approval = GOOD.approval.model_copy(update={field: "0" * 16})
        with pytest.raises(CertificateError, match="nobody has approved"):
            issued(approvals=[approval])


def test_one_rejection_outweighs_every_approval():
    with pytest.raises(CertificateError, match="Ada rejected"):
        issued(approvals=[GOOD.approval, approval_of(PLAN, "reject", who="Ada", role="person")])


def test_a_failed_verdict_gets_no_certificate():
    harmful = Plan(goal="g", base=NETWORK.id, steps=(SetWeight(link="B->D", weight=50),))
    verdict = verify(harmful, NETWORK, POLICY)
    with pytest.raises(CertificateError, match=r"the gate failed the plan: .*useful"):
        issue(harmful, verdict, POLICY, [approval_of(harmful)], key=KEY, now=NOW)


def test_a_verdict_for_something_else_gets_no_certificate():
    for field in ("plan", "snapshot", "policy"):
        with pytest.raises(CertificateError, match=f"the verdict is for {field}"):
            issued(verdict=GOOD.verdict.model_copy(update={field: "0" * 16}))


def test_a_verdict_without_checks_gets_no_certificate():
    with pytest.raises(CertificateError, match="no check was made"):
        issued(verdict=GOOD.verdict.model_copy(update={"checks": ()}))


def test_a_person_must_approve_where_the_policy_asks_for_one():
    strict = POLICY.model_copy(update={"person_from": "medium"})
    verdict = verify(PLAN, NETWORK, strict)
    with pytest.raises(CertificateError, match="needs a person"):
        issued(policy=strict, verdict=verdict)
    with pytest.raises(CertificateError, match="Ada's approval is not signed"):
        issued(policy=strict, verdict=verdict, approvals=[GOOD.approval, approval_of(PLAN, who="Ada", role="person")])
    person = signed("Ada", policy=strict)
    certificate = issued(policy=strict, verdict=verdict, approvals=[GOOD.approval, person])
    assert checked(certificate, policy=strict, now=NOW).approvals == (GOOD.approval, person)


def by_people(*people: Approval, **changes: object) -> Certificate:
    verdict = verify(PLAN, NETWORK, STRICT)
    return issued(**{"policy": STRICT, "verdict": verdict, "approvals": [GOOD.approval, *people], **changes})


def test_the_highest_tier_takes_two_different_people_with_different_keys():
    ada, grace = signed("Ada"), signed("Grace", GRACE)
    twins = Authority(person={**KNOWN, "Eve": Person(ADA.public)}.get)
    for people in ([ada], [ada, ada], [ada, signed("Eve")]):
        with pytest.raises(CertificateError, match="2 different people, and has 1"):
            by_people(*people, authority=twins)
    certificate = by_people(ada, grace)
    assert checked(certificate, policy=STRICT, now=NOW) == certificate


def test_one_person_with_a_key_and_a_passkey_is_one_person():
    own = Authenticator()
    unsigned = approval_of(PLAN, who="Ada", role="person", policy=STRICT.hash, key=own.passkey.key)
    known = Authority(person={"Ada": Person(ADA.public, passkeys=(own.passkey,))}.get)
    with pytest.raises(CertificateError, match="2 different people, and has 1"):
        by_people(signed("Ada"), own.sign(unsigned), authority=known)


def test_only_people_who_are_known_now_by_the_key_they_signed_with_count():
    stranger = SigningKey(Ed25519PrivateKey.generate())
    ada = signed("Ada")
    for other, why in (
        (signed("Eve", stranger), "nobody called Eve may approve here"),
        (signed("Grace", stranger), f"with key {stranger.public.fingerprint}, and Grace is known by "),
        (signed("Grace", ADA), f"with key {ADA.public.fingerprint}, and Grace is known by "),
        (signed("Grace", GRACE, policy=POLICY), f"under policy {POLICY.hash}, not {STRICT.hash}"),
        (signed("Grace", GRACE, run="another"), "decided on run another, not none"),
    ):
        with pytest.raises(CertificateError, match=why):
            by_people(ada, other)
    with pytest.raises(CertificateError, match="nobody called Ada may approve here"):
        by_people(ada, signed("Grace", GRACE), authority=Authority())


def test_rights_end_at_the_risk_that_a_person_may_answer_for():
    limited = Authority(person={**KNOWN, "Grace": Person(GRACE.public, "low")}.get)
    assert GOOD.certificate.tier == "medium"
    with pytest.raises(CertificateError, match="Grace may approve plans up to low risk, and this one is of medium"):
        by_people(signed("Ada"), signed("Grace", GRACE), authority=limited)
    no, graces = signed("Grace", GRACE, decision="reject"), signed("Grace", GRACE)
    assert objection(no, "high", STRICT, limited) is None  # whoever may decide at all may reject
    assert "not signed" in objection(graces.model_copy(update={"role": "agent"}), "low", STRICT, limited)
    agent = graces.model_copy(update={"role": "agent"})
    agents_own = agent.model_copy(update={"signature": GRACE.sign(agent.payload)})
    assert "not signed" in objection(agents_own, "low", STRICT, limited)


def test_a_certificate_falls_with_the_people_it_stands_on():
    certificate = by_people(signed("Ada"), signed("Grace", GRACE))
    for gone in KNOWN:
        left = Authority(person={name: person for name, person in KNOWN.items() if name != gone}.get)
        with pytest.raises(CertificateError, match=f"nobody called {gone} may approve here"):
            checked(certificate, policy=STRICT, now=NOW, authority=left)


def test_the_policy_in_force_is_the_operators_and_no_other():
    strict = Authority(policy=lambda: STRICT)
    for refused in (lambda: issued(authority=strict), lambda: checked(authority=strict)):
        with pytest.raises(
            CertificateError, match=f"in force is {STRICT.hash}, and the plan was judged under {POLICY.hash}"
        ):
            refused()


def test_a_certificate_for_a_window_holds_within_it_and_not_before():
    begins = NOW + 2 * HOUR
    assert issued(not_before=NOW - HOUR).not_before == NOW
    certificate = issued(not_before=begins, ttl=4 * HOUR)
    for early in (NOW, begins - timedelta(seconds=1)):
        with pytest.raises(CertificateError, match="not valid before 2026-03-01 14:00:00"):
            checked(certificate, now=early)
    assert checked(certificate, now=begins) == certificate
    with pytest.raises(CertificateError, match="expired"):
        checked(certificate, now=NOW + 4 * HOUR)
    with pytest.raises(CertificateError, match="before it holds"):
        issued(not_before=begins, ttl=2 * HOUR)


def test_no_certificate_outlasts_the_plan():
    ended = PLAN.ending(NETWORK, NOW + HOUR / 2)
    full = POLICY.model_copy(update={"max_utilisation": 1.0})
    known = approved(ended, NETWORK, full)
    assert known.certificate.expires == ended.until < NOW + HOUR
    with pytest.raises(CertificateError, match="expired"):
        checked(known.certificate, plan=ended, policy=full, now=ended.until)
    with pytest.raises(CertificateError, match="before it holds"):
        approved(ended, NETWORK, full, now=ended.until)


@pytest.mark.parametrize("change", [{"who": "Eve"}, {"reason": "sure"}, {"key": GRACE.public.hex}])
def test_a_persons_approval_that_was_altered_does_not_count(change):
    altered = signed("Ada", policy=POLICY).model_copy(update=change)
    assert not altered.is_signed
    with pytest.raises(CertificateError, match="not signed"):
        issued(approvals=[GOOD.approval, altered])


def test_a_key_is_written_for_its_owner_only_and_read_back(tmp_path):
    path = tmp_path / "keys" / "signing"
    key = SigningKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).public == key.public
    assert SigningKey.open(path).public == key.public


def test_a_key_is_made_when_there_is_none(tmp_path):
    assert SigningKey.open(tmp_path / "signing").public == SigningKey.load(tmp_path / "signing").public


def test_an_existing_key_is_never_overwritten(tmp_path):
    SigningKey.create(tmp_path / "signing")
    with pytest.raises(StoreError, match="cannot create"):
        SigningKey.create(tmp_path / "signing")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    SigningKey.create(tmp_path / "signing")
    (tmp_path / "signing").chmod(mode)
    with pytest.raises(StoreError, match="others may read"):
        SigningKey.load(tmp_path / "signing")


def test_a_key_among_the_runs_is_refused(tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(StoreError, match="may not lie among the runs"):
        SigningKey.create(runs / "r1" / "key", runs=runs)
    assert not runs.exists()
    key = SigningKey.create(runs / "r1" / "key")
    (tmp_path / "linked").symlink_to(runs / "r1" / "key")
    for path in (runs / "r1" / "key", tmp_path / "runs" / ".." / "runs" / "r1" / "key", tmp_path / "linked"):
        for read in (SigningKey.load, SigningKey.open):
            with pytest.raises(StoreError, match="may not lie among the runs"):
                read(path, runs=runs)
    assert SigningKey.load(runs / "r1" / "key").public == key.public


def test_what_is_no_key_is_refused(tmp_path):
    path = tmp_path / "signing"
    path.touch(0o600)
    path.write_text("hello")
    with pytest.raises(StoreError, match="holds no Ed25519 key"):
        SigningKey.load(path)
    with pytest.raises(StoreError, match="cannot read"):
        SigningKey.load(tmp_path / "missing")


def test_a_key_never_shows_itself(tmp_path):
    key = SigningKey.create(tmp_path / "signing")
    assert (tmp_path / "signing").read_text().strip() not in repr(key) + str(vars(key))
