"""How often a made-up number passes for a tool's.

Run it as `python -m tests.benchmarks.made_up_numbers RUN ...`; each RUN is a run's folder.
"""

import random
import sys
from pathlib import Path

from agents.record.claims import figures_of
from agents.record.journal import read_journal

KINDS = (("whole percentages", 0, 100, "%", 0), ("percentages with a decimal", 0, 100, "%", 1), ("Mbit/s", 10, 20_000, "Mbit/s", 0), ("Gbit/s", 0, 20, "Gbit/s", 2), ("ms", 0, 50, "ms", 1))  # fmt: skip # noqa: E501


def made_up(folder: Path) -> None:
    """Print how many random numbers of each kind some result of a run happens to support."""
    draw = random.Random(5)
    figures = figures_of(record.event for record in read_journal(folder / "journal.jsonl").records)
    for name, low, high, unit, decimals in KINDS:
        hits = sum(figures.supports(round(draw.uniform(low, high), decimals), unit, decimals) for _ in range(500))
        print(f"{folder.name}: {hits / 500:.1%} of made-up {name} pass")


if __name__ == "__main__":
    for run in sys.argv[1:]:
        made_up(Path(run))
