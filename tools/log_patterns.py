"""The forms of log lines: words that vary are taken out, so that a thousand lines are a handful of forms.

The words that vary are those with a digit in them and those in which lines of the same length and beginning differ, as
in the first two levels of Drain (He et al., *Drain: an online log parsing approach with fixed depth tree*, ICWS 2017).
"""

from collections import defaultdict
from collections.abc import Sequence

from twin.live.network import Event
from twin.model import Frozen
from twin.untrusted import LogText

MOST = 12
_ALIKE = 0.6  # share of words that lines of one form have in common
_ANY = "<*>"


class Pattern(Frozen):
    """One form of lines, how many have it and at how many nodes, with one of them in full."""

    count: int
    nodes: int
    severity: int
    form: LogText
    example: LogText


def patterns(lines: Sequence[Event]) -> tuple[Pattern, ...]:
    """Group lines by their form; the rarest and the most severe first, since what is everywhere tells least."""
    groups: dict[tuple[int, str], list[tuple[list[str], list[Event]]]] = defaultdict(list)
    for line in lines:
        words = [_ANY if any(x.isdigit() for x in word) else word for word in line.message.split()]
        near = groups[len(words), words[0] if words else ""]
        found = next((group for group in near if _share(group[0], words) >= _ALIKE), None)
        if found is None:
            near.append((words, [line]))
        else:
            found[0][:] = [a if a == b else _ANY for a, b in zip(found[0], words, strict=True)]
            found[1].append(line)
    forms = [
        Pattern(
            count=len(members),
            nodes=len({x.node for x in members}),
            severity=min(x.severity for x in members),
            form=" ".join(words),
            example=members[0].message,
        )
        for near in groups.values()
        for words, members in near
    ]
    return tuple(sorted(forms, key=lambda x: (x.count, x.severity, x.form))[:MOST])


def _share(form: Sequence[str], words: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(form, words, strict=True)) / max(len(form), 1)
