"""Figures, changes and outcomes as people read them: the same words in the report and on the terminal."""

import json
import math
import re
from typing import TYPE_CHECKING, assert_never

from pydantic import JsonValue

from twin.printed import counted as counted
from twin.printed import mbps as mbps
from twin.printed import percent as percent
from twin.printed import percents as percents
from twin.printed import place as place
from twin.printed import share as share
from twin.printed import short as short
from twin.printed import stated as stated
from twin.printed import written as written
from twin.untrusted import one_line

if TYPE_CHECKING:  # a table of runs does not wait for the twin
    from collections.abc import Sequence
    from datetime import timedelta

    from twin.faults import Fault, FaultKind
    from twin.gate.verdict import Counterexample
    from twin.plan import Change, SetTunnel

_SEVERAL = {
    "set_weight": "set {} IGP weights",
    "drain_link": "drain {} circuits",
    "undrain_link": "undrain {} circuits",
    "drain_node": "drain {} nodes",
    "undrain_node": "undrain {} nodes",
    "set_tunnel": "steer {} demands",
    "remove_tunnel": "remove {} tunnels",
    "sleep_link": "put {} circuits to sleep",
    "wake_link": "wake {} circuits",
    "set_capacity": "upgrade {} circuits",
    "limit_demand": "limit {} demands",
}

OUTCOMES = {
    "resolved": "The incident is resolved.",
    "relieved": "Less traffic is harmed than would be without the plan; some still is.",
    "healthy": "The network is healthy.",
    "no action needed": "There is a fault, and the network carries everything within its limits.",
    "needs a person": "The cause is known; what is left is for a person to do.",
    "no safe plan": "No safe plan was found; nothing was changed.",
    "rolled back": "The network disagreed with the twin; every applied step was taken back.",
    "done": "What was asked for is met.",
    "scheduled": "A safe plan is certified for its window; nothing was changed yet.",
    "rehearsed": "The plan is safe; nothing was changed, as was asked.",
    "awaiting approval": "A safe plan waits for a person's approval.",
    "awaiting answer": "A question waits for a person's answer.",
    "rejected": "A person rejected the plan; nothing was changed.",
    "out of budget": "The run spent what it may, and ended with what it had.",
    "interrupted": "The run was interrupted.",
    "failed": "The run failed.",
}


