"""What conversations cost: model calls and input tokens of whole incidents, estimated without a key.

Run it as `python -m tests.benchmarks.tokens`. Each incident is gone through by the operating procedures, which ask and
are answered as a model would be, and every request is counted whole: prompt, tool schemas, task, calls and results, at
four characters a token. Exit code 1 when an incident takes more than it may.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from agents.record.journal import read_journal
from agents.run.run import RunRequest, run_incident
from evals.cases.tokens import spending

MOST_TOKENS, MOST_CALLS = 25_000, 15
INCIDENTS = (
    ("sndlib/abilene", 5, "wrong_igp_weight@interface/IPLSng/KSCYng=10000"),
    ("sndlib/abilene", 3, None),
    ("sndlib/nobel-germany", 2, None),
    ("sndlib/germany50", 7, None),
)


def measured(folder: Path) -> list[tuple[str, int, int, str]]:
    """Go through every incident; return its network, model calls, input tokens and outcome."""
    rows: list[tuple[str, int, int, str]] = []
    for network, seed, fault in INCIDENTS:
        request = RunRequest(network=network, seed=seed, fault=fault)
        result = asyncio.run(run_incident(request, runs=folder / "runs", home=folder / "home"))
        spent = spending([x.event for x in read_journal(result.folder / "journal.jsonl").records])
        rows.append((f"{network} seed {seed}", spent.calls, round(spent.input_tokens), result.finished.outcome))
    return rows


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder))
    for name, calls, tokens, outcome in rows:
        print(f"{name}: {calls} calls, {tokens:,} input tokens, {outcome}")
    mean = sum(tokens for _, _, tokens, _ in rows) / len(rows)
    print(f"mean {mean:,.0f} input tokens; bar {MOST_TOKENS:,} tokens and {MOST_CALLS} calls for each")
    return int(any(tokens > MOST_TOKENS or calls > MOST_CALLS for _, calls, tokens, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
