"""The words of each role, one Markdown file per role; `shared.md` goes before each of them."""

import hashlib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
ROLES = ("monitoring", "diagnosis", "planning", "verification", "goal", "analyst")


@cache
def prompt(role: str) -> str:
    """Return the system prompt of a role. Raises `KeyError` for a role that has none."""
    if role not in ROLES:
        raise KeyError(role)
    return "\n\n".join((_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip() for name in ("shared", role))


def version(role: str) -> str:
    """Return the content hash of a role's prompt, 12 hex digits: journals name it, so that runs can be compared."""
    return hashlib.sha256(prompt(role).encode()).hexdigest()[:12]
