"""What a living network looks like now: the figures, rows and drawing that the wall and the what-if screen show."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agents.wording import capacity, counted, mbps, on_screen, place, share, short, stated
from tools.box.run_state import RunState
from tools.topology import down_elements, network_status, utilisation
from tools.whatif import StateFigures, failure, figures
from twin.elements import find_elements, find_failing
from twin.errors import InputError
from twin.faults import with_fault
from twin.harm import Harm
from twin.model import Network
from twin.observe.quality.report import QualityReport
from twin.plan import Change, DrainLink, DrainNode, apply_all
from twin.sim.simulate import Outcome, simulate, single_failures
from twin.study.failures import FailureCase, study

from .report.map import Drawing, Look, band, bands, draw

_ROWS, _WORST, _SWEPT = 6, 5, 120


class Figure(NamedTuple):
    """One large figure: its name, value, a note, the tool that it is from, and `crit` where it is over a limit."""

    name: str
    value: str
    note: str
    source: str
    tone: str = ""


class LinkRow(NamedTuple):
    """One link: its name, the share of its capacity that it carries, the style of that, and its traffic."""

    name: str
    share: float | None
    band: str
    text: str
    traffic: str
    capacity: str


class Worst(NamedTuple):
    """A single failure and how full it makes the busiest link; `busiest` says which, and what the failure hurts."""

    name: str
    element: str
    peak: str
    busiest: str


class Pair(NamedTuple):
    """A figure before and after, with where each is; `worse` marks what got worse and is beyond a limit."""

    name: str
    before: str
    after: str
    worse: bool
    where: tuple[str, str] = ("", "")


class Live(NamedTuple):
    """The network as measured."""

    title: str
    figures: tuple[Figure, ...]
    drawing: Drawing
    bands: list[tuple[str, str]]
    rows: tuple[LinkRow, ...]
    worst: tuple[Worst, ...]
    failures: int
    limit: float
    samples: int
    health: tuple[tuple[str, str], ...]
    autonomy: str
    because: str


class TrialBase(NamedTuple):
    """What every trial starts from: the state as it is measured, and what the twin says of it. Made once a look."""

    network: Network
    outcome: Outcome
    figures: StateFigures
    harm: Harm
    limit: float


class TriedView(NamedTuple):
    """What would be, against what is."""

    words: tuple[str, ...]
    pairs: tuple[Pair, ...]
    drawing: Drawing
    bands: list[tuple[str, str]]
    moved: tuple[tuple[str, str, str], ...]
    rows: tuple[LinkRow, ...]
    milliseconds: float = 0.0


def arrow(link: str | None) -> str:
    """Write a direction of a circuit as people do: `Hamburg → Schwerin`."""
    return "none" if link is None else on_screen(link)


def as_measured(run_state: RunState) -> Network:
    """The network under the measured traffic, with what is measured to be down: what nobody can wish away."""
    state = run_state.look().network
    for element in down_elements(run_state.look()):
        state = with_fault(state, failure(element))
    return state


def trial_base(run_state: RunState) -> TrialBase:
    """Make what trials on the newest look start from."""
    network, limit = as_measured(run_state), run_state.policy.max_utilisation
    outcome = simulate(network)
    return TrialBase(network, outcome, figures(outcome, limit), outcome.harm(limit), limit)


def live_view(run_state: RunState, *, when: str) -> Live:
    """Put what is measured now into figures, rows and a drawing."""
    status, observation, limit = network_status(run_state), run_state.look(), run_state.policy.max_utilisation
    load = [float(x) if np.isfinite(x) else -1.0 for x in utilisation(observation)]
    down = down_elements(observation)
    busiest = f"busiest link {status.busiest or 'none'} at {share(status.max_utilisation)}"
    title = f"{run_state.inventory.name} at {when}: {busiest}"
    cases = _failures(as_measured(run_state)) if len(run_state.inventory.nodes) <= _SWEPT else ()
    standing, report = run_state.standing, run_state.assessment.report
    score = "unknown" if run_state.fidelity.score is None else f"{run_state.fidelity.score:.2f}"
    return Live(
        title=title,
        figures=_figures(run_state, down),
        drawing=draw(run_state.inventory, Look(title, load, down=down, limit=limit, fault=next(iter(down), None))),
        bands=bands(limit),
        rows=link_rows(run_state.inventory, load, limit),
        worst=tuple(_worst(x) for x in cases[:_WORST]),
        failures=len(cases),
        limit=limit,
        samples=observation.samples,
        health=(
            ("Data quality", f"{report.score:.2f}, at least {run_state.policy.min_quality:.2f}"),
            ("Fidelity of the twin", f"{score}, at least {run_state.policy.fidelity_for_act:.2f} to act"),
            ("Doubted readings", _doubted(report)),
        ),
        autonomy="approve" if standing.level == "act" and run_state.policy.people_for("low") else standing.level,
        because=on_screen(standing.because),
    )


def live_within(live: Live, network: Network, links: Sequence[bool], nodes: Sequence[bool]) -> Live:
    """Return a look without the links and nodes that somebody may not see; its figures are of what is left."""
    seen = {arrow(x.name) for x, kept in zip(network.links, links, strict=True) if kept}
    names = {x.name for x, kept in zip(network.nodes, nodes, strict=True) if kept}
    rows = tuple(x for x in live.rows if x.name in seen)
    full = [x.share for x in rows if x.share is not None]
    over, busiest = sum(x > live.limit for x in full), rows[0] if full else None
    title = f"{counted(len(names), 'nodes')} and {counted(len(seen), 'links')} that you may see"
    down = sum(x.state == "down" for x in live.drawing.dots if x.name in names)
    figures = (
        Figure("Busiest link", busiest.text if busiest else "none", busiest.name if busiest else "", "network_status"),
        Figure("Above the limit", counted(over, "links"), stated(live.limit), "network_status", "crit" if over else ""),
        Figure("Nodes down", str(down), f"of {len(names)}", "network_status: down", "crit" if down else ""),
    )
    drawn = live.drawing._replace(
        halves=tuple(x for x, kept in zip(live.drawing.halves, links, strict=True) if kept),
        dots=tuple(x for x in live.drawing.dots if x.name in names),
        names=tuple(x for x in live.drawing.names if x.text in names),
        marks=(),
        figures=(),
        keys=live.drawing.keys & names,
        title=title,
    )
    left = {"title": title, "figures": figures, "drawing": drawn, "rows": rows, "because": ""}
    return live._replace(**left, worst=(), failures=0)


def link_rows(network: Network, load: Sequence[float], limit: float) -> tuple[LinkRow, ...]:
    """Every link, the fullest first; a negative load is one that was not measured."""
    order = sorted(range(len(load)), key=lambda i: (-load[i], i))
    return tuple(
        LinkRow(
            name=arrow(network.links[i].name),
            share=None if load[i] < 0 else load[i],
            band=band(load[i], limit),
            text=f"{100 * load[i]:.1f} %" if load[i] >= 0 else "not measured",
            traffic=mbps(load[i] * network.links[i].capacity) if load[i] >= 0 else "",
            capacity=capacity(network.links[i].capacity),
        )
        for i in order
    )


def try_out(base: TrialBase, *, fail: Sequence[str], drain: Sequence[str], grow: float) -> TriedView:
    """Simulate a state with elements failed and drained, and its demands grown, against the state as it is.

    Raises `UnknownElementError` on a name that is none, and what making the changes raises.
    """
    if not 0.1 <= grow <= 10:
        raise InputError(f"demands times {grow:g}", fix="give a factor of 0.1 to 10")
    network, before, limit = base.network, base.outcome, base.limit
    drained, failed = _named(network, drain, find_elements), _named(network, fail, find_failing)
    after_state = apply_all(network, [_drain(x) for x in drained])
    for element in failed:
        after_state = with_fault(after_state, failure(element))
    if grow != 1:
        after_state = after_state.with_demands(after_state.demands * grow)
    after = simulate(after_state) if failed or drained or grow != 1 else before
    load = [float(x) for x in after.utilisation]
    title = f"Predicted: busiest link {after.busiest or 'none'} at {share(after.max_utilisation)}"
    return TriedView(
        words=(
            *(f"{on_screen(short(x))} fails" for x in failed),
            *(f"{on_screen(short(x))} is drained" for x in drained),
            *((f"demands times {grow:g}",) if grow != 1 else ()),
        ),
        pairs=pairs(base.figures, figures(after, limit), (base.harm, after.harm(limit)), limit),
        drawing=draw(after_state, Look(title, load, down=failed, limit=limit)),
        bands=bands(limit),
        moved=_moved(before, after),
        rows=link_rows(network, load, limit),
    )


def pairs(before: StateFigures, after: StateFigures, harm: tuple[Harm, Harm], limit: float) -> tuple[Pair, ...]:
    """The figures of two states side by side, `harm` that of both."""
    over = after.max_utilisation > limit
    return (
        Pair(
            "Busiest link",
            f"{100 * before.max_utilisation:.1f} %",
            f"{100 * after.max_utilisation:.1f} %",
            over and after.max_utilisation > before.max_utilisation,
            (arrow(before.busiest), arrow(after.busiest)),
        ),
        *(
            Pair(name, mbps(a), mbps(b), b > a + 0.5)
            for name, a, b in (
                ("Above the limit", harm[0].overload, harm[1].overload),
                ("Lost", harm[0].routable - harm[0].overload, harm[1].routable - harm[1].overload),
                ("From or to what is down", harm[0].severed, harm[1].severed),
            )
        ),
        Pair("Mean delay", f"{before.mean_delay_ms:.3f} ms", f"{after.mean_delay_ms:.3f} ms", worse=False),
    )


def _named(network: Network, names: Sequence[str], find: Callable[[Network, str], tuple[str, ...]]) -> tuple[str, ...]:
    found = [x for name in names if name.strip() for x in find(network, name.strip())]
    return tuple(dict.fromkeys(found))


def _drain(element: str) -> Change:
    return DrainNode(node=element) if element.startswith("node/") else DrainLink(circuit=element)


def _moved(before: Outcome, after: Outcome) -> tuple[tuple[str, str, str], ...]:
    if before.utilisation.shape != after.utilisation.shape:
        return ()
    change = after.utilisation - before.utilisation
    order = sorted(range(len(change)), key=lambda i: (-abs(change[i]), i))[:_ROWS]
    return tuple(
        (
            arrow(before.network.links[i].name),
            f"{100 * before.utilisation[i]:.1f} %",
            f"{100 * after.utilisation[i]:.1f} %",
        )
        for i in order
        if abs(change[i]) > 1e-4
    )


def _figures(run_state: RunState, down: Sequence[str]) -> tuple[Figure, ...]:
    status, limit = network_status(run_state), run_state.policy.max_utilisation
    parts = status.harm_parts
    lost = max(0.0, parts.routable - parts.overload)
    nodes = [x for x in down if x.startswith("node/")]
    circuits = len(down) - len(nodes)
    up = f"{counted(status.nodes, 'nodes')}, {counted(status.circuits, 'circuits')} up"
    named = ", ".join([*(place(x) for x in nodes[:2]), *([counted(circuits, "circuits")] if circuits else [])])
    return (
        Figure(
            "Busiest link",
            f"{100 * status.max_utilisation:.1f} %",
            arrow(status.busiest),
            f"network_status, measured, mean of {status.samples} samples, snapshot {status.snapshot}",
            "crit" if status.max_utilisation >= limit else "",
        ),
        Figure(
            "Above the limit",
            mbps(parts.overload),
            f"{stated(limit)} of each link",
            f"network_status: harm, {parts.model_dump_json()}",
            "crit" if parts.overload > 0.5 else "",
        ),
        Figure(
            "Lost",
            mbps(lost),
            f"and {mbps(parts.severed)} from or to what is down" if parts.severed > 0.5 else "on the way",
            f"network_status: harm but for what is above the limit, {parts.model_dump_json()}",
            "crit" if lost > 0.5 else "",
        ),
        Figure(
            "Down",
            counted(len(nodes), "nodes") if nodes else counted(circuits, "circuits") if down else "nothing",
            (named if nodes else up) or up,
            "network_status: down",
            "crit" if down else "",
        ),
    )


def _doubted(report: QualityReport) -> str:
    """How many readings are doubted, and of the least trusted ones where and why."""
    worst = list(dict.fromkeys(f"{place(x.element)} {x.reading.replace('_', ' ')}" for x in report.doubts))[:2]
    more = ", …" if report.doubted > len(worst) else ""
    return f"{report.doubted}: {', '.join(worst)}{more}" if worst else str(report.doubted)


def _failures(network: Network) -> tuple[FailureCase, ...]:
    """Every single failure, the one that hurts most first."""
    return study(network, single_failures(network)).failures


def _worst(case: FailureCase) -> Worst:
    hurt = [f"{mbps(x)} {what}" for x, what in ((case.lost, "cut off"), (case.overload, "above capacity")) if x > 0.5]
    where = ", ".join((arrow(case.busiest), *hurt))
    return Worst(place(case.failure), case.failure, f"{100 * case.max_utilisation:.0f} %", where)
