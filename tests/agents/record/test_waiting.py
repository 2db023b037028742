"""Plans that wait for people: who may approve what, for how long, and what then happens."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.record.approvers import enrol, key_of
from agents.record.events import ApprovalGiven, CertificateIssued, ExecutionStep, RunFinished, RunResumed
from agents.record.history import read_history
from agents.record.waiting import Decided, decide, describe, find_waiting, pending
from agents.run.resume import resume_run
from agents.run.run import RunResult
from agents.run.staging import restore_scene
from tests.agents.incidents import ROUTER_DOWN, perform, request
from twin.errors import CertificateError, InputError, RefusedError, StoreBusyError, StoreError
from twin.faults import Fault, FaultKind
from twin.formats.plan import read_plan, write_plan
from twin.gate.certificate import Certificate
from twin.policy import Policy
from twin.store import TwinStore

ONE = Policy(person_from="low", two_people_from="never")
TWO = Policy(person_from="low", two_people_from="low")


def waiting(tmp: Path, policy: Policy = ONE) -> Path:
    """A run that waits, and two people who may approve: a copy of the one run that was made under this policy."""
    made = tmp.parent / f"waiting-{policy.hash}"
    if not made.exists():
        run = perform(tmp / "made", request(policy=policy))
        assert run.result.finished.outcome == "awaiting approval"
        for name in ("ada", "grace"):
            enrol(tmp / "made" / "home", name)
        (tmp / "made").rename(made)
    shutil.copytree(made, tmp, dirs_exist_ok=True)
    (folder,) = (tmp / "runs").iterdir()
    return folder


def approve(folder: Path, who: str = "ada", decision: str = "approve", *, at: datetime | None = None) -> Decided:
    home = folder.parents[1] / "home"
    now = at or datetime.now(UTC)
    return decide(folder, decision, who=who, key=key_of(home, who), clock=lambda: now, home=home, reason="looked at it")


def go_on(folder: Path) -> RunResult:
    return asyncio.run(resume_run(folder, home=folder.parents[1] / "home"))


def test_a_plan_that_a_person_approved_is_executed_and_confirmed(tmp_path: Path):
    folder = waiting(tmp_path)
    (one,) = pending(folder.parent, datetime.now(UTC), tmp_path / "home")
    assert (one.run, one.asked, one.approved, one.expired) == (folder.name, 1, (), False)
    assert approve(folder).goes_on
    result = go_on(folder)
    assert result.finished.outcome == "resolved"
    events = read_history(folder).events
    kinds = [type(x) for x in events if isinstance(x, RunFinished | ApprovalGiven | RunResumed | CertificateIssued)]
    assert kinds == [RunFinished, ApprovalGiven, RunResumed, CertificateIssued, RunFinished]
    certificate = Certificate.model_validate_json((folder / "certificate.json").read_text())
    assert [(x.who, x.role) for x in certificate.approvals] == [("verification-agent", "agent"), ("ada", "person")]
    assert certificate.approvals[1].is_signed
    assert pending(folder.parent, datetime.now(UTC), tmp_path / "home") == ()


def test_the_highest_tier_waits_for_a_second_person(tmp_path: Path):
    folder = waiting(tmp_path, TWO)
    trace = read_history(folder).started.trace
    assert trace
    assert approve(folder, "ada") == Decided(folder, goes_on=False, waits_for=1, trace=trace)
    assert go_on(folder).finished.outcome == "awaiting approval"
    assert describe(read_history(folder), datetime.now(UTC)).approved == ("ada",)
    with pytest.raises(CertificateError, match="ada has approved already"):
        approve(folder, "ada")
    assert approve(folder, "grace").goes_on
    assert go_on(folder).finished.outcome == "resolved"


def test_one_key_under_two_names_is_one_person(tmp_path: Path):
    folder = waiting(tmp_path, TWO)
    approve(folder, "ada")
    approvers = tmp_path / "home" / "approvers"
    for suffix in ("key", "pub"):
        (approvers / f"eve.{suffix}").write_text((approvers / f"ada.{suffix}").read_text())
    (approvers / "eve.key").chmod(0o600)
    with pytest.raises(CertificateError, match="ada has approved already"):
        approve(folder, "eve")


def test_a_rejection_ends_the_run_and_nothing_was_changed(tmp_path: Path):
    folder = waiting(tmp_path)
    assert not approve(folder, decision="reject").goes_on
    past = read_history(folder)
    assert past.finished is not None
    assert past.finished.outcome == "rejected"
    assert "ada rejected the plan: looked at it" in past.finished.because
    assert not any(isinstance(x, ExecutionStep) for x in past.events)
    with pytest.raises(InputError, match="waits for nobody: rejected"):
        approve(folder, "grace")


def test_an_edited_plan_is_refused(tmp_path: Path):
    folder = waiting(tmp_path)
    plan = read_plan(folder / "plan.json")
    (folder / "plan.json").unlink()
    write_plan(plan.model_copy(update={"goal": "something else"}), folder / "plan.json")
    with pytest.raises(CertificateError, match="was edited"):
        approve(folder)


def test_a_twin_that_has_moved_on_is_refused(tmp_path: Path):
    folder = waiting(tmp_path)
    with TwinStore.open(folder / "twin.duckdb") as store:
        store.set_current(read_history(folder).started.inventory)
    with pytest.raises(CertificateError, match="the twin has moved on"):
        approve(folder)


def test_a_plan_that_waited_too_long_is_refused_also_when_it_was_approved_in_time(tmp_path: Path):
    folder = waiting(tmp_path, ONE.model_copy(update={"approval_hours": 2}))
    late = datetime.now(UTC) + timedelta(hours=3)
    assert [x.expired for x in pending(folder.parent, late, tmp_path / "home")] == [True]
    with pytest.raises(CertificateError, match="waited too long"):
        approve(folder, at=late)
    approve(folder)
    with pytest.raises(CertificateError, match="waited too long"):
        asyncio.run(resume_run(folder, home=tmp_path / "home", clock=lambda: late))
    assert read_history(folder).finished is not None


def test_a_clock_that_is_behind_neither_approves_nor_goes_on_and_nothing_is_lost(tmp_path: Path):
    folder = waiting(tmp_path)
    (one,) = pending(folder.parent, datetime.now(UTC), tmp_path / "home")
    behind, record = one.since - timedelta(days=1), (folder / "journal.jsonl").read_bytes()
    for decision in ("approve", "reject"):
        with pytest.raises(CertificateError, match=f"by this machine's clock it is {behind:%F %T}") as raised:
            approve(folder, decision=decision, at=behind)
        assert "set the clock" in raised.value.fix
    assert (folder / "journal.jsonl").read_bytes() == record
    assert approve(folder, at=one.since - timedelta(seconds=30)).goes_on
    with pytest.raises(CertificateError, match="by this machine's clock"):
        asyncio.run(resume_run(folder, home=tmp_path / "home", clock=lambda: behind))
    assert go_on(folder).finished.outcome == "resolved"


def test_a_foreign_key_is_refused_and_so_is_a_stranger(tmp_path: Path):
    waiting(tmp_path)
    with pytest.raises(CertificateError, match="this is not ada's key"):
        key_of(tmp_path / "home", "ada", tmp_path / "home" / "approvers" / "grace.key")
    with pytest.raises(InputError, match="nobody called eve may approve here"):
        key_of(tmp_path / "home", "eve")


@pytest.mark.parametrize("name", ["", "../ada", "verification-agent", "a b", "x" * 65, "ada\n"])
def test_names_that_nobody_can_have(tmp_path: Path, name: str):
    with pytest.raises(InputError, match="nobody can be called"):
        enrol(tmp_path, name)


def test_a_key_is_made_once_and_never_among_the_runs(tmp_path: Path):
    path, public = enrol(tmp_path / "home", "ada", runs=tmp_path / "runs")
    assert path.stat().st_mode & 0o077 == 0
    assert key_of(tmp_path / "home", "ada").public == public
    with pytest.raises(StoreError, match="has a key already"):
        enrol(tmp_path / "home", "ada")
    with pytest.raises(StoreError, match="may not lie among the runs"):
        enrol(tmp_path / "runs" / "home", "ada", runs=tmp_path / "runs")


def test_a_plan_that_the_live_network_no_longer_fits_is_not_executed(tmp_path: Path):
    folder = waiting(tmp_path)
    approve(folder)
    started = read_history(folder).started
    with TwinStore.open(folder / "twin.duckdb") as store:
        network = store.load_snapshot(started.inventory)
    live = restore_scene(folder, network).live
    live.catch_up()
    live.inject(ROUTER_DOWN)
    live.inject(Fault(kind=FaultKind.DEVICE_DOWN, element="node/DNVRng"))
    live.elapse(4)
    result = go_on(folder)
    assert result.finished.outcome in ("no safe plan", "needs a person")
    assert result.finished.plan is None
    assert not any(x.action == "apply" for x in read_history(folder).events if isinstance(x, ExecutionStep))


def test_a_person_who_is_asked_and_says_no_leaves_everything_as_it_is(tmp_path: Path):
    folder = waiting(tmp_path)
    before = (folder / "journal.jsonl").read_bytes()
    with pytest.raises(RefusedError, match="nothing was decided"):
        decide(
            folder,
            "approve",
            who="ada",
            key=key_of(tmp_path / "home", "ada"),
            clock=lambda: datetime.now(UTC),
            home=tmp_path / "home",
            agree=lambda: False,
        )
    assert (folder / "journal.jsonl").read_bytes() == before


def test_what_waits_is_found_by_run_folder_and_plan(tmp_path: Path):
    folder = waiting(tmp_path)
    plan = describe(read_history(folder), datetime.now(UTC)).plan
    assert find_waiting(folder.parent, folder.name) == folder
    assert find_waiting(tmp_path, str(folder)) == folder
    assert find_waiting(folder.parent, plan[:8]) == folder
    for name in ("nothing", plan[:3]):
        with pytest.raises(InputError, match="no run or plan that waits"):
            find_waiting(folder.parent, name)


def test_a_run_that_somebody_works_on_cannot_be_approved_meanwhile(tmp_path: Path):
    from agents.record.ownership import own

    folder = waiting(tmp_path)
    with own(folder), pytest.raises(StoreBusyError, match="is held by process"):
        approve(folder)
