"""Questions with exact answers: what the simulator says against what networkx says, computed from the definitions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

import networkx as nx
import numpy as np
from pydantic import JsonValue

from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import Check, Metric, Suite, Workplace, rounds, scaled
from evals.oracle.carried import Failed, carried, crossing, failures
from evals.score.series import close
from twin.errors import InputError
from twin.formats import load_network
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, SetWeight, apply
from twin.sim.simulate import Failure, Outcome, simulate, single_failures
from twin.study.growth import growth_headroom

Answer = JsonValue
_TIE = 1e-6


class Question(NamedTuple):
    """What is asked of a network: elements that fail, changes that are made, a link and a pair of nodes."""

    kind: str
    network: Network
    links: tuple[str, ...]  # circuits by id, drawn
    node: str
    link: str
    pair: tuple[str, str]
    change: Change
    written: Answer = None


def _stage(case: Case, workplace: Workplace) -> Question:
    del workplace
    network, rng = scaled(load_network(case.network), case), np.random.default_rng([case.seed, 41])
    network = _hop_count(network) if case.seed % 2 else network
    if case.kind not in _ASKED:
        raise InputError(f"no question of kind {case.kind!r}", fix=f"kinds: {', '.join(_ASKED)}")
    circuits = [str(x) for x in rng.choice(sorted(network.circuits), 2, replace=False)]
    node = network.nodes[int(rng.integers(len(network.nodes)))]
    link = network.links[int(rng.integers(len(network.links)))]
    pairs: list[list[int]] = np.argwhere(network.offered > 0).tolist()
    s, t = pairs[int(rng.integers(len(pairs)))]
    weight = SetWeight(link=link.name, weight=int(link.weight + rng.integers(1, 400)))
    change: Change = (weight, DrainLink(circuit=circuits[0]), DrainNode(node=node.name))[int(rng.integers(3))]
    pair = (network.nodes[s].name, network.nodes[t].name)
    written = case.expect.answer if case.expect else None
    return Question(case.kind, network, tuple(circuits), node.name, link.name, pair, change, written)


def _by_twin(question: Question) -> Answer:
    return _ASKED[question.kind][0](question)


def _by_path(question: Question) -> Answer:
    """A model of one shortest path a demand and no equal paths: what many spreadsheets do."""
    return _ASKED[question.kind][1](question._replace(network=_without_ties(question.network)))


def score(question: Question, answer: Answer) -> Measures:
    """Exact for names and sets, to a millionth for figures; the truth is computed here."""
    truth = question.written if question.written is not None else _ASKED[question.kind][1](question)
    right = _same(answer, truth)
    return Measures(right, {"right": float(right)}, str(answer), f"{question.kind}: {truth}")


def _as_written(wanted: Answer, question: Question, answer: Answer) -> bool:
    del question
    return _same(answer, wanted)


def _same(answer: Any, truth: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(truth, float | int) and not isinstance(truth, bool):
        return isinstance(answer, float | int) and close(float(answer), float(truth))
    if isinstance(truth, dict) and isinstance(answer, dict):
        mine, true = cast("dict[str, JsonValue]", answer), cast("dict[str, JsonValue]", truth)
        return mine.keys() == true.keys() and all(_same(mine[name], true[name]) for name in true)
    if isinstance(truth, list) and isinstance(answer, list):
        return sorted(map(str, cast("list[object]", answer))) == sorted(map(str, cast("list[object]", truth)))
    return bool(answer == truth)


def _sim(question: Question, *failing: str) -> Outcome:
    """The state with these elements down."""
    network = question.network
    down = set(failing)
    nodes = tuple(x._replace(up=x.up and x.id not in down) for x in network.nodes)
    struck = tuple(x._replace(up=x.up and x.circuit not in down) for x in network.links)
    return simulate(replace(network, nodes=nodes, links=struck))


def _circuits(network: Network) -> tuple[Failure, ...]:
    return tuple(x for x in single_failures(network) if not x.nodes)


def _cut_by_twin(question: Question) -> Answer:
    delay, network = _sim(question, *question.links).delay_ms, question.network
    pairs = np.argwhere(np.isinf(delay) & (network.offered > 0)).tolist()
    return [f"{network.nodes[s].name}->{network.nodes[t].name}" for s, t in pairs]


def _cut_by_oracle(question: Question) -> Answer:
    both = Failed("both", links=frozenset(question.links))
    return [f"{a}->{b}" for a, b in carried(question.network, both).lost]


def _peaks(outcome: Mapping[str, float]) -> Answer:
    """The busiest links, all of them where they tie, and how busy."""
    peak = max(outcome.values())
    links: list[JsonValue] = [*sorted(name for name, x in outcome.items() if x > peak - _TIE)]
    return {"links": links, "utilisation": peak}


def _named(outcome: Outcome) -> dict[str, float]:
    return {link.name: float(x) for link, x in zip(outcome.network.links, outcome.utilisation, strict=True)}


def _worst_by_twin(question: Question) -> Answer:
    sweep = simulate(question.network, failures=_circuits(question.network)).sweep
    assert sweep is not None  # noqa: S101 - failures were given
    return {"utilisation": float(sweep.max_utilisation.max()), "lost": float(sweep.lost.max())}


def _worst_by_oracle(question: Question) -> Answer:
    network = question.network
    states = [carried(network, x) for x in failures(network) if x.links]
    index = network.node_index
    lost = [sum(float(network.offered[index[a], index[b]]) for a, b in state.lost) for state in states]
    return {"utilisation": max(state.peak for state in states), "lost": max(lost)}


def _headroom_by_twin(question: Question) -> Answer:
    network = question.network
    return growth_headroom(network, limit=1.0, failures=_circuits(network)).factor


def _headroom_by_oracle(question: Question) -> Answer:
    states = [carried(question.network), *(carried(question.network, x) for x in failures(question.network) if x.links)]
    return 1 / max(state.peak for state in states)


def _users_by_twin(question: Question) -> Answer:
    """Who uses a link: pairs whose demand, alone, loads it."""
    network, found = question.network, list[str]()
    position = network.link(question.link)
    for s, t in np.argwhere(network.offered > 0).tolist():
        alone = np.zeros_like(network.demands)
        alone[s, t] = 1.0
        if simulate(network.with_demands(alone)).load[position] > 0:
            found.append(f"{network.nodes[s].name}->{network.nodes[t].name}")
    return list(found)


def _users_by_oracle(question: Question) -> Answer:
    return [f"{a}->{b}" for a, b in crossing(question.network, question.link)]


def _delay_by_twin(question: Question) -> Answer:
    index = question.network.node_index
    return float(simulate(question.network).delay_ms[index[question.pair[0]], index[question.pair[1]]])


def _bridges_by_twin(question: Question) -> Answer:
    network = question.network
    sweep = simulate(network, failures=_circuits(network)).sweep
    assert sweep is not None  # noqa: S101 - failures were given
    return [x.name for x, lost in zip(sweep.failures, sweep.lost, strict=True) if lost > 0]


def _bridges_by_oracle(question: Question) -> Answer:
    """From graph theory alone: circuits that are the only way between two parts."""
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    firsts = [(name, question.network.links[links[0]]) for name, links in question.network.circuits.items()]
    for name, x in firsts:
        graph.add_edge(x.tail, x.head, name)
    return [name for name, x in firsts if not _joined(graph, x.tail, x.head, name)]


def _joined(graph: "nx.MultiGraph[str]", a: str, b: str, without: str) -> bool:
    rest = graph.copy()
    rest.remove_edge(a, b, without)
    return bool(nx.has_path(rest, a, b))


def _changed(question: Question) -> Question:
    return question._replace(network=apply(question.network, question.change))


_ASKED: dict[str, tuple[Callable[[Question], Answer], Callable[[Question], Answer]]] = {
    "busiest link": (lambda q: _peaks(_named(simulate(q.network))), lambda q: _peaks(carried(q.network).utilisation)),
    "one circuit down": (
        lambda q: _peaks(_named(_sim(q, q.links[0]))),
        lambda q: _peaks(carried(q.network, Failed("one", links=frozenset(q.links[:1]))).utilisation),
    ),
    "one node down": (
        lambda q: _peaks(_named(_sim(q, f"node/{q.node}"))),
        lambda q: _peaks(carried(q.network, Failed("one", node=q.node)).utilisation),
    ),
    "cut by two": (_cut_by_twin, _cut_by_oracle),
    "after a change": (
        lambda q: _peaks(_named(simulate(_changed(q).network))),
        lambda q: _peaks(carried(_changed(q).network).utilisation),
    ),
    "worst single failure": (_worst_by_twin, _worst_by_oracle),
    "growth headroom": (_headroom_by_twin, _headroom_by_oracle),
    "who uses a link": (_users_by_twin, _users_by_oracle),
    "delay of a demand": (_delay_by_twin, lambda q: carried(q.network).delay[q.pair]),
    "single points of failure": (_bridges_by_twin, _bridges_by_oracle),
}
KINDS = tuple(_ASKED)


def _hop_count(network: Network) -> Network:
    """The network with every weight 1: full of equal paths."""
    return replace(network, links=tuple(x._replace(weight=1) for x in network.links))


def _without_ties(network: Network) -> Network:
    """The network with weights so long that no two paths are equal."""
    links = tuple(x._replace(weight=min(x.weight * 97 + i, 2**24)) for i, x in enumerate(network.links))
    return replace(network, links=links)


def _draw(split: Split) -> Iterator[Case]:
    return rounds("whatif", KINDS, split)


SUITE = Suite(
    name="whatif",
    purpose="questions with exact answers about failures, changes, growth, delay; networkx knows the truth",
    draw=_draw,
    stage=_stage,
    systems={"twin": _by_twin, "one path a demand": _by_path},
    score=score,
    metrics=(Metric("right answers", "share", "right", bar=1.0),),
    cases=300,
    slice=20,
    checks={"answer": Check(_as_written)},
)
