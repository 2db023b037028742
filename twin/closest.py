"""The closest known names to one that nobody knows: the one place that guesses what was meant."""

from collections.abc import Iterable


def closest(name: str, known: Iterable[str], *, most: int = 3, least: float = 0.5) -> list[str]:
    """Return up to `most` known names that are `least` alike or more, the most alike first.

    Alike is 1 less the optimal string alignment distance (insertions, deletions, substitutions, swapped neighbours) as
    a share of the longer name; case does not count.
    """
    from rapidfuzz import process  # only who has mistyped a name waits for it
    from rapidfuzz.distance import OSA

    found = process.extract(
        name, list(dict.fromkeys(known)), scorer=OSA.normalized_similarity, processor=str.casefold, limit=most,
        score_cutoff=least,
    )  # fmt: skip
    return [match for match, _, _ in found]
