"""A plan in the words of routers: the lines to type, the command that shows they took, the lines that take them back.

The templates are data, one file a dialect. What the inventory does not know is asked for, never made up: an interface
without a name, a process without one, a router without a segment.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from twin.errors import InputError
from twin.model import Frozen, Network
from twin.plan import Change, Plan, inverse, states, subject

from .actions import Action, IgpMetric, Overload, Shut, SrPolicy, Unwritten, actions_of
from .routers import Dialect, Routers, Speech, speech_of

_TEMPLATES = Path(__file__).with_name("dialects")
_INTERFACE = re.compile(r"[A-Za-z][\w./:-]{0,62}", re.ASCII)
_QUOTED = re.compile(r"[A-Za-z][\w./: -]{0,62}", re.ASCII)  # SR OS writes them between quotation marks
_OF_SROS = frozenset(("sros", "mdcli"))
_ON_TRIAL = "commit confirmed "
_ASKED = 6  # things that are asked for in one line


class RouterLines(Frozen):
    """What to type on one router in one step."""

    router: str
    dialect: Dialect
    lines: tuple[str, ...]
    check: str = Field(description="The command that shows whether they took.")
    keep: tuple[str, ...] = Field(
        default=(),
        description="The lines that keep them, or those that take them back, once it does; else they are undone.",
    )
    back: tuple[str, ...] = Field(description="The lines that take them back, on trial as well where `keep` says how.")

    @property
    def when_kept(self) -> str:
        """What is said before the lines that keep them, empty where nothing is on trial."""
        while_s = self.lines[-1].rpartition(" ")[2] + (" seconds" if self.dialect == "iosxr" else " minutes")
        return f"only if the check shows them, within {while_s}:" if self.keep else ""


class RenderedStep(Frozen):
    """One step of a plan on the routers that it is about; `by_hand` is what no line does."""

    step: int
    about: str = Field(description="The element that changes.")
    routers: tuple[RouterLines, ...] = ()
    by_hand: str = ""
    note: str = ""


class Rendering(Frozen):
    """A plan in the words of routers. It is taken back by the steps in reverse order, each by its own lines."""

    plan: str = Field(description="Plan hash.")
    base: str
    steps: tuple[RenderedStep, ...]


class Inventory(NamedTuple):
    """What is known beside a network: names of interfaces by directed link, and how routers are spoken to."""

    interfaces: Mapping[str, str]
    routers: Routers


def render(plan: Plan, network: Network, known: Inventory, dialect: Dialect | None = None) -> Rendering:
    """Write a plan for the state `network` as configuration; `dialect` is for all routers, whatever they speak.

    Raises `InputError` that asks for everything which is not known, and `PlanError` on a step that cannot be made.
    """
    reached = states(network, plan.steps)
    writer = _Writer(known, dialect)
    steps = tuple(
        writer.step(number, before, after, change)
        for number, (before, after, change) in enumerate(zip(reached[:-1], reached[1:], plan.steps, strict=True), 1)
    )
    writer.require_answers()
    return Rendering(plan=plan.hash, base=plan.base, steps=steps)


class _Writer:
    """Writes steps, and remembers what it had to ask."""

    def __init__(self, known: Inventory, dialect: Dialect | None) -> None:
        self._known = known
        self._dialect: Dialect | None = dialect
        self._asked: dict[str, str] = {}  # what is asked for, and where it can be said

    def step(self, number: int, before: Network, after: Network, change: Change) -> RenderedStep:
        """Write one step, made in the state `before` and taken back in `after`."""
        igp = self._known.routers.igp
        there, back = actions_of(before, change, igp), actions_of(after, inverse(before, change), igp)
        about = subject(change)
        for part in (there, back):
            if isinstance(part, Unwritten):
                return RenderedStep(step=number, about=about, by_hand=part.because)
        assert not isinstance(there, Unwritten)  # noqa: S101  seen above
        assert not isinstance(back, Unwritten)  # noqa: S101  seen above
        written: list[RouterLines] = []
        notes: list[str] = []
        for action, undo in zip(there, back, strict=True):
            speech = speech_of(self._known.routers, action.router, self._dialect)
            unable = _unable(action, speech.dialect) or _unable(undo, speech.dialect)
            if unable:
                return RenderedStep(step=number, about=about, by_hand=f"at {action.router}: {unable}")
            written.append(self._lines(action, undo, speech))
            notes += _notes(action)
        return RenderedStep(
            step=number, about=about, routers=tuple(written), note="; ".join(dict.fromkeys(x for x in notes if x))
        )

    def require_answers(self) -> None:
        """Raise `InputError` with every question that came up."""
        if not self._asked:
            return
        asked, more = list(self._asked), len(self._asked) - _ASKED
        words = "; ".join(asked[:_ASKED]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(f"not known: {words}", fix=" and ".join(dict.fromkeys(self._asked.values())))

    def _lines(self, action: Action, undo: Action, speech: Speech) -> RouterLines:
        template = _template(speech.dialect)
        lines, check = self._write(template, action, speech), self._check(template, action, speech)
        made, keep = _parted(lines)
        back, _ = _parted(self._write(template, undo, speech))  # a dialect keeps both by the same lines
        return RouterLines(router=action.router, dialect=speech.dialect, lines=made, check=check, keep=keep, back=back)

    def _write(self, template: "_Template", action: Action, speech: Speech) -> tuple[str, ...]:
        text = template(_KINDS[type(action)], **self._values(action, speech))
        return tuple(line.rstrip() for line in text.splitlines() if line.strip())

    def _check(self, template: "_Template", action: Action, speech: Speech) -> str:
        return template(f"{_KINDS[type(action)]}_check", **self._values(action, speech)).strip()

    def _values(self, action: Action, speech: Speech) -> dict[str, object]:
        return {"r": speech, "router": action.router, **dict(self._told(action, speech))}

    def _told(self, action: Action, speech: Speech) -> Iterator[tuple[str, object]]:
        if isinstance(action, IgpMetric | Shut):
            yield "interface", self._interface(action, speech)
            yield "neighbour", action.link.head
            yield "value", action.value if isinstance(action, IgpMetric) else None
        if speech.dialect != "text" and _needs_process(action, speech):
            yield (
                "process",
                speech.process
                or self._ask(
                    f"the {speech.igp} process of {action.router}",
                    "say it as `process` under [routers] in the site file",
                ),
            )
        if not isinstance(action, IgpMetric):
            yield "on", action.on
        if isinstance(action, SrPolicy):
            yield from self._policy(action, speech)

    def _interface(self, action: IgpMetric | Shut, speech: Speech) -> str:
        name = self._known.interfaces.get(action.link.name, "")
        if not name and speech.dialect == "text":
            return ""
        if not name:
            return self._ask(f"the interface of {action.link.name} at {action.router}", _SAY_INTERFACE)
        if not (_QUOTED if speech.dialect in _OF_SROS else _INTERFACE).fullmatch(name):
            return self._ask(f"a usable name of the interface of {action.link.name}, not {name[:40]!r}", _SAY_INTERFACE)
        return name

    def _policy(self, action: SrPolicy, speech: Speech) -> Iterator[tuple[str, object]]:
        tunnel = action.tunnel
        yield "name", action.name
        yield "target", tunnel.target
        yield "paths", [{"via": x.via, "percent": round(100 * x.share, 2)} for x in tunnel.paths]
        if speech.dialect == "text":
            return
        color = self._known.routers.color
        yield "color", color or self._ask("the color of SR policies", "say it as `color` under [routers]")
        yield "endpoint", self._of(tunnel.target, "loopback")
        lists = [[self._of(node, "sid") for node in (*path.via, tunnel.target)] for path in tunnel.paths]
        weights = [max(round(100 * path.share), 1) for path in tunnel.paths]
        yield "lists", list(zip(lists, weights, strict=True))

    def _of(self, node: str, what: str) -> object:
        value = getattr(speech_of(self._known.routers, node), what)
        where = f"say it as `{what}` under [routers.named] in the site file"
        return value if value is not None else self._ask(f"the {what} of {node}", where)

    def _ask(self, what: str, where: str) -> str:
        self._asked[what] = where
        return "?"


_SAY_INTERFACE = "name it in a file of link,interface under `interfaces` in the site file's [sources]"
_KINDS: Mapping[type[Action], str] = {IgpMetric: "metric", Overload: "overload", Shut: "shut", SrPolicy: "policy"}
_Template = Callable[..., str]


def _parted(lines: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines up to the commit on trial, and those that keep it; none where nothing is on trial."""
    trial = next((i for i, line in enumerate(lines, 1) if line.startswith(_ON_TRIAL)), len(lines))
    return lines[:trial], lines[trial:]


