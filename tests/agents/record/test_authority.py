"""Whoever can write a run's folder, but neither the operator's home nor a key, gets nothing done with it.

The kind: anything in a run's folder that says who may do what, under which limits, or that somebody agreed. Each test
writes such a claim, with a chain of its own that is sound, and nothing else than the folder.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.record.approvers import enrol, key_of, person_of
from agents.record.audit.audit import audit_run
from agents.record.events import (
    ApprovalGiven,
    CertificateIssued,
    Event,
    ExecutionStep,
    RunFinished,
    RunStarted,
    VerdictReached,
)
from agents.record.history import read_history
from agents.record.records import GENESIS, body, digest, read_journal
from agents.record.spelling import canonical
from agents.record.spending import RunBudget
from agents.record.waiting import decide, pending
from agents.run.resume import resume_run
from agents.run.run import RunResult
from tests.agents.incidents import perform, request
from twin.errors import AuthorityError, CertificateError, RefusedError, StoreError, TwinError
from twin.gate.certificate import Approval, SigningKey
from twin.policy import Policy
from twin.store import TwinStore

TWO = Policy(person_from="low", two_people_from="low")
WEAK = TWO.model_copy(update={"person_from": "never", "max_blast_radius": 1.0})
PEOPLE = ("ada", "grace")
Line = tuple[datetime, Event]
Forging = Callable[[list[Line]], Sequence[Line]]


class Place(NamedTuple):
    home: Path
    folder: Path
    other: Path


@pytest.fixture(scope="module", name="staged")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the same request that wait for two people, and the people."""
    tmp = tmp_path_factory.mktemp("authority")
    for _ in range(2):
        assert perform(tmp, request(policy=TWO)).result.finished.outcome == "awaiting approval"
    for name in PEOPLE:
        enrol(tmp / "home", name)
    return tmp


@pytest.fixture(name="place")
def _place(staged: Path, tmp_path: Path) -> Place:
    shutil.copytree(staged, tmp_path / "place")
    folder, other = sorted((tmp_path / "place" / "runs").iterdir())
    return Place(tmp_path / "place" / "home", folder, other)


def approve(place: Place, who: str, decision: str = "approve", folder: Path | None = None) -> None:
    decide(
        folder or place.folder,
        decision,
        who=who,
        key=key_of(place.home, who),
        clock=lambda: datetime.now(UTC),
        home=place.home,
    )


def resume(place: Place, **options: object) -> RunResult:
    return asyncio.run(resume_run(place.folder, home=place.home, **options))


def forge(folder: Path, forging: Forging) -> None:
    """Write a record anew, with a chain that is sound."""
    path = folder / "journal.jsonl"
    lines = forging([(record.time, record.event) for record in read_journal(path).records])
    head, written = GENESIS, []
    for seq, (time, event) in enumerate(lines):
        content = body(seq, time, head, event)
        head = digest(content)
        written.append(canonical({**content, "hash": head}) + b"\n")
    path.write_bytes(b"".join(written))


def each(kind: type[Event], **changes: object) -> Forging:
    return lambda lines: [(t, x.model_copy(update=changes) if isinstance(x, kind) else x) for t, x in lines]


def approval(folder: Path, who: str, key: SigningKey, **changes: object) -> ApprovalGiven:
    past = read_history(folder)
    assert past.plan_and_verdict is not None
    plan, run, now = past.plan_and_verdict[0], past.started.run, datetime.now(UTC)
    fields = {"who": who, "role": "person", "decision": "approve", "plan": plan.hash, "snapshot": plan.base}
    about = {"policy": past.started.policy.hash, "run": run, "time": now}
    return ApprovalGiven(approval=key.approve(Approval.model_validate({**fields, **about, **changes})))


def added(*events: Event) -> Forging:
    return lambda lines: [*lines, *((datetime.now(UTC), event) for event in events)]


def changes_made(folder: Path) -> int:
    return (folder / "network.jsonl").read_text().count('"did":"apply"')


