"""What each source of words is worth: the scripted reader on incidents in which words decide, without one at a time.

Run it as `python -m tests.benchmarks.judgement [CASES] [SPLIT]`; 10 cases of the held-out split by default.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from evals.cases.case import Split
from evals.cases.suite import Workplace
from evals.suites.judgement import SUITE, reader, score

SOURCES = ("", "ticket", "calendar", "commit", "note")


def main(cases: int, split: Split) -> None:
    """Print the share of right endings without each source."""
    right = dict.fromkeys(SOURCES, 0)
    drawn = SUITE.take(split, cases=cases)
    with TemporaryDirectory() as folder:
        for case in drawn:
            for source in SOURCES:
                place = Workplace(Path(folder) / f"{case.seed}-{source}", Path(folder) / "home")
                told = SUITE.stage(case, place)
                right[source] += bool(score(told, reader(told, source)).values["right"])
    for source, count in right.items():
        print(f"{f'without {source}s' if source else 'with everything'}: {count} of {len(drawn)} endings right")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, cast("Split", sys.argv[2] if len(sys.argv) > 2 else "held-out"))
