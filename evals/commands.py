"""`twinops eval`: run suites and score them."""

from pathlib import Path
from typing import Annotated

import typer

from agents.commands.options import Json, Runs
from agents.commands.output import FAILURE, emit, say, tell


def evaluate(
    suite: Annotated[str, typer.Argument(help="The suite's name.")] = "smoke",
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes.")] = 2,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Run a suite of seeded incidents and score it against the truth that each case fixes.

    Exit code 1 means that a case crashed, or that a plan was applied without a valid certificate or without lowering
    the harm.
    """
    from evals.run import run_suite
    from evals.table import score_line, score_table, summary_text

    summary, scores = run_suite(suite, runs=runs, workers=workers, on_score=lambda score: tell(score_line(score)))
    if as_json:
        emit("eval", {**summary.model_dump(mode="json"), "scores": [score.model_dump(mode="json") for score in scores]})
    else:
        say(score_table(scores))
        say("")
        say(summary_text(summary))
    if not summary.safe:
        raise typer.Exit(FAILURE)
