"""A hand by vendors' command lines, against a small router written from what they publish, behind a real sshd.

No router of a vendor was there: what these tests show is that the published dialogue is kept to, and that a router that
breaks it, or lies, is not believed.
"""

import fcntl
import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.twin.execute.actuators import vendor_cli
from tests.twin.execute.actuators.servers import Server, ssh_server
from tests.twin.execute.actuators.test_netconf_hand import look, network
from twin.errors import ExecutionError, InputError
from twin.execute.actuators.acting import ActingNetwork
from twin.execute.actuators.actuator import VENDORS
from twin.execute.actuators.cli import CliHand
from twin.execute.actuators.made import MadeByHand
from twin.execute.render import Inventory
from twin.execute.routers import Routers
from twin.live.effects import Made, NotMade
from twin.plan import DrainLink, DrainNode, SetWeight, UndrainNode
from twin.ssh import Limits

PORTS = {"junos": "ge-0/0/{}.0", "iosxr": "HundredGigE0/0/0/{}", "mdcli": "to-{}"}
QUICK = Limits(read_s=20, whole_s=30, most=1 << 20)
CHANGE = SetWeight(link="A->B", weight=33)


class Router(NamedTuple):
    """One small router, which plays A, B and C."""

    dialect: str
    server: Server
    names: dict[str, str]

    @property
    def file(self) -> Path:
        return self.server.folder / "state.json"

    def anew(self, *modes: str) -> None:
        metrics = dict.fromkeys(self.names.values(), 10)
        state = {"running": {"metric": metrics, "overload": False}, "candidate": None, "owner": None, "trial": None}
        more = {"commits": [], "log": [], "typed": [], "modes": modes, "minute_s": 3600}
        self.file.write_text(json.dumps(state | more))

    @contextmanager
    def held(self) -> Generator[dict]:
        with self.file.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.loads(file.read())
            yield state
            file.seek(0)
            file.truncate()
            file.write(json.dumps(state))

    def state(self) -> dict:
        with self.held() as state:
            return state

    def becomes(self, *modes: str) -> None:
        with self.held() as state:
            state["modes"] = modes

    def metric(self, link: str = "A->B") -> int:
        return self.state()["running"]["metric"][self.names[link]]

    def hand(self, limits: Limits = QUICK) -> CliHand:
        access = self.server.access(dict.fromkeys("ABC", f"127.0.0.1:{self.server.port}"))
        return CliHand(access, self.routers, VENDORS, limits)

    @property
    def routers(self) -> Routers:
        process = {"process": "CORE"} if self.dialect == "iosxr" else {}
        return Routers.model_validate({"dialect": self.dialect, **process})

    def acting(self, folder: Path, limits: Limits = QUICK) -> ActingNetwork:
        known = Inventory(self.names, self.routers)
        return ActingNetwork(look, self.hand(limits), known, MadeByHand(folder), trial_s=30)

    def is_as_it_was(self) -> bool:
        """Whether nothing is left of a change, on a busy machine at last: sessions end when their sshd notices."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            now = self.state()
            if now["trial"] is None and now["owner"] is None and set(now["running"]["metric"].values()) == {10}:
                return not now["running"]["overload"]
            time.sleep(0.1)
        return False


@pytest.fixture(scope="module", params=["junos", "iosxr", "mdcli"])
def router(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Router]:
    folder = tmp_path_factory.mktemp(request.param)
    command = f"{sys.executable} -S -E {vendor_cli.__file__} {request.param} {folder}"
    names = {x: PORTS[request.param].format(i) for i, x in enumerate(("A->B", "B->A", "B->C", "C->B", "A->C", "C->A"))}
    with ssh_server(folder, f"ForceCommand {command}\n") as server:
        yield Router(request.param, server, names)


@pytest.fixture(autouse=True)
def fresh(router: Router) -> None:
    router.anew()


def outcomes(folder: Path) -> list[type]:
    return [type(x) for x in MadeByHand(folder).record(network()).lines if isinstance(x, Made | NotMade)]


def test_a_weight_is_on_trial_then_kept_and_nothing_else_was_typed(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)
    live.apply(CHANGE)
    assert router.metric() == 33
    assert router.state()["trial"] is not None
    live.confirm_change()
    assert router.state()["trial"] is None
    assert router.metric() == 33
    assert live.read_router("A").network.links[0].weight == 33
    assert outcomes(tmp_path) == [Made]
    changing = [x for x in router.state()["typed"] if not x.startswith(("commit", "show", "run"))]  # tokens are drawn
    assert {x for x in changing if "33" in x or "metric" in x} == {
        {
            "junos": "set protocols isis interface ge-0/0/0.0 level 2 metric 33",
            "iosxr": "metric 33 level 2",
            "mdcli": '/configure router "Base" isis 0 interface "to-0" level 2 metric 33',
        }[router.dialect]
    }
    live.apply(SetWeight(link="A->B", weight=10))
    live.confirm_change()
    assert live.drift() == ((), ())
    assert live.read_topology() == network()


def test_a_router_is_drained_by_its_overload_bit_where_that_is_published(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)
    if router.dialect == "mdcli":
        with pytest.raises(ExecutionError, match="cannot drain_node"):
            live.apply(DrainNode(node="B"))
        return
    for change, on in ((DrainNode(node="B"), True), (UndrainNode(node="B"), False)):
        live.apply(change)
        live.confirm_change()
        assert router.state()["running"]["overload"] is on


def test_a_trial_that_ends_is_taken_back_by_the_router_and_the_record_says_so(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)
    live.apply(CHANGE)
    with router.held() as state:
        state["trial"]["end"] = 0
    with pytest.raises(ExecutionError, match="did not stay"):
        live.confirm_change()
    assert router.is_as_it_was()
    assert outcomes(tmp_path) == [NotMade]
    assert router.acting(tmp_path).drift() == ((), ())


def test_its_undoing_ends_a_trial_at_once(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)
    live.apply(CHANGE)
    live.apply(SetWeight(link="A->B", weight=10))
    assert router.is_as_it_was()
    assert outcomes(tmp_path) == [NotMade]


def test_what_one_of_two_routers_refuses_is_made_at_neither(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)  # both are one router, whose candidate one session has at a time
    with pytest.raises(ExecutionError, match=r"says to|trial of another session|waits to be confirmed"):
        live.apply(DrainLink(circuit=network().links[0].circuit))
    assert router.is_as_it_was()


def test_a_connection_that_is_lost_between_commit_and_confirm_leaves_nothing(router: Router, tmp_path: Path) -> None:
    live = router.acting(tmp_path)
    live.apply(CHANGE)
    live._hand._trials["A"].terminal.close()  # as by a process that is killed: its sockets are closed
    if router.dialect == "junos":
        assert router.state()["trial"] is not None  # a trial of Junos is the router's; the next one ends it
    else:
        assert router.is_as_it_was()
    other = router.acting(tmp_path)
    with pytest.raises(ExecutionError, match="did not stay"):
        other.confirm_change()
    assert router.is_as_it_was()
    assert outcomes(tmp_path) == [NotMade]


def test_a_trial_of_a_session_that_hangs_on_is_not_taken_for_kept(router: Router, tmp_path: Path) -> None:
    first = router.acting(tmp_path)
    first.apply(CHANGE)  # and stays connected, as a process that is frozen does
    other = router.acting(tmp_path)
    if router.dialect == "junos":
        with pytest.raises(ExecutionError):  # the first one holds the candidate
            other.confirm_change()
    else:
        with pytest.raises(ExecutionError, match=r"trial of another session|exclusive"):
            other.confirm_change()
    assert outcomes(tmp_path) == []
    first._hand.close()
    with pytest.raises(ExecutionError, match="did not stay"):
        other.confirm_change()
    assert router.is_as_it_was()


def test_a_commit_that_another_operator_has_on_trial_is_not_confirmed_by_a_rehearsal(
    router: Router, tmp_path: Path
) -> None:
    if router.dialect != "junos":
        return  # there a trial is its session's, and nobody else gets the candidate
    with router.held() as state:
        state["trial"] = {"before": state["running"], "end": time.time() + 3600, "session": "ana"}
        state["commits"].insert(0, ["ana", "cli", "commit confirmed, rollback in 10mins", ""])
    live = router.acting(tmp_path)
    with pytest.raises(ExecutionError, match="waits to be confirmed"):
        live.apply(CHANGE)
    assert router.state()["trial"]["session"] == "ana"
    assert router.metric() == 10


NO = {
    "locked": "locked|unavailable",
    "rejects": "says to",
    "adds": "not what was meant",
    "check_fails": "check-out failed|Failed to commit|not in range",
    "nop": "says yes|no trial waits|run something else",
    "pager": "waits for an answer to '--More--'|does not come to a prompt",
}


@pytest.mark.parametrize("mode", NO)
def test_a_router_that_says_no_or_lies_is_not_changed_and_not_believed(
    router: Router, tmp_path: Path, mode: str
) -> None:
    router.becomes(mode)
    live = router.acting(tmp_path)
    with pytest.raises((ExecutionError, InputError), match=NO[mode]):
        live.apply(CHANGE)
    router.becomes()
    assert router.is_as_it_was()
    assert live.read_topology() == network()
    live = router.acting(tmp_path)
    live.apply(CHANGE)  # and nothing of it stands in the way of the next
    live.confirm_change()
    assert router.metric() == 33


@pytest.mark.parametrize("mode", ["slow", "lookalike"])
def test_a_slow_prompt_and_what_looks_like_one_in_an_output_change_nothing(
    router: Router, tmp_path: Path, mode: str
) -> None:
    router.becomes(mode)
    live = router.acting(tmp_path)
    live.apply(CHANGE)
    live.confirm_change()
    assert router.metric() == 33
    assert live.read_router("A").network.links[0].weight == 33


@pytest.mark.parametrize("mode", ["between", "drop", "confirm_nop"])
def test_what_happens_between_commit_and_confirm_is_noticed(router: Router, tmp_path: Path, mode: str) -> None:
    live = router.acting(tmp_path)
    if mode == "confirm_nop" and router.dialect == "mdcli":
        pytest.skip("SR OS publishes nothing that shows a trial from outside: it takes it back when the session ends")
    if mode == "between" and router.dialect == "junos":
        router.becomes(mode)
        with pytest.raises(ExecutionError, match="no commit of ours waits"):
            live.apply(CHANGE)
        assert router.metric() == 33  # hers is the newest commit now: ours is not taken back with it
        return
    live.apply(CHANGE)
    router.becomes(mode)
    with pytest.raises(ExecutionError, match=r"did not stay|not taken back everywhere"):
        live.confirm_change()
    router.becomes()
    with router.held() as state:
        if state["trial"] is not None:  # of Junos: it is the router's, whose own timer is waited for
            state["trial"]["end"] = 0
    with suppress(ExecutionError):
        router.acting(tmp_path).confirm_change()
    assert router.acting(tmp_path).drift() == ((), ())
    assert router.is_as_it_was()
    assert outcomes(tmp_path) == [NotMade]


def test_what_cannot_be_typed_is_not(router: Router) -> None:
    terminal = router.hand()._opened("A", VENDORS[router.dialect]())
    for line in ("show version\nreboot", "show ünicode", "x" * 401, "show \x15reboot"):
        with pytest.raises(ExecutionError, match="cannot be typed"):
            terminal.ask(line)
    terminal.close()
