"""Compile the kernels before the tests: two processes, neither of which does the other's work.

Without it every worker of the tests, and every process that a test starts, compiles what it meets first by itself.
"""

import asyncio
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

SMALL = "synthetic/8-1"


def _plan() -> None:
    import twinops
    from twin.optimise.goals import Purpose

    twinops.plan_for(twinops.load_network(SMALL), twinops.Policy(), Purpose("relieve"))


def _run() -> None:
    from agents.run.run import RunRequest, run_incident

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        asyncio.run(run_incident(RunRequest(network=SMALL, seed=2), runs=home / "runs", home=home / "home"))


def main() -> None:
    """Have planners, simulator, gate and diagnosis used once."""
    warnings.simplefilter("ignore")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(work) for work in (_run, _plan)]:
            done.result()


if __name__ == "__main__":
    main()
