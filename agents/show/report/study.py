"""A planner's study of failures as one self-contained page, in the style of a run's report."""

from collections.abc import Sequence
from pathlib import Path

from agents.wording import counted, mbps, on_screen, share, short, stated
from twin.files import write_text
from twin.model import Network
from twin.study.demands import DemandCase
from twin.study.failures import GrowthCase, Study

from .cards import Card
from .map import Drawing, Look, bands, draw
from .page import environment

_ROWS = 100  # failures and demands shown; the JSON output has them all


def write_study(
    path: Path, network: Network, study: Study, demands: Sequence[DemandCase], *, failure_limit: float = 1.0
) -> None:
    """Write the page whole or not at all. Raises `InputError` when the place cannot be written."""
    write_text(path, render_study(network, study, demands, failure_limit=failure_limit))


def render_study(network: Network, study: Study, demands: Sequence[DemandCase], *, failure_limit: float = 1.0) -> str:
    """Return the page; `failure_limit` is the limit on utilisation under a failure. The same study, the same text."""
    return (
        environment()
        .get_template("study.html.j2")
        .render(
            network=network,
            study=study,
            demands=demands,
            failure_limit=failure_limit,
            headline=_headline(study, failure_limit),
            cards=_cards(study, demands),
            pictures=_pictures(network, study, failure_limit),
            shown_failures=study.failures[:_ROWS],
            shown_demands=demands[:_ROWS],
        )
    )


def _headline(study: Study, limit: float) -> str:
    if not study.failures:
        return f"With everything up the busiest link is at {share(study.max_utilisation)}."
    bad = sum(case.max_utilisation > limit + 1e-9 or case.lost > 0 for case in study.failures)
    if not bad:
        return f"All {len(study.failures)} failures keep every link within {stated(limit)} and cut nothing off."
    return f"{bad} of {len(study.failures)} failures push a link above {stated(limit)} or cut traffic off."


def _cards(study: Study, demands: Sequence[DemandCase]) -> list[Card]:
    limit = study.growth.limit
    tone = "good" if study.max_utilisation <= limit else "bad"
    shown = [
        Card("Busiest link", share(study.max_utilisation), note=on_screen(study.busiest or "no traffic"), tone=tone)
    ]
    if study.failures and study.links:
        worst, most = study.links[0], max(study.failures, key=lambda case: case.lost)
        cause = short(worst.worst_failure) if worst.worst_failure else "with everything up"
        tone = "bad" if worst.headroom < 0 else "good"
        shown.append(
            Card("Worst case", share(worst.worst_utilisation), note=on_screen(f"{worst.link}, {cause}"), tone=tone)
        )
        cut = short(most.failure) if most.lost > 0 else "every failure leaves every pair of nodes that are up a path"
        shown.append(
            Card("Most traffic cut off", mbps(most.lost), note=on_screen(cut), tone="bad" if most.lost > 0 else "good")
        )
    shown += [_growth("Growth that fits", study.growth), _growth("Under failures too", study.growth_under_failures)]
    if demands:
        cut_off = sum(case.cut_by > 0 for case in demands)
        shown.append(Card("Demands cut", str(cut_off), note=f"of {len(demands)}", tone="bad" if cut_off else "good"))
    return shown


def _growth(name: str, growth: GrowthCase) -> Card:
    if growth.factor is None:
        return Card(name, "any", note="no growth fills a link", tone="good")
    cause = f", {short(growth.failure)}" if growth.failure else ""
    note = on_screen(f"then {growth.link} is at {stated(growth.limit)}{cause}")
    return Card(name, f"{growth.factor:.3f} times", note=note, tone="good" if growth.factor >= 1 else "bad")


def _pictures(network: Network, study: Study, failure_limit: float) -> list[tuple[Drawing, list[tuple[str, str]]]]:
    """Each map with the bands of its legend: the limit is another one when something fails."""
    limits = study.growth.limit, failure_limit
    return [(drawing, bands(limit)) for drawing, limit in zip(_drawings(network, study, limits), limits, strict=False)]


def _drawings(network: Network, study: Study, limits: tuple[float, float]) -> list[Drawing]:
    cases = {case.link: case for case in study.links}
    ordered = [cases[link.name] for link in network.links]
    quiet = Look("With everything up, predicted", [case.utilisation for case in ordered], limit=limits[0])
    intact = draw(network, quiet)
    if not study.failures:
        return [intact]
    title = f"Worst case of {counted(len(study.failures), 'failures')}, predicted"
    worst = draw(network, Look(title, [case.worst_utilisation for case in ordered], limit=limits[1]))
    causes = (f", {short(case.worst_failure)}" if case.worst_failure else "" for case in ordered)
    halves = (half._replace(title=half.title + cause) for half, cause in zip(worst.halves, causes, strict=True))
    return [intact, worst._replace(halves=tuple(halves))]
