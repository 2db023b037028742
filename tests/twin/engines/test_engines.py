"""The same answers from every engine; what becomes of workers that die, tasks that fail, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest

from tests.twin.engines import work
from tests.twin.engines.work import Part
from twin.abandoned import ends_with
from twin.engines.choose import engine_named
from twin.engines.local import Local, pays
from twin.engines.processes import ATTEMPTS, Processes
from twin.engines.seam import Progress, Reporting, Serial, in_order
from twin.errors import CallCancelledError, InputError, TransientError, UnknownFaultError, WorkError

PARTS = [Part(i, f"row {i}") for i in range(7)]
MATRIX = np.random.default_rng(4).random((7, 1000))


@pytest.fixture(params=[Serial(), Processes(2)], ids=["serial", "processes"])
def engine(request):
    return request.param


def test_whoever_does_it_the_results_are_the_same_to_the_last_bit(engine):
    found = in_order(engine, work.weigh, (MATRIX, 1.1), PARTS)
    assert [x for x, _ in found] == [float(row.sum() * 1.1) for row in MATRIX]


def test_processes_read_what_they_share_and_cannot_write_to_it():
    assert not any(writeable for _, writeable in in_order(Processes(2), work.weigh, (MATRIX, 1.0), PARTS))


def test_an_array_in_another_order_of_memory_arrives_as_it_is():
    found = in_order(Processes(3), work.weigh, (np.asfortranarray(MATRIX)[:, ::2], 1.0), PARTS)
    np.testing.assert_allclose([x for x, _ in found], MATRIX[:, ::2].sum(axis=1), rtol=1e-12)


def test_no_chunks_are_no_work(engine):
    assert in_order(engine, work.weigh, (MATRIX, 1.0), []) == []


def test_a_task_that_fails_names_its_chunk(engine):
    with pytest.raises(WorkError, match=r"chunk 4 of 7 \(row 3\) failed: ZeroDivisionError: of three"):
        in_order(engine, work.stumble, None, PARTS)


def test_an_error_of_the_project_comes_as_it_is(engine):
    with pytest.raises(UnknownFaultError, match="no fault number") as caught:
        in_order(engine, work.refuse, None, PARTS[:1])
    assert caught.value.exit_code == 2


def test_a_worker_that_dies_is_replaced_and_its_chunk_done_again(tmp_path):
    assert in_order(Processes(2), work.die_once, str(tmp_path), PARTS) == [i * i for i in range(7)]
    assert (tmp_path / "died-2").exists()


def test_a_chunk_that_every_worker_dies_of_is_given_up_and_named(tmp_path):
    with pytest.raises(TransientError, match=r"3 worker processes died of chunk 1 of 1 \(row 0\)"):
        in_order(Processes(2), work.die, str(tmp_path), PARTS[:1])
    assert (tmp_path / "deaths").read_text().split() == ["0"] * ATTEMPTS


def test_closing_early_stops_the_workers(tmp_path):
    before = set(_children(os.getpid()))  # what other tests have left
    results = Processes(2).map(work.die_once, str(tmp_path), PARTS)
    next(results)
    begun = set(_children(os.getpid())) - before
    results.close()
    assert len(begun) == 2
    assert not begun & set(_children(os.getpid()))


@pytest.mark.parametrize(("engine", "count"), [("processes.Processes(2)", 2), ("seam.Serial()", 1)])
def test_ctrl_c_stops_all_of_it_in_two_seconds(tmp_path, engine, count):
    script = f"""
import signal
from tests.twin.engines import work
from twin.engines import processes, seam
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
    seam.in_order({engine}, work.dawdle, {str(tmp_path)!r}, [work.Part(i) for i in range(4)])
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, str(path)], env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("began-*"))) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        workers = [int(x.name.removeprefix("began-")) for x in tmp_path.glob("began-*")]
        signalled = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        took = time.monotonic() - signalled
    assert len(workers) == count
    assert took < 2 * float(os.environ.get("TWINOPS_PATIENCE", "4"))  # two seconds; a crowded machine takes its time
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_work_in_processes_that_nobody_waits_for_any_more_ends_before_its_chunk_does(tmp_path):
    abandoned = threading.Event()

    def work_on():
        ends_with(abandoned)
        results = Processes(1).map(work.dawdle, str(tmp_path), PARTS[:1])
        threading.Timer(0.2, abandoned.set).start()
        with pytest.raises(CallCancelledError):
            next(results)

    copy_context().run(work_on)


def test_little_work_is_never_spread_and_much_is_where_it_pays():
    assert not pays(2.9, 64)
    assert not pays(60, 1)
    assert not pays(4.9, 2)  # 2.5 s until both are there, 2.45 s for each
    assert pays(5.1, 2)
    assert pays(3.5, 8)


def test_the_machine_does_here_what_takes_no_time():
    assert set(in_order(Local(2), work.where, 0.0, PARTS)) == {os.getpid()}


def test_the_machine_spreads_what_takes_long_once_it_has_seen_that():
    places = in_order(Local(4), work.where, 0.7, PARTS)
    assert places[0] == os.getpid()
    assert os.getpid() not in places[1:]


def test_it_is_told_how_far_the_work_has_come():
    said: list[Progress] = []
    in_order(Reporting(Serial(), said.append), work.weigh, (MATRIX, 1.0), PARTS)
    assert [(x.done, x.total) for x in said] == [(i, 7) for i in range(1, 8)]
    assert said[-1].left == 0
    assert Progress(2, 10, 5.0).left == 20
    assert Progress(0, 10, 5.0).left is None


@pytest.mark.parametrize("text", ["", "threads", "serial:2", "processes:x", "RAY"])
def test_an_engine_that_does_not_exist_is_refused_with_those_that_do(text):
    with pytest.raises(InputError) as caught:
        engine_named(text)
    assert caught.value.fix == "write serial, processes, ray or ray:ADDRESS"


def test_no_processes_do_nothing():
    with pytest.raises(InputError, match="0 processes"):
        Processes(0)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and b"resource_tracker" not in _command(stat):
            found.append(int(stat.parent.name))
    return found


def _command(stat: Path) -> bytes:
    try:
        return (stat.parent / "cmdline").read_bytes()
    except OSError:
        return b""
