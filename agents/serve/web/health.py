"""The room's own state: sources, calendars, data and twin, detector, forecast, delivery, agents."""

from typing import NamedTuple

from agents.serve.fleet import SiteState, fleet_state
from agents.serve.room import Room
from agents.serve.turns import Among
from agents.show.live_views import Live
from agents.wording import age_words, capital, counted
from twin.clock import utc_now

from .rows import interval_words


class CalendarState(NamedTuple):
    """One calendar of the site: whether it can be read, how old what is known of it is, and what it plans."""

    name: str
    tone: str
    state: str
    age: str
    works: str
    words: str


class CalendarsState(NamedTuple):
    """All of them; `read` says when they were read last, and when that is done again, by this machine's clock."""

    rows: tuple[CalendarState, ...]
    read: str


def calendars_of(room: Room) -> CalendarsState | None:
    """The state of the site's calendars; None where it names none."""
    known = room.calendars.newest
    if not room.calendars.named:
        return None
    if known.read is None or known.again is None:
        return CalendarsState((), "They are being read for the first time.")
    rows = tuple(
        CalendarState(
            name=x.name,
            tone="crit" if x.failed else "warn" if x.questions else "good",
            state="cannot be read" if x.failed else "read, with questions" if x.questions else "read",
            age=f"{age_words(utc_now() - x.written)} old" if x.written else "",
            works=counted(x.works, "works") if x.written and not x.fix else "",
            words=" ".join(
                (
                    *((f"{x.failed}.",) if x.failed else ()),
                    *((f"{capital(x.fix)}.",) if x.fix else ()),
                    *x.questions[:3],
                )
            ),
        )
        for x in known.tried
    )
    when = f"Read {age_words(utc_now() - known.read)} ago, again at {known.again:%H:%M} UTC"
    return CalendarsState(rows, f"{when} by this machine's clock.")


def health_of(room: Room, live: Live | None) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Everything about the room's own state."""
    error = room.watch.demands.forecast_error()
    told = f"{100 * error[0]:.1f} % off, the last value {100 * error[1]:.1f} %" if error else "not known yet"
    standard = sorted(room.watch.detector.thresholds.items())
    thresholds = ", ".join(f"{k.replace('_', ' ')} {v:.1f}" for k, v in standard)
    detector = (
        ("False alarms asked for", f"{room.settings.alarms_per_week:g} a week on a healthy network"),
        ("Thresholds, standard errors", thresholds),
        ("Open anomalies", str(len(room.watch.detector.open))),
    )
    forecast = (("Quarter hours known", str(len(room.watch.demands))), ("Forecast against what came", told))
    held = room.run_folders.held
    runs = f"{counted(held.folders, 'folders')}, {held.size / 1e6:.1f} MB; " if held else ""
    crew = (
        ("At work on", room.crew.busy or "nothing"),
        *((("Turn among all sites", room.turns.words),) if room.turns else ()),
        ("Model", room.settings.model),
        ("Runs begun here", f"{runs}{room.run_folders.words}"),
    )
    return (
        ("Source", _source(room)),
        ("Data and twin", live.health if live else (("Measured", "nothing yet"),)),
        ("Detector", detector),
        ("Forecast", forecast),
        ("Calling people", _delivery(room)),
        ("Agents", crew),
        *_sites(room.place.among),
    )


def _source(room: Room) -> tuple[tuple[str, str], ...]:
    age = room.watch.age()
    newest = f"{age_words(age)} old, every {interval_words(room.watch.interval_s)}" if age is not None else "none"
    return (
        ("Site", room.place.site),
        ("Answers", room.watch.failed[1] if room.watch.failed else "yes"),
        ("Newest sample", newest),
        ("Samples watched", f"{room.watch.detector.samples:,}"),
    )


def _delivery(room: Room) -> tuple[tuple[str, str], ...]:
    states = [x.state for x in room.board.messages.values()]
    channels = tuple((x.name, room.postman.trouble.get(x.name, "delivers")) for x in room.settings.channels)
    nobody = () if channels else (("Receivers", "none: nobody is called; name them in room.toml"),)
    waits = ("Messages waiting", str(states.count("waiting"))), ("Dead letters", str(states.count("dead")))
    return (*channels, *nobody, *waits)


def consoles_of(among: Among | None) -> tuple[tuple[str, str], ...]:
    """Names and addresses of the consoles of the sites that are served together; nothing where there is one."""
    known = fleet_state(among.folder) if among else None
    return tuple((x.name, x.console) for x in known.sites if x.console) if known else ()


def _sites(among: Among | None) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """How the sites fare that are served together; nothing where there is one."""
    known = fleet_state(among.folder) if among else None
    if known is None:
        return ()
    rows = tuple((x.name, _fares(x)) for x in known.sites)
    return (("Sites", rows),)


def _fares(site: SiteState) -> str:
    looked = f"looked {age_words(utc_now() - site.looked)} ago" if site.looked else "has not looked yet"
    since = "" if site.state == "watching" else f" for {age_words(utc_now() - site.since)}"
    words = f"{site.state}{since}, {looked}, {counted(site.open, 'incidents')} open"
    return "; ".join(x for x in (words, site.because, site.console) if x)
