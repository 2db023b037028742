"""What takes an exit out of use while its wire is well: the session, what the neighbour announces, what policy lets in.

| kind | element | what happens | not expressed |
|---|---|---|---|
| bgp_session | exit | the session is down, for whatever reason; a router with several groups loses an exit of each | the time without routes |
| bgp_advertisement | exit | the session stands, the neighbour announces the group no more | single prefixes of a group |
| bgp_filter | exit | it is announced, and the router's policy denies it | the same |

Traffic goes to the other exits of the group, or has no route where there is none. None of them but the first has a line
in any log. An exit is the interface of its router towards the group.
"""  # noqa: E501 - a table

from twin.faults.declaration import Declaration, register
from twin.faults.link_effects import untold
from twin.faults.remedies import Action, Advice, Remedy
from twin.faults.severities import ONE


def _declare(kind: str, label: str, action: Action, words: str, confirmed_by: str, aliases: tuple[str, ...]) -> None:
    register(
        Declaration(
            id=kind,
            label=label,
            layer="exits",
            element="exit",
            severity=ONE,
            aliases=aliases,
            links=untold,
            plain=True,
            remedy=Remedy(("steer around",), Advice(action, words, confirmed_by)),
        )
    )


_declare(
    "bgp_session",
    "BGP session down",
    "restore peering",
    "restore the BGP session of {here}: look on {router} for the last notification, then for a filter on TCP port 179, "
    "the neighbour's AS, address and password, and the limit of prefixes",
    "the session of {here} is established and its neighbour announces the group",
    ("bgp_neighbor_misconfig",),
)
_declare(
    "bgp_advertisement",
    "missing BGP advertisement",
    "ask for the routes",
    "ask the neighbour at {here} to announce the group to {router} again",
    "{router} receives the group by {here}",
    (),
)
_declare(
    "bgp_filter",
    "BGP routes denied by policy",
    "correct route policy",
    "correct the policy of {router} for what comes in by {here}: it denies routes that the neighbour announces",
    "{router} accepts what its neighbour at {here} announces",
    ("route_policy_misconfig",),
)
