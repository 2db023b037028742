"""The room's own state: sources, data and twin, detector, forecast, delivery, agents."""

from agents.serve.room import Room
from agents.show.live_views import Live
from agents.wording import counted

from .rows import age_words


def health_of(room: Room, live: Live | None) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Everything about the room's own state."""
    age = room.watch.age()
    dead = [x for x in room.board.messages.values() if x.state == "dead"]
    waits = [x for x in room.board.messages.values() if x.state == "waiting"]
    error = room.watch.demands.forecast_error()
    told = f"{100 * error[0]:.1f} % off, the last value {100 * error[1]:.1f} %" if error else "not known yet"
    thresholds = ", ".join(f"{k} {v:.1f}" for k, v in sorted(room.watch.detector.thresholds.items()))
    source = (
        ("Site", room.place.site),
        ("Answers", room.watch.failed[1] if room.watch.failed else "yes"),
        ("Newest sample", f"{age_words(age)} old" if age is not None else "none"),
        ("Samples watched", f"{room.watch.detector.samples:,}"),
    )
    detector = (
        ("False alarms asked for", f"{room.settings.alarms_per_week:g} a week on a healthy network"),
        ("Thresholds, standard errors", thresholds),
        ("Open anomalies", str(len(room.watch.detector.open))),
    )
    channels = tuple((x.name, room.postman.trouble.get(x.name, "delivers")) for x in room.settings.channels)
    delivery = (*channels, ("Messages waiting", str(len(waits))), ("Dead letters", str(len(dead))))
    forecast = (("Quarter hours known", str(len(room.watch.demands))), ("Forecast against what came", told))
    held = room.run_folders.held
    runs = f"{counted(held.folders, 'folders')}, {held.size / 1e6:.1f} MB; " if held else ""
    crew = (
        ("At work on", room.crew.busy or "nothing"),
        ("Model", room.settings.model),
        ("Runs begun here", f"{runs}{room.run_folders.words}"),
    )
    return (
        ("Source", source),
        ("Data and twin", live.health if live else ()),
        ("Detector", detector),
        ("Forecast", forecast),
        ("Calling people", delivery),
        ("Agents", crew),
    )
