"""The clock of the wall. Whatever depends on time takes a clock as its argument; this is the one that people have."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the wall clock's time, UTC."""
    return datetime.now(UTC)
