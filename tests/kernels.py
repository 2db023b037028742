"""Compile kernels and the tests' own modules before the tests: two processes that share the work.

Without it every worker of the tests, and every process that a test starts, compiles what it meets first by itself.
"""

import asyncio
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
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


def _study() -> None:
    import twinops
    from twin.model import Astray, SegmentList, Tunnel
    from twin.plan import SetWeight, apply
    from twin.sim.failure_sets import circuit_pairs
    from twin.sim.simulate import simulate, single_failures
    from twin.sim.succession import sweep_states
    from twin.sim.volumes import sweep_volumes

    network = twinops.load_network("synthetic/20-1")
    lossy = replace(network, links=(network.links[0]._replace(loss=0.1), *network.links[1:]))
    twinops.study(network, circuit_pairs(network))
    ends = network.nodes[0].name, network.nodes[-1].name
    via = SegmentList(via=(network.nodes[1].name,))
    steered = replace(lossy, tunnels=(Tunnel(name="t", source=ends[0], target=ends[1], paths=(via,)),))
    tunnelled = replace(network, tunnels=steered.tunnels)
    after = apply(tunnelled, SetWeight(link=network.links[0].name, weight=1))
    sweep_states((tunnelled, after), single_failures(network), 0.8, [(0, 1.0), (1, 1.2)])
    simulate(replace(network, astray=(Astray(does="drop", at=ends[0], target=ends[1]),)))
    for state in (network, lossy, steered):
        sweep_volumes([state, state.with_demands(state.demands * 0.5)], single_failures(state))
        step = twinops.DrainLink(circuit=state.links[2].circuit)
        twinops.verify(
            twinops.Plan(goal="drain", base=state.id, steps=(step,), objective="drain"),
            state,
            twinops.Policy(max_failure_delay_ms=1e6),
        )


def _collect() -> None:
    """Rewrite the tests' assertions once, which takes three times as long as to collect tests that are rewritten."""
    subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q"], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Have planners, simulator, gate, studies and diagnosis used once, and the tests collected."""
    warnings.simplefilter("ignore")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(work) for work in (_study, _run, _collect, _plan)]:
            done.result()


if __name__ == "__main__":
    main()
