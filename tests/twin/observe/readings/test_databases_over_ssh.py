"""A database asked for over SSH, of a real sshd: what it gives, and that a hostile one holds nobody up or misleads."""

import shutil
import socket
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.twin.execute.actuators.servers import Server, free_port, jump_host, ssh_server
from tests.twin.formats.lsdb.test_databases import HEAD, TRIANGLE
from tests.twin.formats.lsdb.test_laid_over import INVENTORY
from tests.twin.optimise.networks import network_of
from twin.errors import DistrustedError, ExecutionError, InputError
from twin.execute.routers import Routers
from twin.observe.readings.databases import COMMANDS, Databases, ReadBySsh, asked_router

PATIENT = ReadBySsh(key="client", dialect="frr", timeout_s=60.0, most_mib=1)
"""Logging in takes seconds on a machine that is loaded."""
QUICK = PATIENT.model_copy(update={"timeout_s": 3.0})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A router whose every command runs what `answer.sh` holds just then, and writes down what was asked."""
    folder = tmp_path_factory.mktemp("lsdb")
    told = f'printf "%s|%s\\n" "$SSH_CONNECTION" "$SSH_ORIGINAL_COMMAND" >> {folder}/asked; . {folder}/answer.sh'
    (folder / "told.sh").write_text(told)
    (folder / "banner").write_text("IS-IS Level-2 link-state database:\nNobody may log in here.\n--More--\n")
    with ssh_server(folder, f"Banner {folder}/banner\nForceCommand sh {folder}/told.sh\n") as running:
        (folder / "whole.txt").write_text(HEAD + TRIANGLE)
        yield running


def answers(server: Server, script: str) -> None:
    (server.folder / "answer.sh").write_text(script)
    (server.folder / "asked").unlink(missing_ok=True)


def databases(server: Server, *hosts: str, ssh: ReadBySsh = PATIENT, folder: Path | None = None) -> Databases:
    user = server.access({}).user
    named = hosts or (f"ssh://{user}@127.0.0.1:{server.port}",)
    asked = [asked_router(x, folder or server.folder, ssh, Routers()) for x in named]
    return Databases(lambda: (), asked, ssh, 600.0)


def adjacent(source: Databases) -> list[float]:
    said = source.says(INVENTORY, None)
    assert said is not None
    return said.adjacent.tolist()


def test_a_whole_answer_is_believed_and_one_login_serves_every_look(server: Server) -> None:
    answers(server, f"cat {server.folder}/whole.txt; echo motd and warnings >&2")
    source = databases(server)
    before = time.time()
    said = source.says(INVENTORY, None)
    assert said is not None
    assert said.time >= before
    assert set(said.adjacent.tolist()) == {1.0}
    assert adjacent(source) == [1.0] * 6  # within a fifth of the interval nobody is asked again
    source._pause_s = 0.0
    gone = (HEAD + TRIANGLE).replace("  Metric: 30         IS-Extended c.00\n", "", 1)
    (server.folder / "cut.txt").write_text(gone)
    (server.folder / "answer.sh").write_text(f"cat {server.folder}/cut.txt")
    found = dict(zip(INVENTORY.link_index, adjacent(source), strict=True))
    assert {x for x, there in found.items() if there == 0.0} == {"a->c", "c->a"}
    source.close()
    lines = (server.folder / "asked").read_text().splitlines()
    assert [x.split("|")[1] for x in lines] == ['vtysh -c "show isis database detail" -c "show isis hostname"'] * 2
    assert len({x.split("|")[0] for x in lines}) == 1


@pytest.mark.parametrize(
    ("script", "words", "ssh"),
    [
        ("sleep 300", "cannot be reached: TimeoutError", QUICK),
        ("while :; do printf x; sleep 0.3; done", "no end within 18 s", QUICK),
        ("exec yes", "more than 1 MiB", PATIENT),
        ("exec yes >&2", "cannot be reached: TimeoutError", QUICK),
        ("echo; sed 3q {0}/whole.txt; printf ' --More-- '; exec sleep 300", "cannot be reached", QUICK),
        ("echo 'Welcome to core1'", "is no database", PATIENT),
        ("head -c 4096 /dev/urandom", "is no database", PATIENT),
        ("printf '{{\"a\":'", "is no database", PATIENT),
        ("true", "is no database", PATIENT),
        ("echo '% Invalid command' ; exit 1", "says no: % Invalid command", PATIENT),
        ("sed 1,4q {0}/whole.txt; kill -9 $PPID; sleep 1", "cannot be reached", PATIENT),
    ],
)
def test_whatever_a_hostile_router_answers_it_is_an_error_in_bounded_time(
    server: Server, script: str, words: str, ssh: ReadBySsh
) -> None:
    answers(server, script.format(server.folder))
    with pytest.raises(ExecutionError, match=words):  # the quick ones would never end by themselves
        databases(server, ssh=ssh).says(INVENTORY, None)


def test_a_look_goes_on_without_a_router_that_does_not_answer_and_names_it(server: Server) -> None:
    answers(server, "exit 1")
    part = databases(server).part(INVENTORY, None, once=True)
    assert part is not None
    assert part.series == ()
    assert part.account.fields[0].became == "not modelled"
    assert "says no" in part.account.fields[0].note


def test_an_answer_that_is_cut_off_between_routers_takes_nothing_down(server: Server) -> None:
    whole = HEAD + TRIANGLE
    (server.folder / "cut.txt").write_text(whole[: whole.index("c.00-00")])
    answers(server, f"cat {server.folder}/cut.txt")
    found = dict(zip(INVENTORY.link_index, adjacent(databases(server)), strict=True))
    assert np.isnan([found[x] for x in ("a->c", "c->a", "b->c", "c->b")]).all()


def test_a_router_that_is_cut_off_with_its_neighbour_says_nothing_of_links_beyond(server: Server) -> None:
    lines = "".join(x for x in TRIANGLE.split("c.00-00")[0].splitlines(keepends=True) if "IS-Extended c.00" not in x)
    answers(server, f"cat <<'EOF'\n{HEAD}{lines}EOF\n")
    beyond = network_of([("a", "b", 100.0, 10), ("a", "c", 100.0, 40), ("c", "d", 100.0, 10)], {("a", "c"): 1.0})
    said = databases(server).says(beyond, None)
    assert said is not None
    found = dict(zip(beyond.link_index, said.adjacent.tolist(), strict=True))
    assert (found["a->b"], found["a->c"]) == (1.0, 0.0)  # a is there, and names c no more
    assert np.isnan([found["c->d"], found["d->c"]]).all()


def test_another_router_stands_in_for_one_that_does_not_answer(server: Server) -> None:
    answers(server, f"cat {server.folder}/whole.txt")
    dead, user = free_port(), server.access({}).user
    known = (server.folder / "known_hosts").read_text()
    (server.folder / "known_hosts").write_text(known + known.replace(f":{server.port}", f":{dead}"))
    first = f"ssh://{user}@127.0.0.1:{dead}"
    assert adjacent(databases(server, first, f"ssh://{user}@127.0.0.1:{server.port}")) == [1.0] * 6
    with pytest.raises(ExecutionError, match="cannot be reached"):
        databases(server, first).says(INVENTORY, None)


def test_a_router_whose_host_key_is_not_the_known_one_is_not_spoken_to(server: Server, tmp_path: Path) -> None:
    answers(server, f"cat {server.folder}/whole.txt")
    shutil.copy(server.folder / "client", tmp_path / "client")
    right, other = (server.folder / "host.pub").read_text(), (server.folder / "client.pub").read_text()
    for known, words in (("", "has no key of"), (other, "another host key")):
        name = f"[127.0.0.1]:{server.port} {known}" if known else f"[127.0.0.9]:{server.port} {right}"
        (tmp_path / "known_hosts").write_text(name)
        source = databases(server, folder=tmp_path)
        for look in (source.says, source.part):  # no look goes on without it
            with pytest.raises(DistrustedError, match=words):
                look(INVENTORY, None)
    assert not (server.folder / "asked").exists()
    stranger = databases(server, f"ssh://nobody-here@127.0.0.1:{server.port}")
    with pytest.raises(DistrustedError, match="refuses the login of nobody-here"):
        stranger.says(INVENTORY, None)


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-slow", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_ssh_server_holds_nobody_up(server: Server, tmp_path: Path, banner: bytes) -> None:
    shutil.copy(server.folder / "client", tmp_path / "client")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, held = listening.getsockname()[1], list[socket.socket]()

        def drip() -> None:
            with suppress(OSError):
                held.append(listening.accept()[0])
                for byte in banner * 100:
                    held[0].sendall(bytes([byte]))
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        key = (server.folder / "host.pub").read_text()
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
        with pytest.raises(ExecutionError, match="cannot be reached"):
            databases(server, f"ssh://127.0.0.1:{port}", ssh=QUICK, folder=tmp_path).says(INVENTORY, None)
        for one in held:
            one.close()


@pytest.mark.parametrize(
    "address",
    [
        "ssh://a b@core1",
        "ssh://u@core1;reboot",
        "ssh://u@$(id)",
        "ssh://-oProxyCommand=x",
        "ssh://u:secret@core1",
        "ssh://u@core1:99999",
        "ssh://u@core1/../x",
        "ssh://u@core1\nreboot",
        "ssh://",
        "ssh://ü@core1",
    ],
)
def test_an_address_is_a_user_and_a_host_and_nothing_else(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no router to ask"):
        asked_router(address, tmp_path, QUICK, Routers())


def test_what_is_asked_only_shows_and_what_is_not_known_is_asked_for(tmp_path: Path) -> None:
    for commands in COMMANDS.values():
        assert all(x.startswith("show ") and ";" not in x for x in commands)
    with pytest.raises(InputError, match="nothing is known to show"):
        asked_router("ssh://core1", tmp_path, ReadBySsh(), Routers())
    ospf = asked_router("ssh://[2001:db8::1]:2222", tmp_path, QUICK, Routers(igp="ospf"))
    assert ospf.commands == ('vtysh -c "show ip ospf database router" -c "show ip ospf database network"',)
    assert ospf.access.place(ospf.host) == ("2001:db8::1", 2222)
    named = Routers.model_validate({"dialect": "junos", "named": {"core1": {"dialect": "iosxr"}}})
    assert asked_router("ssh://core1", tmp_path, ReadBySsh(), named).commands[0] == "show isis database verbose"


def test_a_router_behind_a_jump_host_is_asked_through_it_and_shows_its_own_key(server: Server, tmp_path: Path) -> None:
    answers(server, f"cat {server.folder}/whole.txt")
    with jump_host(tmp_path / "jump", server) as jump:
        through = PATIENT.model_copy(update={"jump": jump})
        source = databases(server, ssh=through)
        assert adjacent(source) == [1.0] * 6
        source.close()
        nobody = through.model_copy(update={"jump": f"127.0.0.1:{free_port()}"})
        with pytest.raises(DistrustedError, match="no key of"):
            adjacent(databases(server, ssh=nobody))


def test_a_jump_host_that_lets_nothing_through_is_named(server: Server, tmp_path: Path) -> None:
    with jump_host(tmp_path / "jump", server, "AllowTcpForwarding no\n") as jump:
        closed = PATIENT.model_copy(update={"jump": jump})
        with pytest.raises(ExecutionError, match=f"cannot be reached through {jump}"):
            adjacent(databases(server, ssh=closed))
