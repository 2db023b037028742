"""Many runs in one process: 50 at once, and 1,000 in a row. Prints what they did to time and memory.

    python -m tests.benchmarks.endurance --runs 1000 --together 50

Memory counts from the 50th run in a row on, when every code path has been compiled and every cache is warm.
"""

import argparse
import asyncio
import gc
import shutil
import tempfile
import time
from pathlib import Path

from agents.record.journal import read_journal
from agents.run.run import RunRequest, RunResult, run_incident

NETWORK = "synthetic/8-1"
WARM = 50


def resident_mb() -> float:
    """Resident memory of this process, MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def request(seed: int) -> RunRequest:
    return RunRequest(network=NETWORK, seed=seed, healthy=seed % 4 == 0)


async def run(seed: int, folder: Path) -> RunResult:
    return await run_incident(request(seed), runs=folder / "runs", home=folder / "home")


def figures(result: RunResult) -> tuple[object, ...]:
    """What must not depend on who else is running."""
    finished = result.finished
    return finished.outcome, str(finished.cause), finished.figures, finished.tool_calls, finished.rounds


async def together(count: int, folder: Path) -> list[RunResult]:
    return list(await asyncio.gather(*(run(seed, folder) for seed in range(count))))


def measure_together(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        results = asyncio.run(together(count, Path(folder)))
        seconds = time.perf_counter() - started
        ids = [result.run for result in results]
        for result in results:
            events = [record.event for record in read_journal(result.folder / "journal.jsonl").records]
            assert events[0].run == result.run
        alone = [figures(asyncio.run(run(seed, Path(folder)))) for seed in range(count)]
    same = sum(figures(one) == other for one, other in zip(results, alone, strict=True))
    outcomes = sorted({result.finished.outcome for result in results})
    print(f"{count} at once: {seconds:.1f} s, {len(set(ids))} runs, {same} of {count} as when alone: {outcomes}")


def measure_in_a_row(count: int) -> None:
    folder = Path(tempfile.mkdtemp())
    memory: list[float] = []
    started = time.perf_counter()
    for seed in range(count):
        asyncio.run(run(seed, folder))
        shutil.rmtree(folder / "runs")
        if seed % 10 == 9:
            gc.collect()
            memory.append(resident_mb())
            if seed % 100 == 99:
                print(f"{seed + 1} runs: {memory[-1]:.0f} MB, {time.perf_counter() - started:.0f} s", flush=True)
    warm = memory[WARM // 10 :]
    drift = warm[-1] / warm[0] - 1
    print(f"{count} in a row: {warm[0]:.0f} MB after {WARM}, {warm[-1]:.0f} MB at the end, drift {drift:+.1%}")
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--together", type=int, default=50)
    chosen = parser.parse_args()
    if chosen.together:
        measure_together(chosen.together)
    if chosen.runs:
        measure_in_a_row(chosen.runs)


if __name__ == "__main__":
    main()