def assert_refused(place: Place, why: str) -> None:
    """One line, nothing done, and an audit that sees it."""
    before = (place.folder / "journal.jsonl").read_bytes()
    with pytest.raises(RefusedError, match=why) as error:
        resume(place)
    assert "\n" not in str(error.value)
    assert (place.folder / "journal.jsonl").read_bytes() == before
    assert changes_made(place.folder) == 0
    report = audit_run(place.folder, home=place.home)
    assert report.broken, report.findings
    (listed,) = [
        x for x in pending(place.folder.parent, datetime.now(UTC), place.home) if x.folder == str(place.folder)
    ]
    assert (listed.refused != "", listed.approved) == (True, ())


def test_two_people_approve_and_everything_holds_but_a_step_on_record_that_was_not_made(place: Place):
    for who in PEOPLE:
        approve(place, who)
    result = resume(place)
    assert result.finished.outcome == "resolved"
    report = audit_run(place.folder, home=place.home, head=result.head)
    assert report.findings == dict.fromkeys(report.findings, "holds"), report.reasons
    assert report.sound

    # announced, on record as not made, and announced again is sound; on record as made it is not
    steps = [x for x in read_history(place.folder).events if isinstance(x, ExecutionStep)]
    first = next(x for x in steps if x.action == "apply")

    def announced(*actions: str) -> Forging:
        told = [first.model_copy(update={"action": x}) for x in actions]
        return lambda lines: [
            other for t, x in lines for other in ([(t, y) for y in told] if x == first else []) + [(t, x)]
        ]

    sound = (place.folder / "journal.jsonl").read_bytes()
    found = []
    for actions in (("apply", "disagree", "not made"), ("apply", "not made"), ("apply", "agree")):
        (place.folder / "journal.jsonl").write_bytes(sound)
        forge(place.folder, announced(*actions))
        found.append(audit_run(place.folder, home=place.home).effects)
    assert found == ["holds", "holds", "broken"]


def test_approvals_with_keys_made_up_on_the_spot_are_refused(place: Place):
    keys = [SigningKey(Ed25519PrivateKey.generate()) for _ in PEOPLE]
    forged = [approval(place.folder, who, key) for who, key in zip(PEOPLE, keys, strict=True)]
    forge(place.folder, added(*forged))
    assert_refused(place, "is a decision of ada, which was not written here")


def test_approvals_of_people_whom_nobody_knows_are_refused(place: Place):
    keys = [SigningKey(Ed25519PrivateKey.generate()) for _ in range(2)]
    forge(place.folder, added(*(approval(place.folder, who, key) for who, key in zip(("a", "b"), keys, strict=True))))
    assert_refused(place, "is a decision of a, which was not written here")


def test_one_real_approval_and_the_same_key_under_another_name_are_refused(place: Place):
    approve(place, "ada")
    forge(place.folder, added(approval(place.folder, "grace", key_of(place.home, "ada"))))
    assert_refused(place, "is a decision of grace")


def test_approvals_of_another_run_with_the_same_plan_are_refused(place: Place):
    for who in PEOPLE:
        approve(place, who, folder=place.other)
    given = [x for x in read_history(place.other).events if isinstance(x, ApprovalGiven)]
    assert {x.approval.plan for x in given} == {read_history(place.folder).plan_and_verdict[0].hash}
    forge(place.folder, added(*given))
    assert_refused(place, "is a decision of ada, which was not written here")


