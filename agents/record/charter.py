"""What the operator's home knows of the runs that were started here: what each may do, and how far its record is ours.

A run's folder says nothing about authority. Whoever can write it can write another policy into the first record, an
approval after the last one, or take a rejection out. So the home keeps, for every run, the start as it was given and
the head of its record each time authority was written into it. What a record says up to that head is what this place
wrote, and nothing after it carries authority.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from agents.goals.limits import tighten
from agents.record.home import require_in_force
from twin.errors import AuthorityError, InputError, StoreError
from twin.files import extend, is_absent, is_plain, read_text, write_text
from twin.gate.certificate import Authority
from twin.model import Frozen
from twin.policy import Policy
from twin.untrusted import clean

from .approvers import person_of
from .events import ApprovalGiven, CertificateIssued, Event, RunFinished, RunStarted
from .history import RunHistory
from .journal import Listener
from .records import Record

_NAME = re.compile(r"[^/\\\x00-\x1f]{1,240}")
_AUTHORITY = (RunStarted, ApprovalGiven, CertificateIssued, RunFinished)
"""What carries authority, or ends it: after each of these the home keeps the head anew."""


class Charter(Frozen):
    """What the home knows of one run."""

    started: RunStarted
    records: int = Field(ge=1, description="Records up to the head, with it.")
    waited: bool = Field(description="Whether it ever waited for people: then nothing of its record may be missing.")
    head: str = Field(pattern=r"^[0-9a-f]{64}$", description="Hash of the last record that carried authority.")


class Register:
    """The home's entry of one run. Nothing in a run's folder is asked where this can be asked."""

    def __init__(self, home: Path, run: str) -> None:
        self.home, self.run = home, run
        self._path = home / "runs" / f"{run}.json"

    def claim(self) -> bool:
        """Take the name of a run for good, before it begins; false when it was taken before. Raises `StoreError`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            extend(self._path, new=True, mode=0o600).close()
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(f"cannot write {self._path.parent}: {error.strerror}", fix="check TWINOPS_HOME") from error
        return True

    def release(self) -> None:
        """Give a name back that was claimed by a run which never began."""
        if self._claimed:
            self._path.unlink(missing_ok=True)

    @property
    def _claimed(self) -> bool:
        """Whether a run of this name was begun here, of whose start nothing was kept."""
        return _NAME.fullmatch(self.run) is not None and is_plain(self._path) and not self._path.stat().st_size

    def read(self) -> Charter | None:
        """Return what the home knows, None when the run was not started here. Raises `StoreError` on a broken entry."""
        if not _NAME.fullmatch(self.run):
            return None
        try:
            text = "" if is_absent(self._path) else read_text(self._path)
            return Charter.model_validate_json(text) if text else None
        except (InputError, ValidationError) as error:
            raise StoreError(f"cannot read {self._path}", fix="restore it from a copy of the home") from error

    def keep(self, started: RunStarted, record: Record, *, waited: bool = False) -> None:
        """Keep the head of the run's record. Raises `StoreError`."""
        before = self.read()
        waited = waited or _waits(record.event) or (before is not None and before.waited)
        charter = Charter(started=started, records=record.seq + 1, waited=waited, head=record.hash)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_text(self._path, charter.model_dump_json() + "\n", mode=0o600, durable=True)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}", fix="check TWINOPS_HOME") from error
        except InputError as error:
            raise StoreError(str(error), fix="check TWINOPS_HOME") from error

    def witness(self, started: RunStarted | None, then: Listener | None = None) -> Listener:
        """Return a listener for the run's journal that keeps the head where authority is written, and calls `then`."""
        begun = started

        def listen(record: Record) -> None:
            nonlocal begun
            if isinstance(record.event, RunStarted):
                begun = record.event
            if begun is not None and isinstance(record.event, _AUTHORITY):
                self.keep(begun, record)
            if then is not None:
                then(record)

        return listen

    def known(self, past: RunHistory) -> Charter:
        """Return what the home knows of a run, if its record agrees with that.

        Raises `AuthorityError` as `against`, and when its policy allows what the policy in force forbids by now.
        """
        charter = self.read()
        if charter is None and self._claimed and len(past.reading.records) == 1:
            because = f"run {self.run} was cut off before the operator's home knew how it began: nothing was done"
            raise AuthorityError(because, fix="start it again")
        if charter is not None:
            self._require_in_force(charter)
        if charter is not None and _ends_early(past, charter):
            return charter
        because = against(past, charter)
        if charter is not None and because is None and (claim := beyond(past, charter)) is not None:
            because = f"record {claim.seq + 1} of run {self.run} is {_named(claim)}, which was not written here"
        if charter is None or because is not None:
            fix = (
                "do not trust this run's folder"
                if charter
                else f"`twinops resume {self.run} --policy FILE` takes it over"
            )
            raise AuthorityError(because or "", fix=fix)
        return charter

    def take_over(self, past: RunHistory, policy: Policy) -> None:
        """Make a run of another place one of this place, under the policy that the operator names for it.

        The operator answers for its record as it is now. Raises `AuthorityError` when it was started under another one.
        """
        require_in_force(self.home, policy, "the policy named for it")
        goal = past.started.goal
        given = tighten(policy, goal) if goal else policy
        if given != past.started.policy:
            because = next(_differences(given, past.started.policy, of="policy.", where="as it is given now"))
            raise AuthorityError(because, fix="name the policy that it was started under")
        if self.read() is None:
            if not _NAME.fullmatch(self.run):
                raise AuthorityError(f"no run can be called {clean(self.run)!r}", fix="do not trust this run's folder")
            self.keep(past.started, past.reading.records[-1], waited=any(map(_waits, past.events)))

    @property
    def authority(self) -> Authority:
        """Who may approve this run's plans, and the policy in force: read anew each time."""
        return Authority(person=lambda who: person_of(self.home, who), policy=self._policy, run=self.run)

    def _policy(self) -> Policy | None:
        charter = self.read()
        if charter is None:
            raise AuthorityError(f"run {self.run} is not known in {self.home} any more", fix="restore its entry")
        self._require_in_force(charter)
        return charter.started.policy

    def _require_in_force(self, charter: Charter) -> None:
        require_in_force(self.home, charter.started.policy, f"the policy of run {self.run}")


