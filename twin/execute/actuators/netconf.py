"""Routers that speak NETCONF (RFC 6241), with a candidate and the confirmed commit (section 8.4) as dead man's handle.

A server's `ok` is not evidence: whoever orders reads running back. Three things are avoided on purpose. A `validate` of
the candidate stands alone, in the rehearsal: servers are known to drop the candidate's edits with it, and to commit
nothing afterwards. `running` is not locked: servers are known that cannot roll back then. And nothing is asked in a
busy loop: servers are known that look at their timer only when nobody asks.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol, cast

from twin.errors import ExecutionError, InputError
from twin.live.declared import Operation
from twin.ssh import way_through
from twin.ssh_access import Access

from .hand import Order, RouterState
from .xml_paths import XmlPath, whole_number

MAKES: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link"))
_CONFIG = "urn:ietf:params:xml:ns:netconf:base:1.0"
_CANDIDATE, _CONFIRMED = ":candidate", ":confirmed-commit"
_TIMEOUT_S = 30


class _Answer(Protocol):
    data_xml: str


class _Session(Protocol):
    """What is used of `ncclient.manager.Manager`."""

    server_capabilities: Iterable[str]
    connected: bool

    def lock(self, target: str) -> object: ...
    def unlock(self, target: str) -> object: ...
    def discard_changes(self) -> object: ...
    def validate(self, source: str) -> object: ...
    def edit_config(self, config: str, *, target: str, default_operation: str) -> object: ...
    def commit(self, **options: object) -> object: ...
    def cancel_commit(self, persist_id: str) -> object: ...
    def get_config(self, source: str, filter: list[str]) -> _Answer: ...
    def close_session(self) -> object: ...


class NetconfHand:
    """Sets metrics of interfaces over NETCONF, in one session for each router that stays open while it is in order."""

    def __init__(self, access: Access, metric: XmlPath) -> None:
        """`metric` is where the routers keep the metric of an interface."""
        self.access, self.metric = access, metric
        self._sessions: dict[str, _Session] = {}

    @property
    def makes(self) -> frozenset[Operation]:
        """Weights, and drains of circuits by the largest metric."""
        return MAKES

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """Read metrics out of `running`."""
        with self._session(router) as session:
            answer = session.get_config("running", filter=[self.metric.question(x) for x in interfaces]).data_xml
        return RouterState({x: whole_number(self.metric.find(answer, x), router, x) for x in interfaces})

    def rehearse(self, order: Order) -> None:
        """Edit the candidate, have it validated, and throw it away."""
        with self._session(order.router) as session, _candidate(session):
            self._edit(session, order.wanted.metrics)
            session.validate("candidate")

    def make(self, order: Order, token: str, seconds: int) -> None:
        """Edit the candidate and commit it until `seconds` have passed."""
        with self._session(order.router) as session, _candidate(session):
            self._edit(session, order.wanted.metrics)
            session.commit(confirmed=True, timeout=str(seconds), persist=token)

    def keep(self, router: str, token: str) -> None:
        """Confirm the commit."""
        with self._session(router) as session:
            session.commit(persist_id=token)

    def take_back(self, router: str, token: str) -> None:
        """Cancel the commit."""
        with self._session(router) as session:
            try:
                session.cancel_commit(persist_id=token)
            except Exception as error:
                if not _refused(error):
                    raise

    def _edit(self, session: _Session, metrics: Mapping[str, int]) -> None:
        for interface, value in metrics.items():
            config = f'<config xmlns="{_CONFIG}">{self.metric.setting(interface, value)}</config>'
            session.edit_config(config, target="candidate", default_operation="merge")

    @contextmanager
    def _session(self, router: str) -> Generator[_Session]:
        session = self._sessions.pop(router, None)
        if session is None or not session.connected:
            session = _connected(self.access, router)
        try:
            yield session
        except (ExecutionError, InputError):
            _close(session)
            raise
        except Exception as error:  # ncclient raises of many kinds, lxml's and paramiko's among them
            _close(session)
            raise ExecutionError(f"{router} says no: {_words(error)}", fix="look at the router") from error
        self._sessions[router] = session

    def close(self) -> None:
        """Say goodbye to all routers."""
        while self._sessions:
            _close(self._sessions.popitem()[1])


def _close(session: _Session) -> None:
    with suppress(Exception):
        session.close_session()


def _connected(access: Access, router: str) -> _Session:
    try:
        from ncclient import manager
    except ImportError as error:
        raise InputError("NETCONF needs the extra `devices`", fix="pip install 'twinops[devices]'") from error
    place, key = access.place(router), access.host_key(router)
    way = way_through(access, router, _TIMEOUT_S)
    connect = cast("Callable[..., _Session]", manager.connect)
    try:
        session = connect(
            host=place.host,
            port=place.port,
            username=access.user,
            password=access.secret,
            key_filename=access.key,
            allow_agent=access.key is None,
            look_for_keys=False,
            hostkey_verify=True,
            hostkey_b64=key,
            timeout=_TIMEOUT_S,
            sock=way,
        )
    except Exception as error:
        if way is not None:
            way.close()
        raise ExecutionError(
            f"{router} cannot be reached: {_words(error)}", fix="see `twinops doctor --site`"
        ) from error
    lacking = [x for x in (_CANDIDATE, _CONFIRMED) if x not in cast("Sequence[str]", session.server_capabilities)]
    if lacking:
        _close(session)
        raise ExecutionError(
            f"{router} has no {' and no '.join(lacking)}: what is half made would stay when we are killed",
            fix="use the actuator `advice` for it",
        )
    return session


@contextmanager
def _candidate(session: _Session) -> Generator[None]:
    """The candidate for us alone, as running is; whatever happens, nothing of ours is left in it."""
    session.lock("candidate")
    try:
        session.discard_changes()
        yield
    finally:
        with suppress(Exception):
            session.discard_changes()
        with suppress(Exception):
            session.unlock("candidate")


def _refused(error: Exception) -> bool:
    return type(error).__name__ == "RPCError"


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
