"""`make mutants`: put each declared fault into a copy of the checkout, and see which test of `make test` notices it.

    python -m tests.mutants            every mutant, some minutes
    python -m tests.mutants sql        those with "sql" in their name or file; several words: any of them
    python -m tests.mutants --list     every mutant with its tests, and whether it can still be put in; runs no test

Each result is told as it comes, and all of them once more at the end. Exit code 0 when every mutant was killed, 1 when
one survives (then a test is missing) or cannot be put in any more (then the list is out of date), 2 when the tests fail
without any mutant.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutants.declared import MUTANTS
from tests.mutants.mutant import Fate, Mutant, copy_of, fate_of, missing, run

_SAID = {
    "killed": "killed",
    "declared": "can be put in",
    "survived": "survived: a test is missing",
    "error": "could not be put in: the list is out of date",
}
ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    words = [x for x in arguments if not x.startswith("-")]
    chosen = [x for x in MUTANTS if not words or any(word in f"{x.name} {x.file}" for word in words)]
    if not chosen:
        print(f"no mutant has {' or '.join(words)} in its name or file")
        return 1
    if "--list" in arguments:
        return tell([_declared(x) for x in chosen])
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
    return tell(fates)


def _declared(mutant: Mutant) -> Fate:
    because = missing(mutant, ROOT)
    return Fate(mutant, "error", because) if because else Fate(mutant, "declared", " ".join(mutant.tests))


def tell(fates: list[Fate]) -> int:
    """Name every mutant with what became of it, by file, those that were not killed last."""
    counted = Counter(fate.how for fate in fates)
    wrong = counted["survived"] + counted["error"]
    print()
    for fate in sorted(fates, key=lambda x: (x.how in ("survived", "error"), x.mutant.file)):
        print(line(fate))
    print(f"{len(fates)} mutants: {', '.join(f'{counted[how]} {what}' for how, what in _SAID.items() if counted[how])}")
    return 1 if wrong else 0


def line(fate: Fate) -> str:
    mutant: Mutant = fate.mutant
    return f"{fate.how:8} {mutant.file}: {mutant.name}{f'  [{fate.detail}]' if fate.detail else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
