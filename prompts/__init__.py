"""The words of each role, one Markdown file per role; `shared.md` goes before each of them."""

import hashlib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_FENCE = "+++\n"
ROLES = ("monitoring", "diagnosis", "planning", "verification", "goal", "analyst")


@cache
def prompt(role: str) -> str:
    """Return the system prompt of a role. Raises `KeyError` for a role that has none."""
    if role not in ROLES:
        raise KeyError(role)
    return with_shared(split(source(role))[1])


@cache
def source(role: str) -> str:
    """Return the whole file of a role: the terms of its contract, if it has one, and its words."""
    return (_FOLDER / f"{role}.md").read_text(encoding="utf-8")


def split(text: str) -> tuple[str, str]:
    """Part the terms in TOML, between lines of `+++`, from the words; the terms are empty where there are none."""
    if not text.startswith(_FENCE):
        return "", text.strip()
    terms, _, words = text.removeprefix(_FENCE).partition("\n" + _FENCE)
    return terms, words.strip()


def with_shared(words: str) -> str:
    """Put what holds for every role before the words of one."""
    return f"{split(source('shared'))[1]}\n\n{words}"


def version(role: str) -> str:
    """Return the content hash of a role's prompt, 12 hex digits: journals name it, so that runs can be compared."""
    return hashlib.sha256(prompt(role).encode()).hexdigest()[:12]