def against(past: RunHistory, charter: Charter | None) -> str | None:
    """Say where a run's record contradicts what the home knows of it, None when it does not."""
    run = clean(past.started.run)
    if charter is None:
        return f"run {run} was not started here: the operator's home knows no policy for it"
    if charter.started != past.started:
        return next(iter(_differences(charter.started, past.started)))
    records = past.reading.records
    there = records[charter.records - 1].hash if len(records) >= charter.records else "missing"
    if there != charter.head:
        return f"record {charter.records} of run {run} is {there[:16]}, and {charter.head[:16]} was kept at home"
    return None


def beyond(past: RunHistory, charter: Charter) -> Record | None:
    """Return the first record after the head kept at home that claims authority, None when there is none."""
    tail = past.reading.records[charter.records :]
    return next((record for record in tail if isinstance(record.event, (RunStarted, ApprovalGiven, RunFinished))), None)


def _waits(event: Event) -> bool:
    return isinstance(event, ApprovalGiven) or (isinstance(event, RunFinished) and event.waits_for is not None)


def _ends_early(past: RunHistory, charter: Charter) -> bool:
    """Whether records are lost of a run that never waited for anybody: what is left claims nothing and is redone."""
    records = past.reading.records
    shorter = len(records) < charter.records and not charter.waited and past.started == charter.started
    return shorter and not any(isinstance(x.event, (ApprovalGiven, RunFinished)) for x in records)


def _named(record: Record) -> str:
    event = record.event
    return f"a decision of {clean(event.approval.who)}" if isinstance(event, ApprovalGiven) else f"a {event.kind!r}"


def _differences(ours: BaseModel, theirs: BaseModel, *, of: str = "", where: str = "at home") -> Iterator[str]:
    for name in type(ours).model_fields:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other and isinstance(mine, BaseModel) and isinstance(other, BaseModel):
            yield from _differences(mine, other, of=f"{of}{name}.", where=where)
        elif mine != other:
            yield f"{of}{name} is {clean(repr(other))} in the run's record, and {clean(repr(mine))} {where}"
