"""A sweep gives the same figures, to the last bit, whoever evaluates it."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.twin.sim.oracle import random_network
from twin.sim.pool import Processes
from twin.sim.simulate import FailureSweep, simulate, single_failures
from twin.sim.sweep import SERIAL, cut


def figures(sweep: FailureSweep) -> list[np.ndarray]:
    return [x for x in vars(sweep).values() if isinstance(x, np.ndarray)]


@pytest.fixture(scope="module")
def two_processes():
    with Processes(2) as engine:
        yield engine


@pytest.mark.parametrize("seed", [3, 11, 24])
def test_processes_and_this_process_agree_to_the_last_bit(two_processes, seed):
    network = random_network(seed, lossless=seed != 24)
    failures = single_failures(network)
    here = simulate(network, failures=failures).sweep
    there = simulate(network, failures=failures, engine=two_processes).sweep
    assert [x.tobytes() for x in figures(here)] == [x.tobytes() for x in figures(there)]


class Chunks:
    """Cuts the cases as a pool of many workers would, and evaluates them here."""

    def __init__(self, workers):
        self.workers, self.map = workers, SERIAL.map


@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_the_number_of_workers_changes_nothing(workers):
    for seed in range(30):
        network = random_network(seed)
        failures = single_failures(network)
        one = simulate(network, failures=failures).sweep
        many = simulate(network, failures=failures, engine=Chunks(workers)).sweep
        assert [x.tobytes() for x in figures(one)] == [x.tobytes() for x in figures(many)]


@pytest.mark.parametrize(("cases", "workers"), [(0, 1), (1, 4), (7, 2), (100, 3)])
def test_chunks_cover_every_case_once(cases, workers):
    covered = [i for part in cut(cases, Chunks(workers)) for i in range(cases)[part]]
    assert covered == list(range(cases))


def test_an_error_in_a_worker_reaches_the_caller(two_processes):
    with pytest.raises(ZeroDivisionError):
        two_processes.map(divide, 1, [1, 0])


def divide(shared, chunk):
    return shared / chunk


def test_workers_leave_without_a_word_and_without_shared_memory(tmp_path):
    script = tmp_path / "sweeps.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


SCRIPT = """
from tests.twin.sim.oracle import random_network
from twin.sim.pool import Processes
from twin.sim.simulate import simulate, single_failures

if __name__ == "__main__":
    with Processes(1) as engine:
        networks = [random_network(seed) for seed in (3, 11)]
        sweeps = [simulate(x, failures=single_failures(x), engine=engine).sweep for x in networks]
    print(all(len(sweep.lost) for sweep in sweeps))
"""
