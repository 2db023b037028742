"""`make mutants`: put each declared fault into a copy of the checkout, and see which test of `make test` notices it.

    python -m tests.mutants            every mutant, some minutes
    python -m tests.mutants sql        those with "sql" in their name or file
    python -m tests.mutants --list     whether each can still be put in; runs no test

Exit code 1 when one survives or cannot be put in any more: then a test is missing, or the list is out of date.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutants.declared import MUTANTS
from tests.mutants.mutant import Fate, Mutant, copy_of, fate_of, missing, run

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    words = [x for x in arguments if not x.startswith("-")]
    chosen = [x for x in MUTANTS if not words or any(word in f"{x.name} {x.file}" for word in words)]
    if "--list" in arguments:
        return tell([Fate(x, "error", because) for x in chosen if (because := missing(x, ROOT))], len(chosen))
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copy = copy_of(ROOT, Path(place))
        ready = [x for x in chosen if not missing(x, ROOT)]
        code, said = run(sorted({test for x in ready for test in x.tests}), copy)
        if code:
            print(f"the tests fail without any mutant, so that nothing can be told:\n{said}")
            return 2
        fates: list[Fate] = []
        for number, mutant in enumerate(chosen, start=1):
            fates.append(fate_of(mutant, ROOT, copy))
            print(f"{number:3}/{len(chosen)} {line(fates[-1])}", flush=True)
    return tell([x for x in fates if x.how != "killed"], len(chosen))


def tell(wrong: list[Fate], declared: int) -> int:
    for fate in wrong:
        print(line(fate))
    counted = Counter(fate.how for fate in wrong)
    others = f"{declared - len(wrong)} others"
    print(f"{declared} mutants: {counted['survived']} survived, {counted['error']} could not be put in, {others}")
    return 1 if wrong else 0


def line(fate: Fate) -> str:
    mutant: Mutant = fate.mutant
    return f"{fate.how:8} {mutant.file}: {mutant.name}{f'  [{fate.detail}]' if fate.detail else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
