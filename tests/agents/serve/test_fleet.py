"""Several sites in one command, on real processes: what one of them does, or fails to do, the others do not notice."""

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, suppress
from functools import partial

import pytest

from agents.commands import room
from agents.commands.room import ServeOptions, console_of, serve_site
from agents.serve.emulated import LivingNetwork
from agents.serve.fleet import FOLDER, Fleet, fleet_state, names_of
from agents.serve.listening import bound
from agents.serve.turns import Among, RunTurns
from tests.agents.serve.killed_room import SITE
from twin.errors import InputError
from twin.faults import Fault, FaultKind

TAKES = """
import sys, time
from pathlib import Path
from agents.serve.turns import Among, RunTurns
turns = RunTurns(Among(sys.argv[2], Path(sys.argv[1])))
while not turns.come():
    time.sleep(0.01)
print("has it", flush=True)
sys.stdin.read()
"""
NETWORK = '{"nodes": [{"id": "A"}, {"id": "B"}], "links": [{"source": "A", "target": "B", "capacity": "10G"}]}'
FLAPPING = "link/CHINng:IPLSng--IPLSng:CHINng"
PEOPLE = """
proxy_header = "X-Remote-User"
[[members]]
name = "ada"
role = "admin"
"""
SILENT = """
[sources]
topology = "network.json"
prometheus = "http://127.0.0.1:{port}"
"""


def until(holds, seconds=600):
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    assert found
    return found


def drips(tarpit):
    """Answer so slowly that no time limit of a read is reached, and no answer ever ends."""
    asked, _ = tarpit.accept()
    with asked, suppress(OSError):
        while True:
            asked.sendall(b"H")
            time.sleep(1)


def takes(folder, name):
    process = subprocess.Popen(
        [sys.executable, "-c", TAKES, str(folder), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "has it\n"
    return process


def test_runs_take_turns_in_the_order_in_which_they_came_and_a_killed_process_keeps_nobody_waiting(tmp_path):
    first = takes(tmp_path, "first")
    second, third = (RunTurns(Among(x, tmp_path)) for x in ("second", "third"))
    assert not second.come()
    assert not third.come()
    assert third.words == "waits for first, second"
    second.end()  # and comes again: behind the third
    assert not second.come()
    first.kill()
    first.communicate()
    assert not second.come()
    assert third.come()
    assert third.come()
    resumed = RunTurns(Among("resumed", tmp_path))
    assert resumed.come(now=True)
    third.end()
    assert not second.come()
    assert second.words == "waits for resumed"
    resumed.end()
    assert second.come()
    second.end()
    assert [x.name for x in (tmp_path / "turns").iterdir()] == ["lock"]


def test_so_many_runs_are_at_once_and_one_that_never_ends_is_not_waited_for_for_ever(tmp_path):
    now = time.time()
    hung, other, late = (RunTurns(Among(x, tmp_path, at_once=2), clock=lambda: now) for x in ("hung", "other", "late"))
    assert hung.come()
    assert other.come()
    assert not late.come()
    now += 7_200
    assert late.come()
    for turns in (hung, other, late):
        turns.end()


def test_sites_are_named_by_their_files_folders_or_by_who_starts_them():
    sites = ["north.toml", "/etc/noc/site.toml", "lab", "east=emulated:sndlib/abilene,seed=3", SITE]
    assert [*names_of(sites)] == ["north", "noc", "lab", "east", "emulated-sndlib-abilene-seed-3"]
    assert names_of(sites)["east"] == SITE
    for bad in (["a/site.toml", "b/a.toml"], ["..=lab", "///"]):
        with pytest.raises(InputError, match=r"two sites|no name"):
            names_of(bad)


def test_a_site_whose_port_is_taken_has_another_or_none_where_it_was_named(monkeypatch):
    def serve(*, port):
        with closing(bound("127.0.0.1", port, option="--port")) as found:
            return found.getsockname()[1]

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        console, lacks = console_of(serve, port - 2, 2)
        assert (console, f"port {port} cannot be had" in lacks, "without a console" in lacks) == (None, True, True)
        monkeypatch.setattr(room, "_PORT", port - 2)
        console, lacks = console_of(serve, None, 2)
        assert console not in {None, port}
        assert f"port {port} cannot be had" in lacks
    assert console_of(serve, 0, 2)[1] == ""


def test_a_site_that_is_broken_or_hangs_does_not_touch_the_others_and_a_run_waits_for_its_turn(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "room.toml").write_text(PEOPLE)
    live = LivingNetwork.open(SITE, tmp_path / "room" / "good")
    live.strike(Fault(kind=FaultKind.LINK_DOWN, element=FLAPPING, onset=live.now))
    (tmp_path / "network.json").write_text(NETWORK)
    folder, said = tmp_path / "room" / FOLDER, []
    elsewhere = takes(folder, "elsewhere")
    with closing(socket.create_server(("127.0.0.1", 0))) as tarpit:
        threading.Thread(target=drips, args=(tarpit,), daemon=True).start()
        (tmp_path / "hangs.toml").write_text(SILENT.format(port=tarpit.getsockname()[1]))
        sites = {"broken": str(tmp_path / "none.toml"), "hangs": str(tmp_path / "hangs.toml"), "good": SITE}
        options = ServeOptions(
            *(tmp_path / x for x in ("room", "runs", "home")), 0, show=False, every=1.0, standby=False
        )
        fleet = Fleet(folder, sites, partial(serve_site, options), at_once=1, tell=said.append)
        serving = threading.Thread(target=lambda: (fleet.run(), fleet.end()))
        serving.start()
        try:
            good = until(lambda: next((x for x in states(folder) if x.name == "good" and x.open), None))
            asks = urllib.request.Request(f"{good.console}/health", headers={"X-Remote-User": "ada"})
            told = ("good, sndlib/abilene", "hangs", "none.toml", "waits for elsewhere", f'"{good.console}/"')

            def page_lacks() -> list[str]:
                with urllib.request.urlopen(asks, timeout=300) as answer:
                    page = answer.read().decode()
                return [x for x in told if x not in page]

            until(lambda: not page_lacks())
            broken, hangs = states(folder)[:2]
            assert (broken.state, broken.looked, "none.toml" in broken.because) == ("ended", None, True)
            assert hangs.looked is None
            assert hangs.state in {"starting", "ended"}  # the latter where an answer without an end was given up
            assert not list(tmp_path.glob("runs/good/*"))
            elsewhere.kill()  # whoever has the turn dies
            until(lambda: list(tmp_path.glob("runs/good/*/journal.jsonl")))
        finally:
            fleet.stop()
            serving.join()
            elsewhere.kill()
            elsewhere.communicate()
    assert {"broken"} <= {x.partition(":")[0] for x in said} <= {"broken", "hangs"}


def states(folder):
    known = fleet_state(folder)
    return known.sites if known else ()