@pytest.mark.parametrize(
    ("what", "forging"),
    [
        ("policy.max_blast_radius is 1.0 in the run's record, and 0.35 at home", {"policy": WEAK}),
        ("policy.max_steps is 50 .*, and 12 at home", {"policy": TWO.model_copy(update={"max_steps": 50})}),
        ("policy.approval_hours is 999", {"policy": TWO.model_copy(update={"approval_hours": 999.0})}),
        ("rounds is 10 .*, and 3 at home", {"rounds": 10}),
        ("budget.run.money is 9.0", {"budget": RunBudget.model_validate({"run": {"money": 9}})}),
        ("seed is 6", {"seed": 6}),
        ("model is 'other:thing'", {"model": "other:thing"}),
        ("network is 'sndlib/nobel-us'", {"network": "sndlib/nobel-us"}),
        ("inventory is", {"inventory": "0" * 16}),
        ("was not started here", {"run": "another"}),
        ("was not started here", {"run": "../../signing.key"}),
    ],
)
def test_what_a_run_may_do_is_what_the_home_says(place: Place, what: str, forging: dict[str, object]):
    forge(place.folder, each(RunStarted, **forging))
    with pytest.raises(AuthorityError, match=what):
        resume(place)
    report = audit_run(place.folder, home=place.home)
    assert report.start == ("cannot be told" if "run" in forging else "broken")
    assert changes_made(place.folder) == 0


def test_a_weaker_policy_in_a_record_that_is_cut_to_its_start_is_refused(place: Place):
    forge(place.folder, lambda lines: each(RunStarted, policy=WEAK)(lines[:1]))
    with pytest.raises(AuthorityError, match="at home"):
        resume(place)
    assert changes_made(place.folder) == 0


@pytest.mark.parametrize("left", [1, 40, -1])
def test_a_record_that_was_cut_short_is_refused(place: Place, left: int):
    forge(place.folder, lambda lines: lines[:left])
    with pytest.raises(AuthorityError, match=r"is missing, and .* was kept at home"):
        resume(place)
    assert audit_run(place.folder, home=place.home).expected_head == "broken"


def test_fewer_people_than_were_asked_for_are_not_enough_whatever_the_record_says(place: Place):
    approve(place, "ada")
    forge(place.folder, each(RunFinished, waits_for=1))
    assert_refused(place, "was kept at home")


def test_a_plan_that_has_expired_is_not_made_young_again(place: Place):
    forge(place.folder, lambda lines: [*lines[:-1], (lines[-1][0] + timedelta(hours=12), lines[-1][1])])
    assert_refused(place, "was kept at home")


def test_a_verdict_that_was_made_milder_is_refused(place: Place):
    def milder(lines: list[Line]) -> list[Line]:
        def edit(event: Event) -> Event:
            if not isinstance(event, VerdictReached):
                return event
            checks = tuple(x.model_copy(update={"measured": 0.0}) for x in event.verdict.checks)
            return event.model_copy(update={"verdict": event.verdict.model_copy(update={"checks": checks})})

        return [(time, edit(event)) for time, event in lines]

    forge(place.folder, milder)
    assert_refused(place, "was kept at home")


def test_a_rejection_cannot_be_taken_out(place: Place):
    waiting = (place.folder / "journal.jsonl").read_bytes()
    approve(place, "ada", "reject")
    (place.folder / "journal.jsonl").write_bytes(waiting)
    assert_refused(place, "was kept at home")
    with pytest.raises(AuthorityError):
        approve(place, "grace")


def test_a_folder_that_was_put_back_is_not_carried_out_a_second_time(place: Place, tmp_path: Path):
    for who in PEOPLE:
        approve(place, who)
    shutil.copytree(place.folder, tmp_path / "before")
    assert resume(place).finished.outcome == "resolved"
    shutil.rmtree(place.folder)
    shutil.copytree(tmp_path / "before", place.folder)
    assert_refused(place, "was kept at home")


def test_a_twin_of_another_run_is_refused(place: Place):
    for who in PEOPLE:
        approve(place, who)
    with TwinStore.open(place.folder / "twin.duckdb") as store:
        store.set_current(read_history(place.folder).started.inventory)
    with pytest.raises(CertificateError, match="the twin has moved on"):
        resume(place)
    (place.folder / "twin.duckdb").unlink()
    with pytest.raises(TwinError):
        resume(place)
    assert changes_made(place.folder) == 0


