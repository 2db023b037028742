"""What a planner asked for, as it reads on a terminal: imports, studies of failures, maintenance windows, plans."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType

from twin.demand_study import DemandCase
from twin.maintenance import Window
from twin.store.inventory import Imported
from twin.study import GrowthCase, Study

from .tables import demand_table, failure_table, link_table, text_table, window_table
from .wording import mbps, one_line, share, short


def imported(networks: Sequence[Imported], into: Path) -> Iterator[RenderableType]:
    """What was read from each file, and what the files leave open."""
    headings = ("network", "snapshot", "nodes>", "circuits>", "demands>", "demand>", "busiest link", "utilisation>")
    yield text_table(headings, [_imported_row(one) for one in networks])
    for one in networks:
        yield f"\n{one_line(one.network)}, from {one_line(one.file, 400)}"
        yield from (f"  {sentence}" for sentence in _remarks(one))
    yield f"\nstored in {into}; the current snapshot is {networks[-1].snapshot}"


def _imported_row(one: Imported) -> tuple[str, ...]:
    counts = (str(one.nodes), str(one.circuits), str(one.demands), mbps(one.demand))
    return (one.network, one.snapshot, *counts, one.busiest or "none", share(one.max_utilisation))


def _remarks(one: Imported) -> Iterator[str]:
    extras = [
        f"{count} {what}" for count, what in ((one.risk_groups, "risk groups"), (one.tunnels, "tunnels")) if count
    ]
    yield from extras
    yield from (f"assumed {sentence}" for sentence in one.assumed)
    if not one.assumed:
        yield "nothing was assumed: capacities, weights and traffic are the files' own"
    if one.lost > 0:
        yield f"{mbps(one.lost)} of the demand have no path"


def studied(study: Study, demands: Sequence[DemandCase] | None, top: int) -> Iterator[RenderableType]:
    """The worst case of every link, failure and, where asked for, demand, and how far traffic may grow."""
    busiest = f"busiest link {study.busiest or 'none'} at {share(study.max_utilisation)}"
    yield f"{one_line(study.network)}: {busiest} with everything up, {len(study.failures)} failures studied\n"
    yield link_table(study, top)
    if study.failures:
        yield ""
        yield failure_table(study, top)
    if demands is not None:
        yield ""
        yield demand_table(demands, top)
    yield ""
    yield growth_table(study)


def growth_table(study: Study) -> RenderableType:
    """How far all demands may grow alike, and what stops them there."""
    headings = ("traffic may grow", "to>", "then this link", "is at>", "when this fails")
    cases = ("with everything up", study.growth), ("under every failure too", study.growth_under_failures)
    return text_table(headings, [(when, *_growth_cells(growth)) for when, growth in cases])


def _growth_cells(growth: GrowthCase) -> tuple[str, ...]:
    if growth.factor is None:
        return "without end", "none", "", ""
    failure = short(growth.failure) if growth.failure else "nothing"
    return f"{growth.factor:.3f} times", growth.link or "none", share(growth.limit), failure


def rehearsed(window: Window, drained: Sequence[str]) -> Iterator[RenderableType]:
    """A maintenance window hour by hour, whether it keeps the limits, and the quietest window of its length."""
    named = ", ".join(short(element) for element in drained)
    yield f"{one_line(window.network)}: {named} drained\n"
    yield window_table(window)
    verdict = "keeps the limits, under the next failure too" if window.safe else "breaks the limits"
    yield f"\nthe window {span(window.hours[0].hour, len(window.hours))} {verdict}"
    if window.quietest is None:
        yield "no window of this length in the day keeps them"
    else:
        yield f"the quietest window of this length within the limits is {span(window.quietest, len(window.hours))}"


def span(start: int, hours: int) -> str:
    """Write a window of whole hours, `22:00-02:00`."""
    end = start + hours
    return f"{start:02}:00-{end if end <= 24 else end - 24:02}:00"
