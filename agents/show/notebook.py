"""Networks, outcomes, plans and verdicts as a notebook shows them: the map and the tables of a run's report.

Each comes in a frame of its own, so that its style is not the notebook's, and the other way round.
"""

from html import escape

from agents.wording import sentence, share
from twin.gate.verdict import Verdict
from twin.model import Network
from twin.plan import Plan
from twin.policy import Policy
from twin.sim.simulate import Outcome, simulate

from .report.map import Drawing, Look, bands, draw
from .report.page import environment

_LIMIT = Policy().max_utilisation
_LEGEND, _ROW = 110, 46  # pixels


def as_html(shown: object) -> str:
    """Draw a network, an outcome, a plan or a verdict. The same object gives the same text."""
    match shown:
        case Network():
            outcome = simulate(shown)
            return _map(outcome, f"{shown.name}: {_size(shown)}, {_busiest(outcome)}")
        case Outcome():
            return _map(shown, f"{shown.network.name}: {_busiest(shown)}, {shown.lost:.4g} Mbit/s lost")
        case Plan():
            steps = [sentence(step) for step in shown.steps]
            return _frame("plan", 90 + _ROW * len(steps), plan=shown, steps=steps)
        case Verdict():
            return _frame("verdict", 90 + _ROW * len(shown.checks), verdict=shown, policy=Policy())
        case _:
            raise TypeError(f"no drawing of a {type(shown).__name__}")


def _map(outcome: Outcome, title: str) -> str:
    drawing = draw(outcome.network, Look(title, [float(x) for x in outcome.utilisation], limit=_LIMIT))
    return _frame("map", round(drawing.height) + _LEGEND, drawing=drawing, bands=bands(_LIMIT), width=_wide(drawing))


def _wide(drawing: Drawing) -> int:
    return round(drawing.width) + 20


def _size(network: Network) -> str:
    return f"{len(network.nodes)} nodes, {len(network.circuits)} circuits"


def _busiest(outcome: Outcome) -> str:
    if outcome.busiest is None:
        return "no link carries traffic"
    return f"busiest link {outcome.busiest} at {share(outcome.max_utilisation)}, predicted"


def _frame(kind: str, height: int, **shown: object) -> str:
    page = environment().get_template("notebook.html.j2").render(kind=kind, **{"width": 900, **shown})
    style = f"width:100%;max-width:{shown.get('width', 900)}px;height:{height}px;border:0"
    return f'<iframe srcdoc="{escape(page)}" style="{style}" title="{kind}" sandbox=""></iframe>'
