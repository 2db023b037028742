"""The reading that would tell the likeliest causes apart best, and how to take it.

What a reading would show is simulated under each hypothesis; the information it is expected to give is how far it is
expected to lower the entropy of the posterior [Lindley 1956], were it read without noise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from twin.live.network import Configuration, ProbeReading
from twin.model import Floats, Frozen, Ints
from twin.observe.expect.balance import link_ends
from twin.observe.expect.expectation import Expectation
from twin.observe.expect.probing import probe_error
from twin.observe.readings.observation import Observation
from twin.observe.readings.readback import read_back
from twin.observe.readings.samples import Samples
from twin.printed import short

from .configured import expected_items
from .density import student
from .diagnose import TEMPER
from .diagnosis import Diagnosis, Hypothesis
from .likelihood import judge
from .simulated_hypothesis import SimulatedHypothesis

MeasurementKind = Literal["probe", "configuration", "counter", "wait"]
_LEAST_CONFIDENCE, _MOST = 0.01, 6
_SURE = 0.99
_LEAST_INFORMATION = 0.01  # nats
_CLEAR = 0.01  # loss above which a probe's delay tells more about queues than about paths
_ALL_PAIRS, _NODES = 40, 30
_TRUTHFUL, _UNTRUTHFUL = 0.95, 0.02
_COST: dict[MeasurementKind, float] = {"probe": 0.0, "configuration": 0.0, "counter": 0.02, "wait": 0.03}
"""Nats that a measurement must give more than one that takes seconds, because it takes a sample's time."""


class MeasuredOutcome(Frozen):
    """What a measurement should show if a hypothesis is true: a loss share and a delay, lines, or Mbit/s."""

    hypothesis: str
    shows: str


class Measurement(Frozen):
    """A reading to take. `source` and `target` are node ids; `element` a node's or an interface's id."""

    kind: MeasurementKind
    source: str | None = None
    target: str | None = None
    element: str | None = None
    information: float = Field(ge=0, description="Nats that it is expected to tell about which hypothesis is true.")
    outcomes: tuple[MeasuredOutcome, ...] = ()

    def __str__(self) -> str:
        match self.kind:
            case "probe":
                return f"probe from {short(self.source or '')} to {short(self.target or '')}"
            case "configuration":
                return f"read the configuration of {short(self.element or '')}"
            case "counter":
                return f"read the counters of {short(self.element or '')}"
            case "wait":
                return "wait for one more sample"


class _Case(NamedTuple):
    """The hypotheses in question: their shares, and what each predicts of the readings and of other probes."""

    hypotheses: tuple[Hypothesis, ...]
    share: Floats  # [k], sums to 1
    judged: tuple[SimulatedHypothesis, ...]


def next_measurement(diagnosis: Diagnosis, observation: Observation) -> Measurement | None:
    """The most telling next measurement among probes, configurations, counters and one more sample.

    None when one hypothesis is as good as sure, or when nothing that could be measured tells them apart.
    """
    chosen = [x for x in _apart(diagnosis.hypotheses[:_MOST]) if x.confidence > _LEAST_CONFIDENCE]
    if len(chosen) < 2 or chosen[0].confidence > _SURE:
        return None
    asked = _with_probes(observation, _pairs_in_question(observation, chosen))
    expectation = Expectation(asked)
    share = np.array([x.confidence for x in chosen])
    case = _Case(tuple(chosen), share / share.sum(), tuple(judge(asked, expectation, x.faults) for x in chosen))
    found = [*_probe(case), *_configuration(case), *_counter(case), *_wait(case)]
    best = max(found, key=lambda x: x.information - _COST[x.kind], default=None)
    return best if best is not None and best.information > _LEAST_INFORMATION else None


