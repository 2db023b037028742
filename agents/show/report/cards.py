"""The figures at the top of the report."""

from typing import NamedTuple

from agents.record.events import LoadsTaken
from agents.show.energy import energy_balance
from agents.wording import duration, fault_words, mbps, on_screen, share, stated

from .story import Story


class Card(NamedTuple):
    """One figure of the header; `was` is its value before."""

    name: str
    value: str
    was: str = ""
    note: str = ""
    tone: str = ""
    words: bool = False


def cards(story: Story) -> list[Card]:
    """Return the figures that sum the run up."""
    shown: list[Card] = []
    first, last = story.loads.get("before"), story.loads.get("after") or story.loads.get("planned")
    if first is not None:
        shown += [_peak_card(first, last, story.started.policy.max_utilisation), _harm_card(first, last)]
    if story.diagnosis is not None:
        shown.append(_cause_card(story))
    if story.no_plan is not None and not story.rounds:
        shown.append(Card("Plans", "none", note="no optimiser found one that helps"))
    if story.rounds:
        ended = [f"{sum(x.standing == word for x in story.rounds)} {word}" for word in ("rejected", "taken back")]
        told = ", ".join(x for x in ended if x == "0 rejected" or not x.startswith("0 "))
        shown.append(Card("Plans", str(len(story.rounds)), note=f"submitted, {told}"))
    if story.finished is not None:
        done = story.finished
        spent = f"{done.model_calls} model calls, {done.tool_calls} tool calls"
        shown.append(Card("Duration", duration(done.seconds), note=spent))
        balance = energy_balance(story)
        if balance is not None:
            tone = "bad" if 0 < balance.saved_wh < balance.spent_wh else ""
            shown.append(Card("Energy", balance.words, note="watt-hours saved against spent", tone=tone, words=True))
    return shown


def _peak_card(first: LoadsTaken, last: LoadsTaken | None, limit: float) -> Card:
    end = last or first
    note = f"{source(end)}: {on_screen(end.busiest or 'no link carries traffic')}; limit {stated(limit)}"
    was = share(first.max_utilisation) if last else ""
    return Card(
        "Busiest link", share(end.max_utilisation), was, note, "good" if end.max_utilisation <= limit else "bad"
    )


def _harm_card(first: LoadsTaken, last: LoadsTaken | None) -> Card:
    end = last or first
    was = mbps(first.harm) if last else ""
    tone = "good" if end.harm < 0.5 * first.harm or end.harm < 1 else "bad" if last else ""
    parts = end.harm_parts
    apart = f"; {mbps(parts.severed)} of it from or to what is down" if parts.severed > 0.5 else ""
    return Card("Lost or above the limit", mbps(end.harm), was, f"{source(end)}{apart}", tone)


def source(loads: LoadsTaken) -> str:
    """Say whether a network's counters or the twin gave the figures."""
    return "measured" if loads.source == "telemetry" else "predicted"


def _cause_card(story: Story) -> Card:
    assert story.diagnosis is not None  # noqa: S101  the caller has looked
    found = story.diagnosis.cause
    certainty = f"probability {share(story.diagnosis.probability)}"
    if story.finished is None or (story.finished.truth is None and found is not None):
        return Card("Cause", on_screen(fault_words(found)), note=certainty, words=True)
    truth = story.finished.truth
    right = (found and (found.kind, found.element)) == (truth and (truth.kind, truth.element))
    note = f"{certainty}; {'that is what was injected' if right else f'injected was: {on_screen(fault_words(truth))}'}"
    return Card("Cause", on_screen(fault_words(found)), note=note, tone="" if right else "bad", words=True)
