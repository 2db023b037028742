"""Networks, outcomes, plans and verdicts as a notebook shows them: the map and the tables of a run's report.

Each comes in a frame of its own, so that its style is not the notebook's, and the other way round.
"""

from html import escape

from agents.wording import counted, mbps, sentence, share, where
from twin.gate.verdict import Check, Verdict
from twin.model import Network
from twin.plan import Plan
from twin.policy import Policy
from twin.sim.simulate import Outcome, simulate

from .report.map import Drawing, Look, bands, draw
from .report.page import environment

_LIMIT = Policy().max_utilisation
_LEGEND, _STEP, _LINE, _CHECK = 110, 46, 21, 72  # pixels; a check stands on three lines: its words, and its name
_LETTERS = 55  # of a check's detail on a line


def as_html(shown: object) -> str:
    """Draw a network, an outcome, a plan or a verdict. The same object gives the same text."""
    match shown:
        case Network():
            outcome = simulate(shown)
            return _map(outcome, f"{shown.name}: {_size(shown)}, {_busiest(outcome)}")
        case Outcome():
            return _map(shown, f"{shown.network.name}: {_busiest(shown)}, {mbps(shown.lost)} cut off")
        case Plan():
            steps = [sentence(step) for step in shown.steps]
            return _frame("plan", 90 + _STEP * len(steps), plan=shown, steps=steps)
        case Verdict():
            return _frame("verdict", 90 + sum(map(_height, shown.checks)), verdict=shown, policy=Policy())
        case _:
            raise TypeError(f"no drawing of a {type(shown).__name__}")


def _map(outcome: Outcome, title: str) -> str:
    drawing = draw(outcome.network, Look(title, [float(x) for x in outcome.utilisation], limit=_LIMIT))
    return _frame("map", round(drawing.height) + _LEGEND, drawing=drawing, bands=bands(_LIMIT), width=_wide(drawing))


def _wide(drawing: Drawing) -> int:
    return round(drawing.width) + 20


def _size(network: Network) -> str:
    return f"{counted(len(network.nodes), 'nodes')}, {counted(len(network.circuits), 'circuits')}"


def _busiest(outcome: Outcome) -> str:
    if outcome.busiest is None:
        return "no link carries traffic"
    return f"busiest link {outcome.busiest} at {share(outcome.max_utilisation)}, predicted"


def _height(check: Check) -> int:
    told = (
        [check.detail] if check.passed or check.counterexample is None else [check.detail, where(check.counterexample)]
    )
    return max(_CHECK, 12 + _LINE * sum(-(-len(x) // _LETTERS) for x in told))


def _frame(kind: str, height: int, **shown: object) -> str:
    page = environment().get_template("notebook.html.j2").render(kind=kind, **{"width": 900, **shown})
    style = f"width:100%;max-width:{shown.get('width', 900)}px;height:{height}px;border:0"
    return f'<iframe srcdoc="{escape(page)}" style="{style}" title="{kind}" sandbox=""></iframe>'