def _apart(hypotheses: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    """Every hypothesis by itself: those that readings cannot tell apart, a configuration may; they share evenly."""
    for one in hypotheses:
        share = one.confidence / (1 + len(one.twins))
        for faults in (one.faults, *one.twins)[:_MOST]:
            yield one.model_copy(update={"faults": faults, "confidence": share})


def with_probe(observation: Observation, source: str, target: str, reading: ProbeReading) -> Observation:
    """The observation with one more probed pair, measured in its newest sample. Raises `UnknownElementError`."""
    pair = np.array([[observation.network.node(source), observation.network.node(target)]])
    seen = _with_probes(observation, pair)
    loss, delay = seen.window.probe_loss.copy(), seen.window.probe_delay_ms.copy()
    loss[-1, -1], delay[-1, -1] = reading
    return replace(seen, window=seen.window._replace(probe_loss=loss, probe_delay_ms=delay))


def with_configuration(observation: Observation, router: str, configuration: Configuration) -> Observation:
    """The observation with what one router says of its configuration. Raises `UnknownElementError`."""
    name = observation.network.nodes[observation.network.node(router)].name
    return with_configurations(observation, {name: configuration})


def with_configurations(observation: Observation, said: Mapping[str, Configuration]) -> Observation:
    """The observation with what routers, by name, said of their own configuration."""
    kept = (x for x in observation.readbacks if x.router not in said)
    return replace(observation, readbacks=(*kept, *read_back(observation.inventory, said)))


def _pairs_in_question(observation: Observation, hypotheses: Sequence[Hypothesis]) -> Ints:
    """Pairs worth a probe [p, 2]: all of a small network, of a large one those from or to what is suspected."""
    network, n = observation.network, len(observation.network.nodes)
    nodes = np.arange(n)
    if n <= _ALL_PAIRS:
        pairs = np.argwhere(~np.eye(n, dtype=bool))
    else:
        suspects = np.array(sorted({network.node(x) for y in hypotheses for x in _named(y)}), dtype=np.int64)
        ends = link_ends(network)
        degree = np.bincount(ends.tail, minlength=n)
        others = np.unique(np.concatenate([suspects, np.argsort(-degree, kind="stable")[:_NODES]]))
        grid = np.zeros((n, n), dtype=bool)
        grid[np.ix_(suspects, others)] = grid[np.ix_(others, suspects)] = True
        grid[nodes, nodes] = False
        pairs = np.argwhere(grid)
    answered = observation.answered
    return pairs[answered[pairs[:, 0]] & ~_steered(observation, pairs)].astype(np.int64)


def _steered(observation: Observation, pairs: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    network, n = observation.network, len(observation.network.nodes)
    ends = [network.node(x.source) * n + network.node(x.target) for x in network.tunnels]
    return np.isin(pairs[:, 0] * n + pairs[:, 1], np.array(ends, dtype=np.int64))


def _named(hypothesis: Hypothesis) -> Iterator[str]:
    """Nodes that a hypothesis is about."""
    for fault in hypothesis.faults:
        for element in filter(None, (fault.element, fault.target)):
            kind, _, rest = element.partition("/")
            if kind == "node":
                yield rest
            elif kind == "interface":
                yield rest.split("/")[0]
            elif kind == "link":
                yield from (end.partition(":")[0] for end in rest.split("--"))


def _with_probes(observation: Observation, pairs: Ints) -> Observation:
    """The observation with more probed pairs, nothing measured of them yet."""

    def more(samples: Samples) -> Samples:
        blank = np.full((len(samples.time), len(pairs)), np.nan)
        return samples._replace(
            probe_source=np.concatenate([samples.probe_source, pairs[:, 0]]),
            probe_target=np.concatenate([samples.probe_target, pairs[:, 1]]),
            probe_loss=np.hstack([samples.probe_loss, blank]),
            probe_delay_ms=np.hstack([samples.probe_delay_ms, blank]),
        )

    return replace(observation, window=more(observation.window), past=more(observation.past))


def _information(share: Floats, score: Floats) -> Floats:
    """Expected fall of the entropy, nats [...]; `score[k, j, ...]` is how j fares, in nats, if k is true."""
    shape = (1, -1) + (1,) * (score.ndim - 2)
    with np.errstate(divide="ignore"):
        log_weight = TEMPER * score + np.log(share).reshape(shape)
    log_weight = log_weight - log_weight.max(axis=1, keepdims=True)
    after = np.exp(log_weight)
    after /= after.sum(axis=1, keepdims=True)
    left = -np.sum(after * np.log(np.maximum(after, 1e-300)), axis=1)
    before = -float(np.sum(share * np.log(np.maximum(share, 1e-300))))
    return np.maximum(before - np.tensordot(share, left, axes=(0, 0)), 0.0)


def _probe(case: _Case) -> Iterator[Measurement]:
    probes = case.judged[0].observation.probes
    through = np.stack([x.readings.through for x in case.judged])
    delay = np.stack([x.readings.delay_ms for x in case.judged])
    told = _information(case.share, _probe_scores(case))
    told = np.where(np.isfinite(probes.loss), 0.0, told)  # those that are measured anyway tell no more
    if not told.size:
        return
    i, nodes = int(np.argmax(told)), case.judged[0].state.nodes
    shows = [
        f"loss {100 * (1 - x):.0f} %" + (f", {y:.1f} ms" if np.isfinite(y) and x > 0 else "")
        for x, y in zip(through[:, i], delay[:, i], strict=True)
    ]
    yield Measurement(
        kind="probe",
        source=nodes[int(probes.source[i])].id,
        target=nodes[int(probes.target[i])].id,
        information=float(told[i]),
        outcomes=_outcomes(case, shows),
    )


def _configuration(case: _Case) -> Iterator[Measurement]:
    """Ask a router for its configuration, unless it was asked since the fault can have struck."""
    seen = case.judged[0].observation
    since = float(seen.window.time[0]) - seen.interval_s
    known = {x.router for x in seen.readbacks if x.taken > since}
    lines = [expected_items(seen.network, x.faults) for x in case.hypotheses]
    for router in sorted({name for items in lines for name, _ in items} - known):
        mine = [frozenset(item for name, item in items if name == router) for items in lines]
        same = np.array([[a == b for b in mine] for a in mine])
        shows = [
            ", ".join(f"{x.kind} {short(x.element)} {short(x.target)}".strip() for x in sorted(y)) or "nothing"
            for y in mine
        ]
        score: Floats = np.where(same, float(np.log(_TRUTHFUL)), float(np.log(_UNTRUTHFUL))) / TEMPER
        yield Measurement(
            kind="configuration",
            element=f"node/{router}",
            information=float(_information(case.share, score)),
            outcomes=_outcomes(case, shows),
        )


def _counter(case: _Case) -> Iterator[Measurement]:
    """Read one interface again: the one whose load the hypotheses differ about the most."""
    told = _information(case.share, _load_scores(case))
    if told.size:
        i = int(np.argmax(told))
        yield Measurement(
            kind="counter",
            element=case.judged[0].state.links[i].interface,
            information=float(told[i]),
            outcomes=_outcomes(case, [f"{x.readings.arrived[i]:.0f} Mbit/s" for x in case.judged]),
        )


def _wait(case: _Case) -> Iterator[Measurement]:
    """One more sample of everything that is measured now."""
    known = np.isfinite(case.judged[0].observation.probes.loss)
    score = _load_scores(case).sum(axis=2) + _probe_scores(case)[:, :, known].sum(axis=2)
    yield Measurement(kind="wait", information=float(_information(case.share, score)))


def _probe_scores(case: _Case) -> Floats:
    """How a probe of each pair would fare under j if k is true, nats [k, j, p]."""
    lost = 1 - np.stack([x.readings.through for x in case.judged])
    late = np.stack([x.readings.delay_ms for x in case.judged])
    error = np.stack([x.readings.delay_error_ms for x in case.judged])
    told = probe_error(np.nan_to_num(lost), case.judged[0].observation.declared)
    loss = student(np.nan_to_num(lost[:, None] - lost[None]) / told[None])
    clear = np.isfinite(late) & (lost < _CLEAR)
    both = clear[:, None] & clear[None]
    apart = np.where(clear, late, 0.0)
    return loss + np.where(both, student((apart[:, None] - apart[None]) / error[None]), 0.0)


def _load_scores(case: _Case) -> Floats:
    """How the load of each link in one more sample would fare under j if k is true, nats [k, j, m]."""
    single = np.sqrt(case.judged[0].observation.samples)
    arrived = np.stack([x.readings.arrived for x in case.judged])
    sigma = np.stack([x.readings.sigma for x in case.judged]) * single
    return student((arrived[:, None] - arrived[None]) / sigma[None]) - np.log(sigma / sigma[:1])[None]


def _outcomes(case: _Case, shows: Sequence[str]) -> tuple[MeasuredOutcome, ...]:
    return tuple(MeasuredOutcome(hypothesis=x.name, shows=y) for x, y in zip(case.hypotheses, shows, strict=True))