@pytest.mark.parametrize(
    ("withdrawn", "why"),
    [
        (lambda people: (people / "grace.pub").unlink(), "nobody called grace may approve here"),
        (
            lambda people: (people / "grace.toml").write_text('up_to = "low"\n'),
            "grace may approve plans up to low risk",
        ),
        (lambda people: (people / "grace.pub").write_text("ab" * 32), "is signed with key .*, and grace is known by"),
        (lambda people: (people / "grace.pub").write_text((people / "ada.pub").read_text()), "grace is known by"),
    ],
    ids=["removed", "fewer rights", "another key", "a key of somebody else"],
)
def test_an_approval_counts_only_while_its_author_may_give_it(
    place: Place, withdrawn: Callable[[Path], object], why: str
):
    for who in PEOPLE:
        approve(place, who)
    withdrawn(place.home / "approvers")
    with pytest.raises(CertificateError, match=why):
        resume(place)
    assert changes_made(place.folder) == 0


def test_somebody_may_not_approve_beyond_their_rights_and_another_may_instead(place: Place):
    (place.home / "approvers" / "grace.toml").write_text('up_to = "low"\n')
    enrol(place.home, "eve", up_to="high")
    with pytest.raises(CertificateError, match="grace may approve plans up to low risk"):
        approve(place, "grace")
    for who in ("ada", "eve"):
        approve(place, who)
    assert resume(place).finished.outcome == "resolved"


@pytest.mark.parametrize("text", ["up_to = 3", 'up_to = "all"', "{", 'up_to = "low"\nmore = 1'])
def test_rights_that_cannot_be_read_are_no_rights(place: Place, text: str):
    (place.home / "approvers" / "ada.toml").write_text(text)
    with pytest.raises(StoreError, match="holds no rights"):
        person_of(place.home, "ada")


def test_a_run_of_another_place_is_refused_until_its_policy_is_given_again(place: Place, tmp_path: Path):
    here = place._replace(home=tmp_path / "elsewhere")
    for name in PEOPLE:
        enrol(here.home, name)
    with pytest.raises(
        AuthorityError, match="was not started here: the operator's home knows no policy for it"
    ) as error:
        resume(here)
    assert "--policy FILE" in error.value.fix
    with pytest.raises(AuthorityError, match=r"max_blast_radius is 0.35 .*, and 1.0 as it is given now"):
        resume(here, policy=WEAK)
    assert resume(here, policy=TWO).finished.outcome == "awaiting approval"
    for who in PEOPLE:
        approve(here, who)
    assert resume(here).finished.outcome == "resolved"


def test_a_run_that_was_cut_off_before_the_home_knew_it_is_to_be_started_again(place: Place):
    (place.home / "runs" / f"{place.folder.name}.json").write_text("")  # its name was taken, and no more
    whole = (place.folder / "journal.jsonl").read_text()
    with pytest.raises(AuthorityError, match="was not started here"):
        resume(place)
    (place.folder / "journal.jsonl").write_text(whole.splitlines(keepends=True)[0])
    with pytest.raises(AuthorityError, match="nothing was done") as error:
        resume(place)
    assert error.value.fix == "start it again"


@pytest.fixture(scope="module", name="executed")
def _executed(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("executed") / "place"
    shutil.copytree(staged, root)
    folder, other = sorted((root / "runs").iterdir())
    place = Place(root / "home", folder, other)
    for who in PEOPLE:
        approve(place, who)
    assert resume(place).finished.outcome == "resolved"
    return place


def lines_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "network.jsonl").read_text().splitlines()]


