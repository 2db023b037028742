"""What programs ask for as JSON, and what people and programs change."""

from pydantic import JsonValue
from starlette.responses import RedirectResponse, Response

from agents.record.history import read_history
from agents.serve.calendar import schedule
from twin.elements import find_elements
from twin.errors import InputError

from .app import Asked, Console, as_json
from .health import calendars_of, health_of
from .rights import changed, places, planned, trimmed

_SHOWN = 100
_OWN = ("alert/", "calendar/", "network/", "probe/")  # what incidents are about beside elements


def api_incidents(console: Console, asked: Asked) -> Response:
    """Incidents, the newest first, by the page."""
    board, who = console.room.board, asked.visitor
    seen = (x for x in board.incidents.values() if who.everywhere or who.sees(*places(board, x)))
    found = sorted(seen, key=lambda x: x.id, reverse=True)
    after = asked.query.get("cursor", "")
    rows = [x for x in found if not after or x.id < after][: _SHOWN + 1]
    cursor = rows[_SHOWN - 1].id if len(rows) > _SHOWN else None
    shown = [trimmed(x, who).model_dump(mode="json", exclude={"timeline"}) for x in rows[:_SHOWN]]
    return as_json({"incidents": shown, "cursor": cursor, "total": len(found)})


def api_incident(console: Console, asked: Asked) -> Response:
    """One incident with its timeline."""
    found = console.screens.found(asked.path["name"], asked.visitor)
    return as_json({"incident": trimmed(found, asked.visitor).model_dump(mode="json")})


def api_status(console: Console, asked: Asked) -> Response:
    """The figures of the wall."""
    del asked
    seen, age = console.screens.seeing.newest(), console.room.watch.age()
    live, look = (seen.live, seen.look) if seen else (None, None)
    figures: list[JsonValue] = [dict(x._asdict()) for x in live.figures] if live else []
    return as_json(
        {
            "network": console.room.network,
            "site": console.room.place.among.name if console.room.place.among else console.room.place.site,
            "snapshot": look.network.id if look else None,
            "age_s": age.total_seconds() if age is not None else None,
            "autonomy": live.autonomy if live else None,
            "figures": figures,
            "open": len(console.room.board.alive),
        }
    )


def api_health(console: Console, asked: Asked) -> Response:
    """The room's own state, and what keeps it from its work."""
    room, calendars = console.room, calendars_of(console.room)
    groups = {title: dict(rows) for title, rows in health_of(room, console.screens.live(asked.visitor))}
    troubles = [{**x._asdict(), "since": x.since.isoformat()} for x in room.troubles]
    known = None if calendars is None else [x._asdict() for x in calendars.rows]
    return as_json({"troubles": troubles, "calendars": known, "groups": groups})


def read_calendars(console: Console, asked: Asked) -> Response:
    """Read the calendars of others' work now, whatever is at hand of them."""
    room, look = console.room, console.room.watch.latest
    if look is None:
        raise InputError("nothing has been measured yet", fix="wait for the first sample")
    room.audit(asked.visitor.name, "had the calendars read again")
    room.calendars.read(look.network, room.now, anew=True)
    return RedirectResponse("/health", 303)


def api_approvals(console: Console, asked: Asked) -> Response:
    """What waits for people."""
    return as_json({"pending": [x.model_dump(mode="json") for x in console.screens.waiting(asked.visitor)]})


def api_what_if(console: Console, asked: Asked) -> Response:
    """What would be, in figures."""
    given = {name: asked.query.get(name, "")[:600] for name in ("fail", "drain", "grow")}
    tried = console.screens.what_if(given)
    if tried is None:
        raise InputError("nothing has been measured yet", fix="wait for the first sample")
    rows: list[JsonValue] = [dict(x._asdict()) for x in tried.pairs]
    return as_json({"tried": list(tried.words), "pairs": rows, "milliseconds": tried.milliseconds})


def api_calendar(console: Console, asked: Asked) -> Response:
    """The calendar."""
    return as_json({"calendar": [x.model_dump(mode="json") for x in console.screens.entries(asked.visitor)]})


