"""UTC times as whole microseconds, the resolution of TIMESTAMPTZ."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(time: datetime) -> int:
    """Microseconds since the epoch; `time` must be aware of its zone."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def from_micros(count: int) -> datetime:
    """Aware UTC time from microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=count)