def amount(value: float | None, unit: str) -> str:
    """Write a figure with its unit: a share as a percentage, a rate with the unit that reads best."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "without end"
    match unit:
        case "share":
            return percent(value)
        case "Mbit/s":
            return mbps(value)
        case "s":
            return duration(value)
        case "ms":
            return f"{written(value, 4)} ms"
        case _:
            number = f"{value:,.0f}" if value == round(value) else written(value, 4)
            return f"{number} {unit}".rstrip()


def milliseconds(value: float | None) -> str:
    """Write a delay; `no path` when there is none."""
    return "no path" if value is None or not math.isfinite(value) else f"{written(value)} ms"


def capacity(value: float) -> str:
    """Write a capacity in Mbit/s as planners name it, `100G`."""
    return f"{value / 1000:g}G" if value >= 1000 else f"{value:g}M"


def duration(seconds: float) -> str:
    """Write a duration, `0.4 s`, `2 min 5 s` or `60 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age_words(age: "timedelta") -> str:
    """Say how old something is."""
    seconds = max(0.0, age.total_seconds())
    if seconds >= 172_800:
        return f"{seconds / 86_400:.0f} days"
    if seconds >= 7_200:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def arguments(value: JsonValue) -> str:
    """Write a tool call's arguments as one would in a program: `link=…, top=5`."""
    if not isinstance(value, dict):
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    return ", ".join(f"{key}={_brief(item)}" for key, item in value.items())


def sentence(change: "Change") -> str:
    """Say what a change does."""
    from twin.plan import (
        DrainLink,
        DrainNode,
        LimitDemand,
        RemoveTunnel,
        SetCapacity,
        SetTunnel,
        SetWeight,
        SleepLink,
        UndrainLink,
        UndrainNode,
        WakeLink,
        subject,
    )

    match change:
        case SetWeight():
            return f"set the IGP weight of {change.link} to {change.weight}"
        case DrainLink() | DrainNode() if change.mode == "cost_out":
            return f"cost out {short(subject(change))}"
        case DrainLink() | UndrainLink() | SleepLink() | WakeLink():
            verb = {"drain_link": "drain", "undrain_link": "undrain", "sleep_link": "put to sleep", "wake_link": "wake"}
            return f"{verb[change.op]} {short(change.circuit)}"
        case DrainNode():
            return f"drain {short(subject(change))}"
        case UndrainNode():
            return f"undrain {short(subject(change))}"
        case SetTunnel():
            return f"steer {change.tunnel.source} to {change.tunnel.target} {_paths(change)}"
        case RemoveTunnel():
            return f"remove tunnel {change.name}"
        case SetCapacity():
            return f"upgrade {short(change.circuit)} to {capacity(change.capacity)}"
        case LimitDemand():
            limit = "lift the limit on" if change.limit is None else f"limit to {mbps(change.limit)}"
            return f"{limit} {change.source} to {change.target}"
        case _:
            assert_never(change)


def plan_words(steps: "Sequence[Change]") -> str:
    """Say what a plan does, in one line: `Steer 2 demands via Oldenburg`, `Drain circuit A--B, wake 3 circuits`.

    Steps of one kind are told together; one that is alone of its kind as `sentence` tells it.
    """
    kinds: dict[str, list[Change]] = {}
    for step in steps:
        kinds.setdefault(_several(step), []).append(step)
    told = [sentence(x[0]) if len(x) == 1 else f"{words.format(len(x))}{_way(x)}" for words, x in kinds.items()]
    return capital(", ".join(told)) or "Change nothing"


def _several(step: "Change") -> str:
    """What several steps of one kind do."""
    words = _SEVERAL[step.op]
    return words.replace("drain", "cost out") if getattr(step, "mode", "") == "cost_out" else words


def _way(steps: "Sequence[Change]") -> str:
    """The way that tunnels have in common, if there is one."""
    from twin.plan import SetTunnel

    ways = {path.via for x in steps if isinstance(x, SetTunnel) for path in x.tunnel.paths if path.via}
    return f" via {', '.join(ways.pop())}" if len(ways) == 1 else ""


def capital(text: str) -> str:
    """Begin a text with a capital; one that begins with a name of several parts or with figures in it stays."""
    first = text.partition(" ")[0].rstrip(".,:;")
    return f"{text[:1].upper()}{text[1:]}" if first.replace("'", "").isalpha() else text


def against(example: "Counterexample") -> str:
    """Say by how much a check failed; nothing where it asked for a yes or a no."""
    if not example.unit and {example.measured, example.limit} <= {0.0, 1.0}:
        return ""
    if example.unit == "share":
        return " against ".join(percents(example.measured, example.limit))
    return f"{amount(example.measured, example.unit)} against {amount(example.limit, example.unit)}"


_DIRECTION = re.compile(r"(?<=[\w.)])->(?=[\w(])")
_CIRCUIT = re.compile(r"(?<=[\w.)])--(?=[\w(])")


def on_screen(text: str) -> str:
    """Spell the names in a text as screens and reports do: links with an arrow, circuits with a dash."""
    return _CIRCUIT.sub("\N{EN DASH}", _DIRECTION.sub(" \N{RIGHTWARDS ARROW} ", text))


CHECKS = {
    "grounded": "the plan can be made here",
    "fresh": "the evidence is fresh and good",
    "policy": "the policy allows each step",
    "nominal": "no link gets too full",
    "survivable": "no single failure gets worse",
    "transient": "no step on the way does harm",
    "uncertain": "it holds if traffic differs",
    "reversible": "it can be taken back",
    "useful": "it is worth it",
    "horizon": "it holds in the hours ahead",
    "classes": "classes get what they are promised",
}
"""What each check of the gate means, by its name in the policy."""


def check_words(name: str) -> str:
    """Say what a check of the gate means."""
    return CHECKS.get(name, name)


def where(example: "Counterexample") -> str:
    """Say where a check failed: element, failure and step."""
    element, failure = short(example.element), f" when {short(example.failure)} fails" if example.failure else ""
    if example.step is None:
        return f"{element}{failure}"
    return f"{element}{failure} {f'after step {example.step}' if example.step else 'before the first step'}"


def _paths(change: "SetTunnel") -> str:
    paths = [
        (f"via {', '.join(path.via)}" if path.via else "by the IGP path")
        + (f" ({share(path.share)})" if len(change.tunnel.paths) > 1 else "")
        for path in change.tunnel.paths
    ]
    return " and ".join(paths)


def _brief(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text, 48)


def fault_kind(kind: "FaultKind") -> str:
    """Name a kind of fault in words: `circuit down`."""
    from twin.faults import label

    return label(kind)


def fault_words(fault: "Fault | None") -> str:
    """Say what is wrong, where and how badly: `silent loss, Berlin->Hamburg (3.2 % lost)`."""
    from twin.faults import TRAITS

    if fault is None:
        return "nothing is wrong"
    towards = f" towards {place(fault.target)}" if fault.target else ""
    told = TRAITS[fault.kind].severity.tell(fault.severity)
    how_bad = f" ({told})" if told else ""
    return f"{fault_kind(fault.kind)}, {place(fault.element)}{towards}{how_bad}"


def faults_words(faults: "Sequence[Fault]") -> str:
    """Say what is wrong where several faults struck together."""
    return " and ".join(map(fault_words, faults)) or fault_words(None)


def hypothesis_words(name: str) -> str:
    """Say a hypothesis that is given by its name, `link_down at link/A:B--B:A`: `circuit down, A--B`."""
    from twin.faults import named_in_words

    return named_in_words(name)
