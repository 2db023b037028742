"""Traffic that does not go where shortest paths lead: tunnels, rate limits, and what routers do of their own accord."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from .frozen import Frozen


class SegmentList(Frozen):
    """One candidate path of a tunnel: the nodes to visit in order, and its share of the tunnel's traffic."""

    via: tuple[str, ...] = Field(max_length=8, description="Intermediate nodes, in order; empty means the IGP path.")
    share: float = Field(default=1.0, gt=0, le=1, description="Share of the tunnel's traffic, all shares sum to 1.")


class Tunnel(Frozen):
    """An SR policy (RFC 9256): carries the whole demand from `source` to `target` over its segment lists.

    An `explicit` list is labels at the head-end, and goes on through a node that is drained: overload makes no
    list invalid (RFC 9256, section 5.1). A `dynamic` one is computed, avoids such nodes, and is invalid there.
    Of a list whose leg is cut `on_invalid` says what becomes. Labels are not verified unless that was asked for: by
    default (`blackhole`) the head-end goes on sending, and what is on the list ends where the next label has no way.
    With `igp` something tells the head-end, such as BFD or a controller, as the computation of a `dynamic` list does:
    the list is invalid, the valid ones share the traffic by their shares, and with none valid it follows the IGP.
    RFC 9256 lets head-ends notice that the first label has no way; that is not counted on.
    """

    name: str = Field(pattern=r"^[\w.>-]{1,128}$")
    source: str
    target: str
    paths: Annotated[tuple[SegmentList, ...], Field(min_length=1, max_length=8)]
    path: Literal["explicit", "dynamic"] = Field(
        default="explicit", description="Whether its lists are labels as they stand, or computed around drained nodes."
    )
    on_invalid: Literal["blackhole", "igp"] = Field(
        default="blackhole",
        description="What becomes of labels that lead nowhere: nothing, or the head-end is told and takes other ways.",
    )

    @property
    def holds(self) -> bool:
        """Whether its lists stay in use when a node on them is cut off."""
        return self.path == "explicit" and self.on_invalid == "blackhole"


class DemandLimit(NamedTuple):
    """A rate limit, in Mbit/s, on what enters at `source` for `target`."""

    source: str
    target: str
    limit: float


AstrayKind = Literal["drop", "send", "bar", "refuse", "leak", "leave out", "trust", "claim", "reflect"]


class Astray(NamedTuple):
    """What a router does to traffic that none of its routes and none of its neighbours says.

    `drop`: what node `at` has for `target` goes nowhere. `send`: the tail of link `at` sends it by that link, whatever
    the IGP says. `bar`: it may not leave by link `at`. `refuse`: what enters at node `at` for it goes nowhere.
    `leak`: the router behind link `at` drops the share `share` of everything. `leave out`: the tail of link `at` leaves
    it out of groups of equal paths. `trust`: all use link `at` though its head does not hear its tail, as routers do
    that check no circuit both ways. `claim`: node `at`, or the tail of link `at`, says falsely that it leads to the
    group of exits `target`: at a node before all exits, by a link as the best of them; what it attracts goes nowhere.
    `reflect` is no fault: the others hear of exits through node `at` (and others like it), which tells of its own
    choice alone, as route reflectors without add-path do (RFC 4456).
    `target` is empty where everything is meant.
    """

    does: AstrayKind
    at: str
    target: str = ""
    share: float = 1.0
