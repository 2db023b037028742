"""What an Alertmanager says is wrong becomes incidents: the body of its webhook in, events out.

Alertmanager's webhook format, version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
An alert is known by its fingerprint: it opens one incident, however often it is sent, and when its sender says that it
is resolved the incident goes quiet. Names and texts are the sender's: data, never instructions.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, Field, JsonValue, ValidationError

from agents.wording import one_line
from twin.elements import find_element
from twin.errors import InputError, TwinError
from twin.formats.text import first_problem
from twin.model import Network

from .board import Board, Incident
from .record import Began, Moved, Returned, RoomEvent, Subsided

PREFIX = "alert/"
_OWN = "twinops_"  # the names of what `delivery` sends: what comes back of it opens nothing
_PLACES = ("element", "circuit", "link", "node", "device", "instance", "host")
_WORDS = 1_000


class _Alert(BaseModel):
    status: str = Field(pattern="^(firing|resolved)$")
    labels: dict[str, str] = Field(max_length=100)
    annotations: dict[str, str] = Field(default={}, max_length=100)
    fingerprint: str = Field(pattern="^[0-9a-fA-F]{1,64}$")


class _Notice(BaseModel):
    version: str = Field(pattern="^4$")
    alerts: list[_Alert] = Field(max_length=500)


def read_alerts(body: Mapping[str, JsonValue]) -> list[_Alert]:
    """Read the body of a webhook. Raises `InputError` on anything else."""
    try:
        return _Notice.model_validate(body).alerts
    except ValidationError as error:
        where, expected = first_problem(error)
        fix = "send Alertmanager's webhook, version 4, with at most 500 alerts (max_alerts)"
        raise InputError(f"{where.removeprefix('$.')}: {expected}", fix=fix) from error


def alert_events(board: Board, network: Network, name: str, alerts: Iterable[_Alert], now: datetime) -> list[RoomEvent]:
    """Say what follows for the incidents of a network, called `name`, from what was sent."""
    events: list[RoomEvent] = []
    alive = {x.source: x for x in board.alive if x.source.startswith(PREFIX)}
    for alert in {x.fingerprint: x for x in alerts}.values():
        title = one_line(alert.labels.get("alertname", "unnamed"), 80)
        if title.startswith(_OWN):
            continue
        source = f"{PREFIX}{re.sub(r'[^A-Za-z0-9_.-]+', '_', title)}/{alert.fingerprint}"
        known = alive.get(source)
        if known is not None:
            events += _goes_on(known, alert, now)
        elif alert.status == "firing":
            number = board.opened + sum(isinstance(x, Began) for x in events) + 1
            events.append(
                Began(
                    time=now,
                    id=f"I-{number:04d}",
                    network=name,
                    source=source,
                    family="telemetry",
                    kind="alert",
                    elements=(_element(network, alert.labels) or source,),
                    since=now,
                    words=_words(title, alert),
                )
            )
    return events


def _goes_on(known: Incident, alert: _Alert, now: datetime) -> list[RoomEvent]:
    if alert.status == "resolved":
        if known.quiet is not None:
            return []
        moved = known.state not in ("mitigated", "mitigating") and not known.working
        because = "its sender says that it is over"
        end: list[RoomEvent] = [Moved(time=now, id=known.id, state="mitigated", because=because)] if moved else []
        return [Subsided(time=now, id=known.id), *end]
    if known.quiet is None:
        return []
    again: list[RoomEvent] = [Moved(time=now, id=known.id, state="open", because="it fires again")]
    return [Returned(time=now, id=known.id), *(again if known.state == "mitigated" else [])]


def _element(network: Network, labels: Mapping[str, str]) -> str | None:
    """The element that an alert is about, by the first label that names one."""
    for label in _PLACES:
        text = labels.get(label, "")[:300].partition(":9")[0].strip()  # HOST:9100 is an exporter of the host
        if text:
            try:
                return find_element(network, text)
            except TwinError:
                continue
    return None


def _words(title: str, alert: _Alert) -> str:
    said = alert.annotations.get("summary") or alert.annotations.get("description") or "nothing more"
    labels = ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k != "alertname")
    return one_line(f"an Alertmanager says {title}: {said} ({labels})", _WORDS)
