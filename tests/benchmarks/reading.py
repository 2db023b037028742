"""A run in which words decide, on the answers of a language model that are on record: what README shows of one.

Run it as `python -m tests.benchmarks.reading`. Every tool, the gate and the network compute anew; the record gives each
role's answers in their order. A person stands in for the one on call, and says that the metric may be reset.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from agents.models import resolve
from agents.run.run import RunRequest, RunResult, run_incident
from agents.show.console import Screen
from tools.box.handover import Question
from twin.documents import read_documents

WORDS = Path(__file__).parents[2] / "examples/words"
FAULT = "wrong_igp_weight@interface/IPLSng/KSCYng=10000"


def on_call(asked: Question) -> tuple[str, str]:
    """Answer what is asked."""
    return next(x for x in asked.choices if x.startswith("reset")), "ada"


def played(folder: Path, screen: Screen) -> RunResult:
    """Play it, and show it."""
    documents = read_documents([WORDS / "documents.json"])
    name = f"replay:{WORDS / 'conversation'}@order"
    request = RunRequest(network="sndlib/abilene", seed=5, fault=FAULT, documents=documents, model=name)
    run = run_incident(
        request, runs=folder / "runs", home=folder / "home", model=resolve(name), answering=on_call,
        on_event=screen.show,
    )  # fmt: skip
    return asyncio.run(run)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, Screen(sys.stdout) as shown:
        played(Path(place), shown)
