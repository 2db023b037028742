"""Questions that runs wait with: which they are, and what becomes of an answer."""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import Field

from twin.errors import InputError, TwinError
from twin.model import Frozen

from .charter import Register
from .events import QuestionAnswered, RunFinished
from .files import JOURNAL
from .history import SENSELESS, RunHistory, read_history
from .home import home_folder
from .journal import Clock, Journal
from .ownership import own
from .runs import list_runs

DEFAULT = "default"
_MOST = 1_000


class OpenQuestion(Frozen):
    """A question that a run waits with."""

    run: str
    folder: str
    network: str
    id: str
    question: str = Field(description="A model's words.")
    choices: tuple[str, ...]
    default: str
    until: datetime = Field(description="When the default is taken, by whoever resumes the run then.")


def open_questions(runs: Path) -> tuple[OpenQuestion, ...]:
    """Return every question that waits in a folder of runs; records that cannot be read are left out."""
    found: list[OpenQuestion] = []
    for entry in list_runs(runs, outcome="awaiting answer", top=_MOST):
        try:
            found.append(question_of(read_history(runs / entry.run)))
        except (TwinError, *SENSELESS):
            continue
    return tuple(sorted(found, key=lambda one: (one.until, one.run)))


def question_of(past: RunHistory) -> OpenQuestion:
    """Return the question that a run waits with. Raises `InputError` when it waits for no answer."""
    asked = past.question
    if asked is None or past.answer is not None:
        raise InputError(f"run {past.started.run} waits for no answer", fix="`twinops answer` lists what waits")
    since = [x.time for x in past.reading.records if isinstance(x.event, RunFinished)][-1]
    return OpenQuestion(
        run=past.started.run,
        folder=str(past.folder),
        network=past.started.network,
        id=asked.id,
        question=asked.text,
        choices=asked.choices,
        default=asked.default,
        until=since + timedelta(minutes=asked.minutes),
    )


def answer(folder: Path, choice: str, *, who: str, clock: Clock, home: Path | None = None) -> str:
    """Put an answer on the record of a run that waits for one, and return the choice; the run may then be resumed.

    A choice may be given by its number, from 1. Raises `InputError` when the run waits for no answer or the choice is
    none, `AuthorityError` when the operator's home knows the run otherwise, and `StoreBusyError` when somebody works
    on it.
    """
    with own(folder):
        past = read_history(folder)
        register = Register(home or home_folder(), past.started.run)
        register.known(past)
        asked = question_of(past)
        numbered = dict(zip(map(str, range(1, len(asked.choices) + 1)), asked.choices, strict=True))
        chosen = numbered.get(choice, choice)
        if chosen not in asked.choices:
            raise InputError(f"{choice!r} is no choice", fix=f"choose {' / '.join(asked.choices)}")
        given = QuestionAnswered(question=asked.id, choice=chosen, by=who, waited=True)
        witness = register.witness(past.started)
        with Journal.reopen(folder / JOURNAL, past.reading, clock=clock, listener=witness) as journal:
            journal.append(given)
        return chosen


def take_default(folder: Path, *, clock: Clock, home: Path | None = None) -> str | None:
    """Answer with the default where its time has come, and return it; None where nothing waits or it is too early.

    Raises as `answer` does.
    """
    past = read_history(folder)
    if past.question is None or past.answer is not None:
        return None
    asked = question_of(past)
    return answer(folder, asked.default, who=DEFAULT, clock=clock, home=home) if clock() >= asked.until else None
