"""A run in which words decide, played by the scripted reader of the suite `judgement`: what README shows of one.

Run it as `python -m tests.benchmarks.reading`. A person stands in for the one on call, and says that the metric may be
reset.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from agents.models import Model
from agents.models.runbook import RunbookClient
from agents.run.run import RunRequest, run_incident
from agents.show.console import Screen
from evals.cases.judgement.reader import Reader
from tools.box.handover import Question
from twin.documents import read_documents

WORDS = Path(__file__).parents[2] / "examples/words/documents.json"
FAULT = "wrong_igp_weight@interface/IPLSng/KSCYng=10000"


def on_call(asked: Question) -> tuple[str, str]:
    """Answer what is asked."""
    return next(x for x in asked.choices if x == "reset"), "ada"


def played(folder: Path, screen: Screen) -> str:
    """Play it; return how it ended."""
    request = RunRequest(network="sndlib/abilene", seed=5, fault=FAULT, documents=read_documents([WORDS]))
    reader = Model("evals", "reader", RunbookClient(Reader()))
    run = run_incident(
        request, runs=folder / "runs", home=folder / "home", model=reader, answering=on_call, on_event=screen.show
    )
    return asyncio.run(run).finished.outcome


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, Screen(sys.stdout) as shown:
        played(Path(place), shown)
