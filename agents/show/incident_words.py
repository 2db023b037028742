"""What incidents are called and said to be: the same words on the wall, in a message, and on the terminal."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from agents.wording import counted, place
from twin.untrusted import one_line

_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "silent": "Node silent",
        "down": "Circuit down",
        "neighbour_lost": "Routing neighbour lost",
        "flapping": "Circuit flaps",
        "no_routes": "Exit without routes",
        "errors": "Broken frames",
        "wire": "Frames lost on the way",
        "load": "Load unlike what the twin predicts",
        "drops": "Full queue",
        "drift": "Load that drifts from what the twin predicts",
        "growth": "Traffic surge",
        "packets": "Packets of another size",
        "probe_loss": "Probes lost",
        "probe_delay": "Probes delayed",
        "unread": "Counters not read",
        "exports": "Flow export unlike the loads",
        "missed": "Calendar entry missed",
        "refused": "Calendar entry refused",
        "stuck": "Calendar entry not taken back",
        "alert": "Alert",
    }
)


def incident_title(kind: str, source: str) -> str:
    """Name an incident: `Circuit down: Bayreuth--Nuernberg`."""
    if kind == "unread" and source.startswith("network/"):
        return f"No new samples: {source.removeprefix('network/')}"
    return f"{_TITLES.get(kind, kind.replace('_', ' ').capitalize())}: {_named(source)}"


def _named(source: str) -> str:
    if source.startswith("alert/"):
        return source.split("/")[1]
    return place(source.removeprefix("calendar/"))


def event_line(event: object) -> str:
    """Say what happened in a room in one line; empty for what is not worth one."""
    did, name = getattr(event, "did", ""), getattr(event, "id", "")
    at = f"{event.time:%H:%M:%S}" if isinstance(event, _Timed) else ""
    match did:
        case "began":
            return f"{at} {name} opened: {incident_title(getattr(event, 'kind', ''), getattr(event, 'source', ''))}"
        case "adopted":
            return f"{at} {name} is part of {getattr(event, 'parent', '')}"
        case "moved":
            return f"{at} {name} {getattr(event, 'state', '')}{_because(event)}"
        case "run began":
            return f"{at} {name} the agents begin: {getattr(event, 'run', '')}"
        case "run ended":
            return f"{at} {name} {getattr(event, 'outcome', '')}{_because(event)}"
        case "calendar moved":
            return f"{at} {name} {getattr(event, 'state', '')}{_because(event)}"
        case "runs deleted":
            return f"{at} deleted{_because(event)}"
        case "dead letter":
            return f"{at} message {getattr(event, 'number', '')} is not delivered{_because(event)}"
        case _:
            return ""


@runtime_checkable
class _Timed(Protocol):
    time: datetime


def _because(event: object) -> str:
    because = one_line(str(getattr(event, "because", "")), 200)
    return f": {because}" if because else ""


def incident_summary(kind: str, source: str, elements: int, outcome: str) -> str:
    """Say in a line what is known of an incident; `outcome` is that of its run, if one ended."""
    more = f", seen at {counted(elements, 'elements')}" if elements > 1 else ""
    done = f"; {outcome}" if outcome else ""
    return f"{incident_title(kind, source)}{more}{done}"