def acknowledge(console: Console, asked: Asked) -> Response:
    """Say that somebody has seen an incident."""
    name = _require(console, asked)
    console.room.move(name, "acknowledged", who=asked.visitor.name)
    return _done(asked)


def take(console: Console, asked: Asked) -> Response:
    """Own an incident."""
    name = _require(console, asked)
    console.room.take(name, who=asked.visitor.name)
    return _done(asked)


def remark(console: Console, asked: Asked) -> Response:
    """Say something about an incident."""
    name = _require(console, asked)
    console.room.remark(name, asked.text("words", 500), who=asked.visitor.name)
    return _done(asked)


def close(console: Console, asked: Asked) -> Response:
    """End an incident."""
    name = _require(console, asked)
    words = asked.text("because", 500)
    console.room.move(name, "closed", who=asked.visitor.name, because=words)
    return _done(asked)


def run_again(console: Console, asked: Asked) -> Response:
    """Have the agents look at an incident again."""
    name = _require(console, asked)
    console.room.audit(asked.visitor.name, f"had the agents look at {name} again")
    console.room.begin_run(name)
    return _done(asked)


def silence(console: Console, asked: Asked) -> Response:
    """Deliver nothing of an element for some hours."""
    try:
        hours = float(asked.text("hours", 8))
    except ValueError:
        raise InputError("hours is a number", fix="give for example 2") from None
    name, because = asked.text("element", 300), asked.text("because", 500)
    try:
        elements = _meant(console, name)
    except InputError:
        asked.require("operator", (name,))  # who has some elements is not told what else there is
        raise
    asked.require("operator", () if "*" in elements else elements)
    for element in elements:
        console.room.silence(element, hours, who=asked.visitor.name, because=because)
    return _done(asked)


def _meant(console: Console, name: str) -> tuple[str, ...]:
    """The ids of what is to be silenced: everything, what incidents are about, or what a name means. Raises so, too."""
    look, known = console.room.watch.latest, console.room.board.incidents.values()
    seen = {x for incident in known for x in (incident.source, *incident.elements)}
    if name == "*" or name in seen or name.startswith(_OWN) or look is None or name in look.network.interface_index:
        return (name,)
    return find_elements(look.network, name)


def put_on_calendar(console: Console, asked: Asked) -> Response:
    """Have a certified plan made in its window."""
    room = console.room
    folder = console.screens.run_folder(asked.text("run", 240))
    asked.require("operator", planned(read_history(folder)))
    entry = schedule(folder, number=len(room.board.calendar) + 1, who=asked.visitor.name, now=room.now)
    room.change(lambda _: [entry])
    return _done(asked)


def take_alerts(console: Console, asked: Asked) -> Response:
    """Let an Alertmanager's webhook open incidents, and say that they are over."""
    return as_json({"followed": console.room.take_alerts(asked.body, who=asked.visitor.name)})


def cancel(console: Console, asked: Asked) -> Response:
    """Take an entry out of the calendar."""
    entry = next((x for x in console.screens.entries(asked.visitor) if x.scheduled.id == asked.path["name"]), None)
    if entry is not None:  # of any other the room says the same as of one that is not there
        asked.require("operator", changed(entry.scheduled.plan.steps))
    elif not asked.visitor.everywhere:
        raise InputError(f"entry {asked.path['name']} is not there")
    console.room.cancel(asked.path["name"], who=asked.visitor.name)
    return _done(asked)


def _require(console: Console, asked: Asked) -> str:
    """The id of an incident that somebody may act on. Raises `InputError` on one they do not see, `RightsError`."""
    found = console.screens.found(asked.path["name"], asked.visitor)
    asked.require("operator", places(console.room.board, found))
    return found.id


def _done(asked: Asked) -> Response:
    """Back to where a form was, or a word for a program."""
    if asked.request.url.path.startswith("/api/"):
        return as_json({"done": True})
    name = asked.path.get("name")
    return RedirectResponse(f"/incidents/{name}" if name else "/", 303)
