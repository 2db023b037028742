"""What a run costs a model: calls, tokens, energy, from small networks to large ones."""

from collections.abc import Iterator

from evals.cases.case import Case, Split
from evals.cases.incident import Incident, Played, play, stage_incident
from evals.cases.result import Measures
from evals.cases.suite import SECONDS, SEEDS, Metric, Suite
from evals.cases.tokens import paid, reading, spending
from twin.faults import FaultKind

SIZES = {"dev": (12, 24, 48, 96), "held-out": (16, 32, 64, 128)}
_SMALL = 24
_MOST_TOKENS = 300_000
_SPENT = ("usd", "watt_hours")
_FAULTS = (FaultKind.LINK_DOWN, FaultKind.SILENT_LOSS)


def _agents(incident: Incident) -> Played:
    return play(incident, incident.case.model)


def score(incident: Incident, played: Played) -> Measures:
    """Estimated tokens of every conversation, to two digits: times and names differ a little from run to run."""
    spent, finished = spending(played.events), played.finished
    tokens = spent.input_tokens + spent.output_tokens
    small = len(incident.network.nodes) <= _SMALL
    values = {
        "model_calls": float(finished.model_calls),
        "tool_calls": float(finished.tool_calls),
        "thousand_tokens": float(f"{tokens / 1000:.2g}"),
        "small": float(small),
        "large": float(not small),
        "within": float(tokens <= _MOST_TOKENS),
    }
    values.update({name: value for name, value in paid(finished, incident.case.model).items() if name in _SPENT})
    told = f"{finished.model_calls} model calls, {tokens:,.0f} tokens, {finished.outcome}"
    measured = {**reading(played.events), **paid(finished, incident.case.model), **played.seconds}
    return Measures(bool(values["within"]), values, told, f"{len(incident.network.nodes)} nodes", measured,
                    str(played.result.folder), played.trace)  # fmt: skip


def _draw(split: Split) -> Iterator[Case]:
    sizes = SIZES[split]
    for number, seed in enumerate(SEEDS[split]):
        size, kind = sizes[number % len(sizes)], str(_FAULTS[(number // len(sizes)) % 2])
        yield Case(suite="cost", kind=kind, network=f"synthetic/{size}-{seed}", seed=seed, split=split)


SUITE = Suite(
    name="cost",
    purpose="calls, tokens, money and energy of a run, from small networks to large ones",
    draw=_draw,
    stage=stage_incident,
    systems={"agents": _agents},
    score=score,
    metrics=(
        Metric("model calls", "mean", "model_calls", higher=False),
        Metric("tool calls", "mean", "tool_calls", higher=False),
        Metric("thousand tokens, up to 24 nodes", "mean", "thousand_tokens", where="small", higher=False),
        Metric("thousand tokens, 48 nodes and more", "mean", "thousand_tokens", where="large", higher=False),
        Metric("within 300,000 tokens", "share", "within", bar=1.0),
        Metric("US dollars", "mean", "usd", higher=False),
        Metric("watt-hours", "mean", "watt_hours", higher=False),
        *SECONDS,
    ),
    cases=16,
    slice=1,
    agents=True,
)
