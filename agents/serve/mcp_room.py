"""What the MCP server answers from inside an operations room: the newest look, and the incidents."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from agents.show.incident_words import incident_title
from tools.box.registry import Tool, bind
from tools.box.results import next_after
from tools.box.run_state import RunState
from twin.errors import InputError, StoreBusyError
from twin.files import is_plain
from twin.formats.account import Account
from twin.formats.build import Reading
from twin.model import Frozen
from twin.site import OpenSite, read_site
from twin.site_state import Vouched
from twin.untrusted import FileText, ModelText, PersonText

from .board import Incident, incident_id
from .mcp_state import TwinState
from .record import Family, State
from .room import Room
from .watch import Look

_PAGE = 50


class ToldLine(Frozen):
    """One line of an incident's timeline."""

    time: AwareDatetime
    who: PersonText
    words: PersonText


class ToldIncident(Frozen):
    """One incident of the room."""

    id: str
    title: FileText
    source: FileText = Field(description="Element that the cause is likely at.")
    family: Family
    kind: str
    state: State
    since: AwareDatetime = Field(description="End of the first sample that shows it.")
    closed: AwareDatetime | None
    parent: str | None = Field(description="The incident that it is part of.")
    owner: PersonText
    elements: tuple[FileText, ...]
    run: FileText | None = Field(description="The run that works on it, or did last.")
    outcome: str
    because: ModelText
    timeline: tuple[ToldLine, ...] = Field(default=(), description="Of an incident that is asked for by its id.")


class ToldIncidents(Frozen):
    """A page of the incidents, the newest first."""

    total: int
    incidents: tuple[ToldIncident, ...]
    next_offset: int | None


class RoomStates:
    """The looks of a room, one after another, as the tools take them."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._site: OpenSite | None = read_site(room.place.site) if is_plain(Path(room.place.site)) else None
        self._newest: tuple[Look, TwinState] | None = None

    def clock(self) -> datetime:
        """Return the network's time."""
        return self._room.now

    def newest(self) -> TwinState:
        """Return the newest look. Raises `StoreBusyError` before there is one, and what judging it raises."""
        look, known = self._room.watch.latest, self._newest
        if look is None or look.newest is None:
            raise StoreBusyError("nothing has been measured yet", fix="ask again in a moment")
        if known is None or known[0] is not look:
            found = self._state(look)
            if known is not None:
                found.run_state.results = known[1].run_state.results
                if known[1].network.id == found.network.id:  # what was proposed for it still stands
                    found.run_state.proposals |= known[1].run_state.proposals
            self._newest = known = look, found
        return known[1]

    def _state(self, look: Look) -> TwinState:
        seen, now = look.run_state, self._room.now
        run_state = RunState(seen.inventory, self._room.policy, seen.live, seen.since, works=seen.works)
        run_state.state = run_state.look().network
        fidelity = run_state.fidelity.score
        vouched = Vouched(
            time=look.newest or now,
            looked=now,
            recorded=False,
            quality=run_state.assessment.report.score,
            fidelity=fidelity,
        )
        reading = Reading(run_state.state, Account(file=self._room.place.site, format="watched"), {})
        zone = self._site.site.zone if self._site else "UTC"
        return TwinState(run_state, reading, self._site, zone, True, vouched, now)


def incident_tools(room: Room) -> tuple[Tool, ...]:
    """The tools that only a room has."""

    def incidents(
        _run_state: RunState,
        id: Annotated[str, Field(max_length=20, description="One of them, with its timeline.")] = "",
        state: Annotated[
            Literal["alive", "closed", "all"], Field(description="Those that have not ended, those that have, or both.")
        ] = "alive",
        offset: Annotated[int, Field(ge=0, description="Rows to skip: `next_offset` of the last page.")] = 0,
        limit: Annotated[int, Field(ge=1, le=_PAGE, description="Rows of a page.")] = 20,
    ) -> ToldIncidents:
        """List what is, or was, wrong in the network: each incident with its state, its owner and what became of it."""
        return incidents_page(room, name=id, state=state, offset=offset, limit=limit)

    return (bind(incidents),)


def incidents_page(
    room: Room, *, name: str = "", state: str = "alive", offset: int = 0, limit: int = _PAGE
) -> ToldIncidents:
    """Return a page of the incidents. Raises `InputError` when there is none of that id."""
    board = room.board
    if name:
        meant = incident_id(name)
        if meant not in board.incidents:
            newest = ", ".join(sorted(board.incidents, reverse=True)[:5])
            raise InputError(
                f"there is no incident {name!r}", fix=f"the newest are {newest}" if newest else "there is none"
            )
        return ToldIncidents(total=1, incidents=(_told(board.incident(meant), timeline=True),), next_offset=None)
    chosen = [x for x in board.incidents.values() if state == "all" or x.alive == (state == "alive")]
    chosen.sort(key=lambda x: (x.opened, x.id), reverse=True)
    page = chosen[offset : offset + limit]
    return ToldIncidents(
        total=len(chosen), incidents=tuple(map(_told, page)), next_offset=next_after(offset + len(page), chosen)
    )


def _told(incident: Incident, *, timeline: bool = False) -> ToldIncident:
    lines = tuple(ToldLine(time=x.time, who=x.who, words=x.words) for x in incident.timeline) if timeline else ()
    return ToldIncident(
        id=incident.id,
        title=incident_title(incident.kind, incident.source),
        source=incident.source,
        family=incident.family,
        kind=incident.kind,
        state=incident.state,
        since=incident.since,
        closed=incident.closed,
        parent=incident.parent,
        owner=incident.owner,
        elements=incident.elements,
        run=incident.run,
        outcome=incident.outcome,
        because=incident.because,
        timeline=lines,
    )
