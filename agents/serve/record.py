"""What happens in an operations room, one event each: the room's log is these, and its state is what they add up to.

Times are those of the network's clock, but for deliveries, which wait by the clock of the wall.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from twin.model import Frozen
from twin.plan import Plan

Family = Literal["state", "frames", "load", "traffic", "paths", "telemetry"]
State = Literal["open", "acknowledged", "mitigating", "mitigated", "closed"]
Moment = Literal["opened", "acknowledged", "resolved"]
"""What of an incident is told outside: once each."""

Words = Annotated[str, Field(max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=400)]


class Began(Frozen):
    """An incident opened. `parent` is the incident that explains it, for which nobody is called a second time."""

    did: Literal["began"] = "began"
    time: AwareDatetime
    id: Name
    network: Name
    source: Name = Field(description="Element that the cause is likely at.")
    family: Family
    kind: Name = Field(description="What is seen at the source.")
    elements: tuple[Name, ...] = ()
    since: AwareDatetime = Field(description="End of the first sample that shows it.")
    parent: str | None = None
    words: Words = Field(default="", description="What somebody else said of it, where they opened it.")


class Grew(Frozen):
    """More of the same incident is seen."""

    did: Literal["grew"] = "grew"
    time: AwareDatetime
    id: Name
    elements: tuple[Name, ...]


class Adopted(Frozen):
    """An incident turned out to be part of another."""

    did: Literal["adopted"] = "adopted"
    time: AwareDatetime
    id: Name
    parent: Name


class Subsided(Frozen):
    """Nothing of an incident is seen any more: it may come back."""

    did: Literal["quiet"] = "quiet"
    time: AwareDatetime
    id: Name


class Returned(Frozen):
    """An incident that was quiet is seen again."""

    did: Literal["returned"] = "returned"
    time: AwareDatetime
    id: Name


class Moved(Frozen):
    """An incident is in another state."""

    did: Literal["moved"] = "moved"
    time: AwareDatetime
    id: Name
    state: State
    who: str = ""
    because: Words = ""


class Owned(Frozen):
    """Somebody took an incident."""

    did: Literal["owned"] = "owned"
    time: AwareDatetime
    id: Name
    who: str


class Remarked(Frozen):
    """Somebody, or the room, says something about an incident."""

    did: Literal["remarked"] = "remarked"
    time: AwareDatetime
    id: Name
    who: str = ""
    words: Words


class RunBegan(Frozen):
    """The agents began to work on an incident or an entry of the calendar."""

    did: Literal["run began"] = "run began"
    time: AwareDatetime
    id: Name
    run: Name


class RunEnded(Frozen):
    """Their run ended; `outcome` as the run has it."""

    did: Literal["run ended"] = "run ended"
    time: AwareDatetime
    id: Name
    run: Name
    outcome: Name
    because: Words = ""


class Queued(Frozen):
    """A message is to be delivered; messages of one channel are delivered in the order of their numbers."""

    did: Literal["queued"] = "queued"
    time: AwareDatetime
    number: int
    channel: Name
    incident: Name
    moment: Moment
    summary: Words
    source: Name
    family: Family
    kind: Name
    network: Name
    began: AwareDatetime


class Delivered(Frozen):
    """A receiver has a message."""

    did: Literal["delivered"] = "delivered"
    time: AwareDatetime
    number: int
    attempts: int


class DeadLetter(Frozen):
    """A message that no receiver takes: it is kept, and told on the health screen."""

    did: Literal["dead letter"] = "dead letter"
    time: AwareDatetime
    number: int
    because: Words


class Silenced(Frozen):
    """Nothing is delivered of incidents at an element (`*` is all) until a time. They are opened all the same."""

    did: Literal["silenced"] = "silenced"
    time: AwareDatetime
    element: Name
    until: AwareDatetime
    who: str
    because: Words


class Scheduled(Frozen):
    """A plan is to be made at a time, and taken back at another where it has one."""

    did: Literal["scheduled"] = "scheduled"
    time: AwareDatetime
    id: Name
    words: Words = Field(description="What was said.")
    understood: Words = Field(description="What that was taken to mean.")
    plan: Plan
    begins: AwareDatetime
    ends: AwareDatetime | None = None
    run: str = ""
    who: str = ""


class CalendarMoved(Frozen):
    """What became of an entry of the calendar."""

    did: Literal["calendar moved"] = "calendar moved"
    time: AwareDatetime
    id: Name
    state: Literal["in place", "refused", "missed", "taken back", "stuck", "cancelled"]
    because: Words = ""


class RunsDeleted(Frozen):
    """Folders of runs were deleted: the room keeps them for so long, and no more of them, as its settings say."""

    did: Literal["runs deleted"] = "runs deleted"
    time: AwareDatetime
    runs: tuple[Name, ...]
    because: Words


class Audited(Frozen):
    """Somebody did something in the room, or read what not everybody may."""

    did: Literal["audited"] = "audited"
    time: AwareDatetime
    who: str
    what: Words


RoomEvent = (
    Began
    | Grew
    | Adopted
    | Subsided
    | Returned
    | Moved
    | Owned
    | Remarked
    | RunBegan
    | RunEnded
    | Queued
    | Delivered
    | DeadLetter
    | Silenced
    | Scheduled
    | CalendarMoved
    | RunsDeleted
    | Audited
)
ROOM_EVENT: TypeAdapter[RoomEvent] = TypeAdapter(Annotated[RoomEvent, Field(discriminator="did")])
