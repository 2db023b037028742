"""A real Ray cluster of two workers on this machine: the same answers, a killed worker, a task that fails."""

import gc
import os
import secrets
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.run.record import RunSpec
from evals.run.run import begin, evaluate
from tests.twin.engines import work
from tests.twin.engines.work import Part
from tests.twin.sim.test_pairs import mesh
from twin.engines.choose import engine_named
from twin.engines.seam import in_order
from twin.errors import UnknownFaultError, WorkError
from twin.model import Astray
from twin.sim.arrays import compile_network
from twin.sim.failure_sets import circuit_pairs
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import single_failures

MISSING = "Ray is not installed: pip install 'twinops[ray]'"
PARTS = [Part(i, f"row {i}") for i in range(7)]


OWN = """
import os
from pathlib import Path
from tests.twin.engines import work
from twin.engines.choose import engine_named

def below(process):
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = [int(x) for task in tasks for x in (task / "children").read_text().split()]
    return [x for child in children for x in (child, *below(child))]

if __name__ == "__main__":
    waits = engine_named("ray", 2).map(work.niceness, 0.0, [0.0, 3600.0, 3600.0])
    print("yields", next(waits)[1] - os.nice(0))
    there = below(os.getpid())
    waits.close()
    print("there", len(there) > 2, "left", len(below(os.getpid())))
"""


ASKED = """
from twin.engines.choose import engine_named
from twin.errors import InputError

if __name__ == "__main__":
    try:
        print(engine_named("ray:{address}").workers)
    except InputError as error:
        print(error)
"""


HEAD = """
import ray, sys
context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print("at", context.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster():
    """A cluster that somebody else has started, with a token of its own, and the engine that connects to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_raylet_start_wait_time_s", "240")  # a crowded machine takes its time
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
        ray = pytest.importorskip("ray", reason=MISSING)
        with subprocess.Popen([sys.executable, "-c", HEAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as head:
            address = next(line.split()[1].decode() for line in head.stdout if line.startswith(b"at "))
            yield engine_named(f"ray:{address}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Ray leaves processes of its own to the collector
                ray.shutdown()
                gc.collect()
            head.stdin.close()


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # Ray's own, about its next version
]


def test_a_cluster_says_how_many_it_does_at_once(cluster):
    assert cluster.workers == 2


def test_shared_arrays_are_read_only_and_results_the_same_to_the_last_bit(cluster):
    matrix = np.random.default_rng(4).random((7, 200_000))
    found = in_order(cluster, work.weigh, (matrix, 1.1), PARTS)
    assert found == [(float(row.sum() * 1.1), False) for row in matrix]


@pytest.mark.parametrize("astray", [(), (Astray("drop", "n3", "n7"), Astray("send", "n1->n2", "n9"))])
def test_a_sweep_of_failures_is_the_same_as_here_to_the_last_bit(cluster, astray):
    network = replace(mesh(3, nodes=24), astray=astray)
    failures = (*single_failures(network), *circuit_pairs(network))
    routing = route(compile_network(network))
    here, there = (sweep_failures(network, failures, routing, **x) for x in ({}, {"engine": cluster}))
    for name in ("max_utilisation", "busiest", "lost", "severed", "overload", "worst_utilisation", "worst_failure"):
        assert getattr(here, name).tolist() == getattr(there, name).tolist(), name


def test_cases_of_an_evaluation_have_the_same_results_as_here(cluster, tmp_path):
    spec = RunSpec(suites=("whatif",), cases=3, data=False)
    here, there = (
        evaluate(begin(spec, tmp_path / name), home=tmp_path / "home", workers=1, engine=engine)
        for name, engine in (("here", None), ("there", cluster))
    )
    assert len(there.results) == 3
    for one, other in zip(here.results, there.results, strict=True):
        kept = {"case", "passed", "values", "answer", "truth", "error"}
        assert one.model_dump(include=kept) == other.model_dump(include=kept)
    assert [x.model_dump() for x in there.record.results()] == [x.model_dump() for x in there.results]


def test_a_worker_that_is_killed_is_replaced_and_its_chunk_done_again(cluster, tmp_path):
    assert in_order(cluster, work.die_once, str(tmp_path), PARTS) == [i * i for i in range(7)]
    assert (tmp_path / "died-2").exists()


def test_a_task_that_fails_names_its_chunk_and_an_error_of_the_project_comes_as_it_is(cluster):
    with pytest.raises(WorkError, match=r"chunk 4 of 7 \(row 3\) failed: ZeroDivisionError: of three"):
        in_order(cluster, work.stumble, None, PARTS)
    with pytest.raises(UnknownFaultError, match="no fault number 0"):
        in_order(cluster, work.refuse, None, PARTS[:1])


def test_a_token_that_the_cluster_refuses_is_one_line(cluster, tmp_path):
    (tmp_path / "asked.py").write_text(ASKED.format(address=cluster._address))
    for refused in ("0" * 64, ""):
        env = {**os.environ, "RAY_AUTH_TOKEN": refused}
        found = subprocess.run([sys.executable, tmp_path / "asked.py"], env=env, capture_output=True, text=True)
        assert (found.returncode, found.stderr) == (0, "")
        assert "does not let this token in" in found.stdout


def test_a_cluster_of_its_own_yields_to_nobody_and_leaves_no_process_when_it_is_stopped(tmp_path):
    pytest.importorskip("ray", reason=MISSING)
    (tmp_path / "own.py").write_text(OWN)
    paths = os.pathsep.join([str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": paths, "RAY_raylet_start_wait_time_s": "240"}
    found = subprocess.run([sys.executable, tmp_path / "own.py"], env=env, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["yields 0", "there True left 0"]
