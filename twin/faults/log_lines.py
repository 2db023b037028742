"""What routers log when a fault strikes: what emulated routers write, and what diagnosis expects to find."""

from typing import Literal, NamedTuple

Subject = Literal[
    "adjacency down", "adjacency timeout", "adjacency one-way", "adjacency stuck", "mtu", "area", "commit", "process",
    "session timeout",
]  # fmt: skip
"""What a line is about; the words are each vendor's own (`twin/live/syslog.py`)."""

DEAD_INTERVAL_S = (30.0, 40.0)
"""A neighbour that is not heard is given up after this long: hellos come every 10 s, the fourth is the last."""
HOLD_TIME_S = (60.0, 90.0)
"""A session is given up when the hold time passes; keepalives come at a third of it (RFC 4271, section 10)."""
AT_ONCE_S = (0.05, 1.0)


class LogTemplate(NamedTuple):
    """A line about an interface that has lost its neighbour, and when it is written, in seconds."""

    subject: Subject
    after_s: tuple[float, float]
    since: Literal["strike", "first line"] = "strike"


class Log(NamedTuple):
    """Lines of a kind of fault. RFC 2328 section 10.3 (neighbour events), 10.6 (MTU), 8.2 (area)."""

    at_once: tuple[Subject, ...] = ()  # of the routers at fault: a commit, a process that ended
    own: tuple[LogTemplate, ...] = ()  # of the routers at fault, for each interface
    others: tuple[LogTemplate, ...] = ()  # of their neighbours, for each interface
    flaps_once: bool = False  # its circuit goes down and comes up when it strikes


SILENT = Log()
"""Nothing is logged."""
