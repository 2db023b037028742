"""Run suites: every case in a process of a pool, scored against the ground truth that it fixes itself."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from agents.events import RunFinished, VerdictReached
from agents.journal import read_journal
from agents.run import RunRequest, RunResult, home_folder, run_incident
from twin.certificate import Certificate, SigningKey, check
from twin.errors import TwinError
from twin.formats.plan import read_plan
from twin.policy import Policy
from twin.store import TwinStore

from .case import Case
from .score import Score, Summary, judge_diagnosis, summarise, was_applied
from .suites import cases_of


def run_suite(
    suite: str,
    *,
    runs: Path,
    home: Path | None = None,
    workers: int = 2,
    on_score: Callable[[Score], None] | None = None,
) -> tuple[Summary, list[Score]]:
    """Run every case of a suite and sum the scores up; the result is the same for any number of workers.

    `on_score` sees each score as soon as it and all before it are there. Raises `InputError` for an unknown suite.
    """
    cases = cases_of(suite)
    folder = runs / "eval" / suite
    started = time.monotonic()
    scores: list[Score] = []
    for score in _scores(cases, folder, home or home_folder(), workers):
        scores.append(score)
        if on_score is not None:
            on_score(score)
    return summarise(suite, scores, time.monotonic() - started), scores


def run_case(case: Case, folder: Path, home: Path) -> Score:
    """Run one case and score it. What goes wrong in a run is a score, not an exception."""
    request = RunRequest(network=case.network, seed=case.seed, model=case.model, fault=case.fault, healthy=case.healthy)
    started = time.monotonic()
    try:
        result = asyncio.run(run_incident(request, runs=folder, home=home))
        return score_run(
            case, result, certified=holds(result.folder, request.policy, home), seconds=time.monotonic() - started
        )
    except Exception as error:  # a crash of the product is exactly what this harness is there to count
        return _crashed(case, error, time.monotonic() - started)


def score_run(case: Case, result: RunResult, *, certified: bool, seconds: float) -> Score:
    """Compare what a run recorded with what its case fixed."""
    finished = result.finished
    verdicts = [
        r.event for r in read_journal(result.folder / "journal.jsonl").records if isinstance(r.event, VerdictReached)
    ]
    return Score(
        case=case.id,
        network=case.network,
        seed=case.seed,
        outcome=finished.outcome,
        truth=finished.truth,
        cause=finished.cause,
        diagnosis=judge_diagnosis(finished.truth, finished.cause, finished.outcome),
        verdict="none" if not verdicts else "passed" if verdicts[-1].passed else "rejected",
        rounds=finished.rounds,
        applied=was_applied(finished),
        certified=certified,
        seconds=seconds,
        run=str(result.folder),
        error=str(result.error) if result.error else None,
        **_figures(finished),
    )


def holds(folder: Path, policy: Policy, home: Path) -> bool:
    """Check the certificate in a run's folder again, against the plan and the snapshot that lie beside it."""
    path = folder / "certificate.json"
    if not path.exists():
        return False
    certificate = Certificate.model_validate_json(path.read_text())
    plan = read_plan(folder / "plan.json")
    key = SigningKey.open(home / "signing.key").public
    with TwinStore.open(folder / "twin.duckdb") as store:
        network = store.load_snapshot(plan.base)
    try:
        check(certificate, plan, network, policy, public_key=key, now=certificate.issued)
    except TwinError:
        return False
    return True


def _scores(cases: Sequence[Case], folder: Path, home: Path, workers: int) -> Iterator[Score]:
    if workers <= 1:
        yield from (run_case(case, folder, home) for case in cases)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(run_case, cases, [folder] * len(cases), [home] * len(cases))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _figures(finished: RunFinished) -> dict[str, float | None]:
    figures = finished.figures
    return {
        "harm_before": figures.harm_before,
        "harm_after": figures.harm_after,
        "max_utilisation_before": figures.max_utilisation_before,
        "max_utilisation_after": figures.max_utilisation_after,
    }


def _crashed(case: Case, error: Exception, seconds: float) -> Score:
    return Score(
        case=case.id,
        network=case.network,
        seed=case.seed,
        outcome="failed",
        truth=case.fault,
        cause=None,
        diagnosis="none",
        verdict="none",
        rounds=0,
        applied=False,
        certified=False,
        harm_before=None,
        harm_after=None,
        max_utilisation_before=None,
        max_utilisation_after=None,
        seconds=seconds,
        run="",
        error=f"{type(error).__name__}: {error}",
    )