def _needs_process(action: Action, speech: Speech) -> bool:
    """Whether the lines name the IGP process: nowhere on Junos and SR OS, on FRR for what is not an interface's."""
    if isinstance(action, Overload):
        return speech.dialect == "iosxr" or (speech.dialect == "frr" and speech.igp == "isis")
    return isinstance(action, IgpMetric) and speech.dialect == "iosxr"


def _unable(action: Action, dialect: Dialect) -> str:
    """What a person has to do because the dialect has no lines for it here; empty where it has."""
    if not isinstance(action, SrPolicy):
        return ""
    paths = "; ".join(f"{round(100 * x.share)} % via {', '.join(x.via) or 'the IGP path'}" for x in action.tunnel.paths)
    what = f"make SR policy {action.name} to {action.tunnel.target}: {paths}"
    if dialect in _OF_SROS:
        return f"{what}; SR policies are not written for {dialect}"
    if dialect == "frr" and len(action.tunnel.paths) > 1:
        return f"{what}; frr has no weighted segment lists"
    return ""


def _notes(action: Action) -> Sequence[str]:
    if not (isinstance(action, SrPolicy) and action.on):
        return ()
    steer = f"steer the traffic for {action.tunnel.target} into the policy, by its color or by a static route"
    if action.tunnel.holds or action.tunnel.path == "dynamic":
        return (steer,)
    return steer, "let something take its lists down when a node on them is cut off: seamless BFD, or a controller"


@lru_cache(maxsize=8)
def _template(dialect: Dialect) -> _Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow, and most who read a rendering write none

    environment = Environment(  # noqa: S701 - lines for routers, not HTML; every value is checked before
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template(f"{dialect}.j2")

    def write(macro: str, **values: object) -> str:
        return str(getattr(template.make_module(values), macro)())

    return write
