"""How well goals in fresh words are read without a model, and how often a made-up number passes for a tool's.

Run it as `python -m tests.benchmarks.intents [RUN ...]`; each RUN is a run's folder, for the share of made-up numbers.
"""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from agents.claims import figures_of
from agents.intent import DESTRUCTIVE, Intent, read_intent
from agents.journal import read_journal
from tests.agents.intent.paraphrases import FRESH, HELD, READ
from tests.agents.intent.test_goals_in_words import EUROPE, understood

NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)
KINDS = (("whole percentages", 0, 100, "%", 0), ("percentages with a decimal", 0, 100, "%", 1), ("Mbit/s", 10, 20_000, "Mbit/s", 0), ("Gbit/s", 0, 20, "Gbit/s", 2), ("ms", 0, 50, "ms", 1))  # fmt: skip # noqa: E501


def read_goals() -> None:
    """Print the share of goals that are read right, asked about, and read otherwise."""
    for name, rows in (("words the grammar was made with", READ), ("fresh words", FRESH)):
        found = [understood(row) for row in rows]
        right, asked = found.count(True), found.count(None)
        print(f"{name}: {right} of {len(rows)} right, {asked} asked about, {found.count(False)} otherwise")
    guesses = [text for text in HELD if isinstance(read_intent(text, EUROPE, now=NOW), Intent)]
    wrong = [row[0] for row in (*READ, *FRESH) if understood(row) is False and row[1] in DESTRUCTIVE]
    print(f"destructive goals read from {len(HELD)} texts that leave something open: {len(guesses)}")
    print(f"destructive goals misread: {len(wrong)}")


def made_up(folder: Path) -> None:
    """Print how many random numbers of each kind some result of a run happens to support."""
    draw = random.Random(5)
    figures = figures_of(record.event for record in read_journal(folder / "journal.jsonl").records)
    for name, low, high, unit, decimals in KINDS:
        hits = sum(figures.supports(round(draw.uniform(low, high), decimals), unit, decimals) for _ in range(500))
        print(f"{folder.name}: {hits / 500:.1%} of made-up {name} pass")


if __name__ == "__main__":
    read_goals()
    for run in sys.argv[1:]:
        made_up(Path(run))
