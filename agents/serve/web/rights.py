"""What somebody may do in the console, and on which elements: roles, each everywhere or within tags of the policy.

An element is within a tag when the tag lists it, or every node that it is at. One rule holds for looking and for
acting, so that a circuit between two regions is for those who have both, or have it in a tag of their own.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from agents.record.history import RunHistory
from agents.serve.board import Board, Incident
from agents.serve.settings import Grant, Role, Settings
from agents.serve.sightings import nodes_at
from twin.errors import InputError
from twin.plan import Change, LimitDemand, SetTunnel, subject

RANK: Mapping[Role, int] = MappingProxyType({"viewer": 0, "planner": 1, "approver": 2, "operator": 3, "admin": 4})
Tags = Mapping[str, tuple[str, ...]]


class Right(NamedTuple):
    """A role, and the elements that it is for: `within` names their tags; `reach` is None for every element."""

    role: Role
    within: tuple[str, ...] = ()
    reach: frozenset[str] | None = None

    def covers(self, element: str) -> bool:
        """Whether an element is among those that the role is for."""
        if self.reach is None or element in self.reach:
            return True
        nodes = nodes_at(element)
        return bool(nodes) and all(f"node/{x}" in self.reach for x in nodes)


class Visitor(NamedTuple):
    """Who asks: their name, what they may, the token of their session, and whether it is a program without one."""

    name: str
    rights: tuple[Right, ...]
    token: str
    program: bool = False

    @property
    def role(self) -> Role:
        """The highest of their roles."""
        return max((x.role for x in self.rights), key=lambda x: RANK[x])

    @property
    def words(self) -> str:
        """Their roles, in words."""
        return ", ".join(f"{x.role} of {' and '.join(x.within)}" if x.within else x.role for x in self.rights)

    @property
    def everywhere(self) -> bool:
        """Whether they see every element."""
        return self.may("viewer", everywhere=True)

    def may(self, role: Role, *, everywhere: bool = False) -> bool:
        """Whether they may do what somebody of a role may, somewhere, or on the whole network."""
        return any(RANK[x.role] >= RANK[role] and (x.reach is None or not everywhere) for x in self.rights)

    def holds(self, role: Role, elements: Iterable[str]) -> bool:
        """Whether they may do what somebody of a role may on each of these elements; on none of them, everywhere."""
        able = [x for x in self.rights if RANK[x.role] >= RANK[role]]
        wanted = tuple(elements)
        if not wanted:
            return any(x.reach is None for x in able)
        return all(any(x.covers(element) for x in able) for element in wanted)

    def sees(self, *elements: str) -> bool:
        """Whether they may look at each of these elements."""
        return self.holds("viewer", elements)


def rights_of(grants: Iterable[Grant], tags: Tags) -> tuple[Right, ...]:
    """Resolve what is granted into elements. Raises `InputError` on a tag that the policy does not have."""
    return tuple(dict.fromkeys(_right(x, tags) for x in grants))


def _right(grant: Grant, tags: Tags) -> Right:
    unknown = next((x for x in grant.scope if x not in tags), None)
    if unknown is not None:
        known = ", ".join(sorted(tags)[:10]) or "none"
        raise InputError(f"room.toml: scope {unknown!r} is no tag of the policy", fix=f"tags: {known}")
    reach = frozenset(element for tag in grant.scope for element in tags[tag]) if grant.scope else None
    return Right(grant.role, grant.scope, reach)


def require_tags(settings: Settings, tags: Tags) -> None:
    """Make sure that every scope in the settings is a tag of the policy. Raises `InputError`."""
    rights_of((*settings.members, *settings.groups, *settings.programs), tags)


def changed(steps: Iterable[Change]) -> Iterator[str]:
    """Yield the elements that a plan's steps are about: those of a tunnel or a demand are the nodes at its ends."""
    for step in steps:
        match step:
            case SetTunnel():
                yield from (f"node/{step.tunnel.source}", f"node/{step.tunnel.target}")
            case LimitDemand():
                yield from (f"node/{step.source}", f"node/{step.target}")
            case _:
                yield subject(step)


def planned(past: RunHistory) -> tuple[str, ...]:
    """The elements that the plan of a run is about."""
    return tuple(changed(past.plan_and_verdict[0].steps)) if past.plan_and_verdict else ()


def places(board: Board, incident: Incident) -> tuple[str, ...]:
    """The elements that somebody has to hold for an incident to be theirs."""
    if incident.source.startswith("alert/"):
        return incident.elements
    if incident.source.startswith("calendar/"):
        entry = board.calendar.get(incident.source.removeprefix("calendar/"))
        return tuple(changed(entry.scheduled.plan.steps)) if entry else (incident.source,)
    return (incident.source,)


def trimmed(incident: Incident, visitor: Visitor) -> Incident:
    """Return an incident without what it says of elements that somebody may not see: names, reasons, findings."""
    if visitor.everywhere:
        return incident
    lines = tuple(
        x.model_copy(update={"words": x.words.partition(": ")[0]}) if x.who == "twinops" else x
        for x in incident.timeline
    )
    elements = tuple(x for x in incident.elements if visitor.sees(x))
    return incident.model_copy(update={"elements": elements, "because": "", "timeline": lines})
