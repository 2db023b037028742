"""What people write onto the lines of a drawing: a rate with its unit, or a word and a number, and else only words."""

import html
import re
from collections.abc import Sequence

from pydantic import JsonValue

from .vocabulary import RATE, amount, recognise

_TAG = re.compile(r"<(br|/p|/div|/li)\b[^>]*>|<[^>]*>", re.IGNORECASE)
_SAID = re.compile(r"([^\W\d][\w ()/.-]*?)\s*[:=]\s*(\S[^,;|]*)|([^\W\d]+)\s+(\d[\d.]*)")


def lines_of_label(label: str) -> list[str]:
    """The lines of a label that may be HTML, without empty ones."""
    plain = html.unescape(_TAG.sub(lambda found: "\n" if found[1] else "", label[:10_000])).replace("\xa0", " ")
    return [" ".join(line.split()) for line in plain.split("\n") if line.strip()]


def fields_of_labels(labels: Sequence[str]) -> dict[str, JsonValue]:
    """Quantities that the labels of a line state: `10G`, `metric 10`, `delay=3 ms`; the rest stays a label."""
    fields: dict[str, JsonValue] = {}
    rest: list[str] = []
    for line in (line for label in labels for line in lines_of_label(label)):
        read = amount(line, RATE)
        said = _SAID.fullmatch(line)
        name, value = ((said[1] or said[3]), (said[2] or said[4])) if said else ("", "")
        if read is not None and read[1]:
            fields.setdefault("capacity", line)
        elif said and recognise(name, "link") is not None:
            fields.setdefault(name, value)
        else:
            rest.append(line)
    if rest:
        fields["label"] = " | ".join(rest)
    return fields
