"""One run, from a network's name to an outcome: what the command line and the evals call."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from agents.models import Model, resolve
from agents.record.charter import Register
from agents.record.events import RunFinished
from agents.record.files import JOURNAL, NETWORK, TRACE, TWIN
from agents.record.home import home_folder, require_in_force
from agents.record.journal import Clock, Journal, Listener
from agents.record.ownership import own
from agents.record.tracing import Tracing
from agents.roles.budget import price_for
from tools.box.beside import in_thread
from twin.clock import utc_now
from twin.errors import StoreError, TwinError
from twin.execute.render import Inventory
from twin.formats.account import Account
from twin.formats.calendar import Calendar
from twin.formats.load import Reading, load_reading
from twin.formats.stored import keep_account
from twin.gate.certificate import SigningKey
from twin.live.adapters import is_adapter, open_live
from twin.site import read_site
from twin.store import TwinStore
from twin.version import version

from .lifecycle import Ground, follow
from .others_work import calendar_reader
from .request import RunRequest
from .staging import Scene, stage_scene, watch_live, watch_site
from .transitions import Answering, nobody

__all__ = ["RunRequest", "RunResult", "run_incident", "signing_key", "utc_now", "version"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `head` is the hash of its journal's last record, `error` what made it fail."""

    run: str
    folder: Path
    finished: RunFinished
    head: str
    error: TwinError | None = None


def signing_key(home: Path | None, runs: Path) -> SigningKey:
    """Open the key that certificates are signed with, or make it. Raises `StoreError`."""
    return SigningKey.open((home or home_folder()) / "signing.key", runs=runs)


async def run_incident(  # noqa: PLR0913 - what a run may be given besides its request
    request: RunRequest,
    *,
    runs: Path,
    home: Path | None = None,
    clock: Clock = utc_now,
    on_event: Listener | None = None,
    model: Model | None = None,
    answering: Answering = nobody,
) -> RunResult:
    """Run one incident and leave its record in a new folder under `runs`.

    `home` holds the signing key, the people who may approve and the policy in force, outside `runs` and every tool's
    reach, and keeps the policy that the run was started under. `on_event` sees every record right after it is
    in the journal; while a plan is executed, from another thread. A cancellation is answered: whatever was applied is
    taken back, the record is closed, and the result says `interrupted`. An error of the tree `TwinError` that stops a
    run on its way ends it as `failed`, with the error in the result; any other error does, too, and is then raised.
    `model` stands in for the one that the request names. `answering` answers the questions of roles at once; what it
    leaves open, the run waits for, as it does for approvals.

    Raises, and leaves no folder, `UnknownNetworkError`, `InputError` for the model, the fault or a budget that cannot
    hold, `AuthorityError` when the policy of the request allows what the policy in force forbids, and `StoreError` when
    the folder or the key cannot be read or written. A cancellation that early is raised,
    too.
    """
    model = model or resolve(request.model)
    price_for(request.budget, request.model)
    staged = await in_thread(lambda: _staged(request))
    network, scene = staged.reading.network, staged.scene
    request = request.model_copy(update={"works": staged.calendar.works, "asked": staged.calendar.questions})
    home = home or home_folder()
    require_in_force(home, request.policy, "the policy of this run")
    key = signing_key(home, runs)
    register, folder = _folder(runs, request, clock(), home)
    journal: Journal | None = None
    try:
        with ExitStack() as stack:
            stack.enter_context(own(folder))
            scene.live.keep(folder / NETWORK)
            store = stack.enter_context(TwinStore.open(folder / TWIN))
            keep_account(store, staged.reading, now=scene.live.now)
            tracing = Tracing(folder / TRACE, version=version())
            stack.callback(tracing.close)
            listener = register.witness(None, on_event)
            journal = stack.enter_context(Journal(folder / JOURNAL, clock=clock, listener=listener))
            run = register.run
            stage = (run, folder, request, network, scene, model, key, journal, store, tracing.tracer)
            told = (staged.known, calendar_reader(request.site, request.policy))
            ground = Ground(*stage, (), register.authority, *told, answering=answering)
            ended = await follow(ground)
            return RunResult(run, folder, ended.finished, journal.head, ended.error)
    except BaseException:
        if journal is None or not journal.begun:
            shutil.rmtree(folder, ignore_errors=True)
            register.release()
        raise


class _Staged(NamedTuple):
    """What a run begins with; what is known of routers is that of one's own network."""

    reading: Reading
    scene: Scene
    known: Inventory | None = None
    calendar: Calendar = Calendar((), ())


def _staged(request: RunRequest) -> _Staged:
    if request.site is None:
        reading = load_reading(request.network)
        return _Staged(reading, stage_scene(reading.network, request))
    if is_adapter(request.site):
        live = open_live(request.site)
        network = live.read_topology()
        account = Account(file=request.site, format="live network")
        return _Staged(Reading(network, account, {}), watch_live(live))
    site = read_site(request.site)
    reading, scene = site.reading(), watch_site(site)
    reading = reading._replace(network=scene.live.read_topology())
    calendar = site.calendar(reading.network, scene.live.now, request.policy.tags)
    return _Staged(reading, scene, Inventory(reading.interfaces, site.site.routers), calendar)


def _folder(runs: Path, request: RunRequest, now: datetime, home: Path) -> tuple[Register, Path]:
    place = request.network.replace("/", "-").lstrip("-")  # as an argument it must be no option
    name = f"{place}-s{request.seed}-{now:%Y%m%d-%H%M%S}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1_000):
            run = name if number == 1 else f"{name}-{number}"
            register = Register(home, run)
            if (runs / run).exists() or not register.claim():
                continue
            try:
                (runs / run).mkdir()
            except FileExistsError:
                continue
            return register, runs / run
    except OSError as error:
        raise StoreError(f"cannot write runs to {runs}: {error.strerror}", fix="choose another folder") from error
    raise StoreError(f"{runs} already holds 1,000 runs called {name}", fix="choose another folder")