def rewrite(folder: Path, lines: Sequence[dict[str, object]]) -> None:
    written = (json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (folder / "network.jsonl").write_text("".join(written))


def other_weight(place: Path) -> None:
    """Another change in both records, which therefore agree."""
    for name in ("network.jsonl", "journal.jsonl"):
        assert '"weight":' in (place / name).read_text()
    first = next(x for x in lines_of(place) if x["did"] == "apply")["change"]
    rewrite(
        place, [{**x, "change": {**first, "weight": 7}} if x.get("change") == first else x for x in lines_of(place)]
    )

    def edit(event: Event) -> Event:
        same = isinstance(event, ExecutionStep) and event.change and event.change.model_dump(mode="json") == first
        return event.model_copy(update={"change": event.change.model_copy(update={"weight": 7})}) if same else event

    forge(place, lambda lines: [(time, edit(event)) for time, event in lines])


def without_certificate(place: Path) -> None:
    forge(place, lambda lines: [x for x in lines if not isinstance(x[1], CertificateIssued)])


def recertified(**changes: object) -> Callable[[Path], None]:
    def edit(event: Event) -> Event:
        if not isinstance(event, CertificateIssued):
            return event
        return event.model_copy(update={"certificate": {**event.certificate, **changes}})

    return lambda place: forge(place, lambda lines: [(time, edit(event)) for time, event in lines])


@pytest.mark.parametrize(
    ("question", "damage"),
    [
        ("effects", lambda x: rewrite(x, [y for y in lines_of(x) if y["did"] != "apply"])),
        ("effects", lambda x: rewrite(x, [*lines_of(x), *(y for y in lines_of(x) if y["did"] == "apply")])),
        ("effects", lambda x: rewrite(x, [dict(reversed(y.items())) for y in lines_of(x)])),
        ("effects", other_weight),
        ("effects", without_certificate),
        ("effects", recertified(expires="2026-01-01T00:00:00Z")),
        ("effects", recertified(not_before="2099-01-01T00:00:00Z")),
        ("effects", lambda x: forge(x, each(RunFinished, outcome="rolled back", waits_for=None))),
        ("certificate", recertified(tier="low")),
        ("certificate", lambda x: (x / "certificate.json").write_text("{}")),
        ("certificate", without_certificate),
        ("judgement", recertified(policy="0" * 16)),
        ("judgement", recertified(plan="0" * 16)),
        ("judgement", recertified(checks=[{"name": "nominal", "passed": True}])),
        ("judgement", lambda x: forge(x, each(VerdictReached, passed=False))),
        ("judgement", lambda x: (x / "plan.json").write_text("{}")),
        ("approvals", recertified(approvals=[])),
        ("approvals", lambda x: forge(x, lambda lines: [y for y in lines if not isinstance(y[1], ApprovalGiven)])),
        ("expected_head", lambda x: forge(x, added(RunFinished.model_validate(read_history(x).finished)))),
    ],
)
def test_an_audit_finds_each_piece_that_does_not_fit_the_others(
    executed: Place, tmp_path: Path, question: str, damage: Callable[[Path], object]
):
    folder = tmp_path / executed.folder.name
    shutil.copytree(executed.folder, folder)
    assert audit_run(folder, home=executed.home).sound
    damage(folder)
    report = audit_run(folder, home=executed.home)
    assert report.findings[question] == "broken", report.reasons
    assert report.reasons[question]
    assert not report.sound


def test_an_audit_without_what_it_takes_says_that_it_cannot_tell(executed: Place, tmp_path: Path):
    report = audit_run(executed.folder, home=tmp_path)
    assert (report.start, report.expected_head, report.certificate, report.approvals) == ("cannot be told",) * 4
    assert (report.sound, report.broken) == (False, False)
    assert audit_run(executed.folder, home=tmp_path, head=report.head).expected_head == "holds"


def test_a_shorter_record_of_a_run_that_asked_nobody_is_redone_and_one_that_claims_something_is_refused(tmp_path: Path):
    folder = perform(tmp_path, request()).result.folder
    place = Place(tmp_path / "home", folder, folder)
    whole = (folder / "journal.jsonl").read_bytes()
    key = SigningKey(Ed25519PrivateKey.generate())
    forge(folder, lambda lines: [*lines[:-4], (lines[-1][0], approval(folder, "ada", key))])
    with pytest.raises(AuthorityError, match="was kept at home"):
        resume(place)
    (folder / "journal.jsonl").write_bytes(whole)
    forge(folder, lambda lines: lines[:-4])
    assert audit_run(folder, home=place.home).expected_head == "broken"
    assert resume(place).finished.outcome == "resolved"
    assert audit_run(folder, home=place.home).sound
