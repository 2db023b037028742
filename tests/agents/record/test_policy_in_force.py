"""The policy in force stands in the operator's home, and is read each time that it matters.

The kind: a run that goes on under what was allowed once, or somewhere else. A run's own policy may be stricter at any
time, and looser at none.
"""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.record.approvers import enrol, key_of
from agents.record.events import CertificateIssued, Event, RunResumed
from agents.record.home import policy_in_force, policy_of
from agents.record.journal import Record
from agents.record.waiting import decide, pending
from agents.run.resume import resume_run
from agents.run.run import run_incident
from tests.agents.incidents import perform, request
from twin.errors import AuthorityError, PolicyError
from twin.policy import Policy

ONE = Policy(person_from="low", two_people_from="never")
AT_FIRST = 'person_from = "medium"\ntwo_people_from = "never"\n'


def in_force(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "policy.toml").write_text(text)


def approve(place: Path) -> None:
    (folder,) = (place / "runs").iterdir()
    key, now = key_of(place / "home", "ada"), lambda: datetime.now(UTC)
    decide(folder, "approve", who="ada", key=key, clock=now, home=place / "home")


def changes_made(place: Path) -> int:
    return sum(path.read_text().count('"did":"apply"') for path in (place / "runs").glob("*/network.jsonl"))


@pytest.fixture(scope="module", name="staged")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that waits for one person, and the person."""
    tmp = tmp_path_factory.mktemp("in-force")
    in_force(tmp / "home", AT_FIRST)
    assert perform(tmp, request(policy=ONE)).result.finished.outcome == "awaiting approval"
    enrol(tmp / "home", "ada")
    return tmp


@pytest.fixture(name="place")
def _place(staged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(staged, tmp_path / "place"))


def resume(place: Path, on_event: Callable[[Record], None] | None = None) -> str:
    (folder,) = (place / "runs").iterdir()
    return asyncio.run(resume_run(folder, home=place / "home", on_event=on_event)).finished.outcome


def test_a_run_may_be_stricter_than_the_policy_in_force(place: Path):
    approve(place)
    in_force(place / "home", f"max_steps = 30\nmax_blast_radius = 0.9\n{AT_FIRST}")
    assert resume(place) == "resolved"


def test_a_run_with_a_looser_policy_does_not_begin(tmp_path: Path):
    in_force(tmp_path / "home", "max_steps = 6\nprotected = ['node/NYCMng']\n")
    with pytest.raises(AuthorityError) as error:
        asyncio.run(run_incident(request(), runs=tmp_path / "runs", home=tmp_path / "home"))
    said = str(error.value)
    assert said.startswith("policy.max_steps is 12 in the policy of this run, and 6 in force (")
    assert "\n" not in said
    assert not (tmp_path / "runs").exists()
    kept = policy_of(tmp_path / "home").model_copy(update={"protected": ()})
    with pytest.raises(AuthorityError, match=r"policy\.protected is"):
        asyncio.run(run_incident(request(policy=kept), runs=tmp_path / "runs", home=tmp_path / "home"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('person_from = "low"\ntwo_people_from = "low"', "policy.two_people_from is 'never' .*, and 'low' in force"),
        (f"{AT_FIRST}max_steps = 1", "policy.max_steps is 12 in the policy of run .*, and 1 in force"),
        (f'{AT_FIRST}autonomy = "suggest"', "policy.autonomy is 'act' .*, and 'suggest' in force"),
        (f"{AT_FIRST}protected = ['node/NYCMng']", "policy.protected"),
        (f"{AT_FIRST}approval_hours = 1", "policy.approval_hours is 24.0"),
    ],
)
def test_what_waited_under_a_looser_policy_is_neither_approved_nor_carried_out(place: Path, text: str, said: str):
    in_force(place / "home", text)
    with pytest.raises(AuthorityError, match=said):
        approve(place)
    (listed,) = pending(place / "runs", datetime.now(UTC), place / "home")
    assert "in force" in listed.refused
    in_force(place / "home", AT_FIRST)
    approve(place)
    in_force(place / "home", text)
    with pytest.raises(AuthorityError, match=said):
        resume(place)
    assert changes_made(place) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("max_steps = "),
        lambda path: path.write_text("max_step = 3"),
        lambda path: (path.unlink(), path.symlink_to("nowhere")),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.write_bytes(b"#" * 2_000_000),
    ],
    ids=["no TOML", "no such key", "a link that leads nowhere", "a folder", "too large"],
)
def test_a_policy_in_force_that_cannot_be_read_allows_nothing(place: Path, spoil: Callable[[Path], object]):
    approve(place)
    spoil(place / "home" / "policy.toml")
    with pytest.raises(PolicyError):
        resume(place)
    with pytest.raises(PolicyError):
        asyncio.run(run_incident(request(policy=ONE), runs=place / "runs", home=place / "home"))
    assert changes_made(place) == 0


@pytest.mark.parametrize("text", ["max_steps = 1", "max_steps ="], ids=["tightened", "spoilt"])
@pytest.mark.parametrize("moment", [RunResumed, CertificateIssued])
def test_a_policy_that_is_tightened_under_way_stops_what_has_not_been_made_yet(
    place: Path, moment: type[Event], text: str
):
    approve(place)

    def tighten(record: Record) -> None:
        if isinstance(record.event, moment):
            in_force(place / "home", f"{AT_FIRST}{text}" if text[-1] == "1" else text)

    assert resume(place, tighten) == "failed"
    assert changes_made(place) == 0


def test_what_a_file_leaves_out_is_as_in_the_policy_in_force(tmp_path: Path):
    home, file = tmp_path / "home", tmp_path / "mine.toml"
    assert policy_of(home) == Policy()
    assert policy_in_force(home) is None
    in_force(home, "max_steps = 6\nmin_gain = 0.2\n")
    file.write_text("min_gain = 0.3\n")
    assert policy_of(home) == Policy(max_steps=6, min_gain=0.2)
    assert policy_of(home, file) == Policy(max_steps=6, min_gain=0.3)
