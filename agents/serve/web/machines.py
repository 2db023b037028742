"""What machines ask of a room without signing in: whether it is well, and its figures."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .app import Console


def healthz(console: Console, request: Request) -> Response:
    """Whether it is well."""
    del console, request
    return PlainTextResponse("ok\n")


def metrics(console: Console, request: Request) -> Response:
    """The room's figures in the text form of Prometheus."""
    del request
    room, age = console.room, console.room.watch.age()
    states = [x.state for x in room.board.incidents.values()]
    waits = [x.state for x in room.board.messages.values()]
    broken = len(room.calendars.newest.broken)
    lines = [
        *_metric("twinops_incidents", "Incidents by state.", {f'state="{x}"': states.count(x) for x in set(states)}),
        *_metric("twinops_messages", "Messages by state.", {f'state="{x}"': waits.count(x) for x in set(waits)}),
        *_metric("twinops_sample_age_seconds", "Age of the newest sample.", {"": age.total_seconds() if age else 0.0}),
        *_metric("twinops_source_up", "Whether the source answers.", {"": 0.0 if room.watch.failed else 1.0}),
        *_metric(
            "twinops_calendars",
            "Calendars of others' work by state.",
            {'state="broken"': float(broken), 'state="read"': float(len(room.calendars.newest.tried) - broken)},
        ),
        *_metric("twinops_log_events", "Events on the room's log.", {"": float(room.ledger.seq)}),
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _metric(name: str, about: str, values: Mapping[str, float]) -> list[str]:
    rows = [f"{name}{f'{{{label}}}' if label else ''} {value:g}" for label, value in sorted(values.items())]
    return [f"# HELP {name} {about}", f"# TYPE {name} gauge", *rows]
