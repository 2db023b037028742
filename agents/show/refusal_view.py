"""Why the gate refuses a plan, as a picture: the state in which it does, beside the same without the plan."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from agents.wording import against, capital, check_words, on_screen, place, sentence, share, short, where
from tools.whatif import failure
from twin.elements import find_failing
from twin.errors import TwinError
from twin.faults import with_fault
from twin.gate.verdict import Check, Counterexample, Verdict
from twin.model import Network
from twin.plan import Change, Plan, states
from twin.sim.simulate import simulate

from .report.map import Drawing, Look, bands, draw
from .report.marks import nodes_of

_SAME = 5e-4  # shares that read the same


class RefusedStep(NamedTuple):
    """One step of a refused plan, and whether it is the one after which a limit is broken."""

    text: str
    here: bool


class RefusalView(NamedTuple):
    """The check that refuses a plan, where it does, and the network there without and with the plan.

    There are no drawings where a check is about no place, or about what no map shows; `note` says so.
    """

    title: str
    words: str
    place: str
    note: str
    steps: tuple[RefusedStep, ...]
    before: Drawing | None
    after: Drawing | None
    bands: list[tuple[str, str]]
    others: tuple[str, ...]


def refusal_view(network: Network, plan: Plan, verdict: Verdict, limit: float) -> RefusalView | None:
    """Show why a plan is refused on the network that it starts from; None where it is not."""
    refused = [x for x in verdict.checks if not x.passed and not x.detail.startswith("not evaluated")]
    if not refused:
        return None
    found = next((x for x in refused if x.counterexample is not None), refused[0])
    example = found.counterexample
    at = example.step if example is not None else None
    drawn = _drawn(network, plan.steps, example, limit) if example is not None else None
    return RefusalView(
        title=f"Refused by \N{LEFT DOUBLE QUOTATION MARK}{check_words(found.name)}\N{RIGHT DOUBLE QUOTATION MARK}",
        words=on_screen(f"{capital(found.detail)}."),
        place=on_screen(_place(example)) if example is not None else "",
        note=_note(example, drawn),
        steps=tuple(RefusedStep(capital(sentence(x)), i == at) for i, x in enumerate(plan.steps, start=1)),
        before=drawn[0] if drawn else None,
        after=drawn[1] if drawn else None,
        bands=bands(limit),
        others=tuple(_other(x) for x in refused if x is not found),
    )


def _other(check: Check) -> str:
    return on_screen(f"{capital(check_words(check.name))}: {check.detail}.")


def _place(example: Counterexample) -> str:
    figures = against(example)
    return f"{capital(where(example))}{f': {figures}' if figures else ''}"


def _note(example: Counterexample | None, drawn: tuple[Drawing, Drawing, float] | None) -> str:
    """What has to be said beside the drawings, or in their place."""
    if example is None:
        return "It is about no place on the map."
    if drawn is None:
        return "No map shows it: it is about more than the links' loads."
    if example.when:
        return f"It happens at {example.when}; drawn is the traffic of now."
    peak = drawn[2]
    if example.unit == "share" and peak >= 0 and abs(peak - example.measured) > _SAME:
        at = on_screen(short(example.element))
        return f"In what is drawn {at} is at {share(peak)}: the check looks at more than a map shows."
    return ""


def _drawn(
    network: Network, steps: Sequence[Change], example: Counterexample, limit: float
) -> tuple[Drawing, Drawing, float] | None:
    """The state before the plan and the one that refuses it, and how full the element is there; -1 where it is none."""
    try:
        reached = states(network, steps)
        at = len(steps) if example.step is None else min(example.step, len(steps))
        struck = _struck(network, example.failure)
        if not struck and not nodes_of(network, example.element):  # about no place: evidence, a plan as a whole
            return None
        pair = [_state(x, struck, example.traffic) for x in (network, reached[at])]
    except TwinError:  # a plan that cannot be made, or a failure that is no element: a scenario, one of a bundle
        return None
    verb = "fails" if len(struck) == 1 else "fail"
    failed = f" when {' and '.join(place(x) for x in struck)} {verb}" if struck else ""
    made = "Before the first step" if at == 0 else f"After step {at} of {len(steps)}"
    titles = (f"Without the plan{failed}", f"{made}{failed}")
    marks = ((), steps[:at])
    drawings: list[Drawing] = []
    peak = -1.0
    for title, state, made_steps in zip(titles, pair, marks, strict=True):
        outcome = simulate(state)
        load = [float(x) for x in outcome.utilisation]
        name = on_screen(f"{title}: busiest link {outcome.busiest or 'none'} at {share(outcome.max_utilisation)}")
        look = Look(name, load, down=struck, steps=made_steps, limit=limit, refused=example.element)
        drawings.append(draw(state, look))
        if example.element in state.link_index:
            peak = load[state.link_index[example.element]]
    return drawings[0], drawings[1], peak


def _struck(network: Network, name: str | None) -> tuple[str, ...]:
    """The ids of what fails. Raises `InputError` on a name that is no element of the network."""
    parts = re.split(r" [+&] ", name) if name else ()
    found = [x for part in parts for x in find_failing(network, part)]
    return tuple(dict.fromkeys(found))


def _state(network: Network, struck: Sequence[str], traffic: float) -> Network:
    for element in struck:
        network = with_fault(network, failure(element))
    return network if traffic == 1 else network.with_demands(network.demands * traffic)
