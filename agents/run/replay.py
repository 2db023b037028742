"""Going through a run once more without a model, to see whether it comes out the same."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from autogen_core.models import CreateResult
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry.trace import NoOpTracer
from pydantic import Field

from agents.models import Model
from agents.models.client import Client
from agents.record.approvers import passkeys_of
from agents.record.files import TWIN
from agents.record.history import RunHistory, read_history
from agents.record.home import home_folder
from agents.record.journal import Journal
from twin.errors import RehearsedError, TwinError
from twin.execute.render import Inventory
from twin.gate.certificate import Authority, Person, PublicKey, SigningKey
from twin.model import Frozen, Network
from twin.store import TwinStore

from .lifecycle import Ground, follow
from .memory import bring_along
from .request import known_of, request_of
from .staging import restore_scene

_BY_THE_WORLD = frozenset({"failed", "out of budget"})
"""Ends that a provider or the wall clock may have brought about."""


class Replayed(Frozen):
    """What came of going through a run once more."""

    run: str
    same: bool = Field(description="Whether every decision came out the same, byte for byte, as far as it could.")
    records: int = Field(description="Records of the run.")
    followed: int = Field(description="How many of them were gone through.")
    difference: str = Field(default="", description="The first record that came out otherwise, and how.")
    ends_because: str = Field(default="", description="Why the rest was not gone through, if there is a rest.")
    differing_tools: tuple[str, ...] = Field(
        default=(), description="Tools that answered otherwise, though every decision came out the same."
    )

    @property
    def verdict(self) -> str:
        """How the decisions came out, in words."""
        return "came out the same" if self.same else "did not come out the same"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else there is to say of it."""
        tools = f"these tools answered otherwise: {', '.join(self.differing_tools)}" if self.differing_tools else ""
        rest = f"the rest was not gone through: {self.ends_because}" if self.ends_because else ""
        return tuple(line for line in (self.difference, tools, rest) if line)


class _Silent(Client):
    """Stands where a model was: everything that it said is on record, and nothing else."""

    async def reply(self, *_: object, **__: object) -> CreateResult:
        """Raise `RehearsedError`: the record ends here."""
        raise RehearsedError("the record holds no further answer of a model", fix="resume the run")


async def replay_run(folder: Path) -> Replayed:
    """Go through a run once more, in memory, with the answers of its models taken from its record.

    Nothing in its folder is touched. What followed a request to stop depends on when it came, and is not gone through.
    Raises `InputError` when there is no run, `JournalError` or `StoreError` when its record cannot be read, and
    `StoreBusyError` when another process works on it.
    """
    past = read_history(folder)
    network, known = _inventory(past)
    journal = Journal.rehearse(past.undisturbed, clock=lambda: datetime.now(UTC))
    differing: list[str] = []
    with ExitStack() as stack:
        apart = Path(stack.enter_context(TemporaryDirectory(prefix="twinops-replay-")))
        bring_along(folder, apart)
        store = stack.enter_context(TwinStore.open())
        ground = Ground(
            past.started.run,
            apart,
            request_of(past),
            network,
            restore_scene(folder, network, past.started.site, keep=False),
            Model("replay", past.started.model, _Silent()),
            SigningKey(Ed25519PrivateKey.generate()),
            journal,
            store,
            NoOpTracer(),
            past.approvals,
            _as_recorded(past),
            known=known,
            differing=differing,
            answers=past.answers_given,
        )
        difference = await _difference(ground)
    return _told(past, journal, difference, differing)


async def _difference(ground: Ground) -> str:
    """Go through the run: where it comes out otherwise than its record, how; else nothing."""
    try:
        await follow(ground)
    except RehearsedError:
        pass
    except TwinError as error:
        return str(error)
    return ""


def _as_recorded(past: RunHistory) -> Authority:
    """Everybody by the key on record, or their passkey at home: whether they may approve is for an audit to say."""
    home = home_folder()
    people = {
        x.who: Person(PublicKey(x.key)) if x.assertion is None else Person(None, passkeys=passkeys_of(home, x.who))
        for x in past.approvals
    }
    return Authority(person=people.get, run=past.started.run)


def _told(past: RunHistory, journal: Journal, difference: str, differing: list[str]) -> Replayed:
    records, ahead = len(past.reading.records), journal.recorded.ahead
    beyond = records - len(past.undisturbed)
    why = ""
    if beyond:
        why = "somebody told the run to stop: what follows depends on when"
    elif past.finished is None:
        why = "the run has not ended"
    elif ahead and (not difference or (ahead == 1 and past.finished.outcome in _BY_THE_WORLD)):
        why, difference = f"how it ended depends on the world around it: {past.finished.because}", ""
    return Replayed(
        run=past.started.run,
        same=not difference,
        records=records,
        followed=records - beyond - ahead,
        difference=difference,
        ends_because=why,
        differing_tools=tuple(dict.fromkeys(differing)),
    )


def _inventory(past: RunHistory) -> tuple[Network, Inventory | None]:
    with TwinStore.open(past.folder / TWIN) as store:
        return store.load_snapshot(past.started.inventory), known_of(past, store)
