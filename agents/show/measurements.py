"""What the commands that look at measurements answer: data quality, forecasts, causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic import JsonValue
from rich.console import RenderableType

from agents.wording import faults_words, hypothesis_words, mbps, short, written
from twin.errors import InputError
from twin.formats import load_network
from twin.formats.load import load_reading
from twin.formats.measurements.part import Options
from twin.model import Network
from twin.observe.observe import observe
from twin.observe.quality.assess import Assessment, assess_observation
from twin.observe.quality.fidelity import Fidelity, fidelity_of
from twin.observe.quality.standing import data_refusal, standing
from twin.observe.readings.files import Measured, is_twin, read_measured, read_twin, table_kind, unnamed
from twin.observe.readings.imported import Files, options_for
from twin.observe.readings.intake import take_in
from twin.policy import Policy
from twin.printed import counted, utc
from twin.untrusted import one_line

from .answer import OK, REJECTED, Answer
from .tables import text_table

if TYPE_CHECKING:
    from twin.diagnose import Diagnosis
    from twin.diagnose.diagnosis import Fact
    from twin.diagnose.next_measurement import Measurement
    from twin.forecast import Forecast
    from twin.forecast.sources import PairSeries
    from twin.observe import Observation
    from twin.observe.quality.plausible import Doubt
    from twin.observe.quality.report import QualityReport

_DOUBTS, _EVIDENCE = 12, 4


class Brought(NamedTuple):
    """What is said of files of measurements, and the tables that say what is meant in them."""

    said: Options = Options()
    ports: Path | None = None
    prefixes: Path | None = None


def judge_quality(
    sources: Sequence[Path],
    network: str | None,
    policy: Policy,
    *,
    interval_s: float,
    brought: Brought | None = None,
) -> Answer:
    """Score what was measured and name what is doubted; the code says whether the policy would plan on it.

    Traffic matrices alone are checked for what they can be checked for: bins that are missing, holes and spikes.
    """
    if _matrices_alone(sources):
        from twin.observe.quality.matrices import quality_of_file

        found = quality_of_file(sources[0], _named(network, sources), interval_s=interval_s)
        code = OK if found.score >= policy.min_quality else REJECTED
        return Answer(_json(found.model_dump(mode="json")), found.lines, code)
    measured = measured_in(sources, network, brought)
    observation, assessment = _assessed(measured)
    return told_quality(assessment, fidelity_of(observation, known=assessment), policy)


def told_quality(assessment: Assessment, fidelity: Fidelity, policy: Policy) -> Answer:
    """Tell how far measurements can be trusted; the code says whether the policy would plan on them."""
    refusal = data_refusal(assessment.report, policy)
    level = standing(assessment.report, fidelity, policy)
    document = _json(
        {
            **assessment.report.model_dump(mode="json"),
            "fidelity": fidelity.model_dump(mode="json"),
            "min_quality": policy.min_quality,
            "planned_on": refusal is None,
            "autonomy": level.level,
            "because": level.because,
        }
    )
    text = _quality_lines(assessment.report, fidelity, refusal or level.because)
    return Answer(document, text, OK if refusal is None else REJECTED)


def forecast_demand(
    sources: Sequence[Path],
    network: str | None,
    ahead_min: Sequence[float],
    *,
    interval_s: float,
    top: int,
    said: Options | None = None,
) -> Answer:
    """Forecast the traffic in a twin file or in a file of matrices, with intervals and how good they were lately."""
    from twin.forecast import measured_series
    from twin.forecast.sources import file_series

    if len(sources) != 1:
        raise InputError("a forecast is made of one file", fix="give a twin file, or one file of traffic matrices")
    if is_twin(sources[0]):
        measured = read_twin(sources[0], _maybe(network))
        pairs = measured_series(measured.network, measured.telemetry, now=measured.now)
    else:
        pairs = file_series(sources[0], _named(network, sources), interval_s=interval_s, said=said)
    return told_forecast(pairs, ahead_min, top=top)


def told_forecast(pairs: PairSeries, ahead_min: Sequence[float], *, top: int) -> Answer:
    """Forecast series of demands by pair, and tell the largest."""
    from twin.forecast import forecast

    horizons = tuple(dict.fromkeys(max(1, round(x * 60 / pairs.series.interval_s)) for x in ahead_min))
    found = forecast(pairs.series, horizons=horizons, groups=(pairs.source, pairs.target))
    largest = sorted(range(len(found.names)), key=lambda i: (-found.values[-1, i], found.names[i]))[:top]
    rows: list[JsonValue] = [_pair(found, i) for i in largest]
    return Answer(
        _json({**found.report.model_dump(mode="json"), "largest": rows}),
        _forecast_lines(found, largest),
    )


def find_causes(
    sources: Sequence[Path], network: str | None, policy: Policy, *, top: int, brought: Brought | None = None
) -> Answer:
    """Rank what can have caused the newest measurements, with evidence, doubt and the measurement that would decide.

    The code says whether there is a fault, or whether that cannot be told.
    """
    from twin.diagnose import diagnose

    measured = measured_in(sources, network, brought)
    observation, assessment = _assessed(measured)
    return told_causes(diagnose(observation), observation, assessment, policy, top=top)


def told_causes(
    found: Diagnosis, observation: Observation, assessment: Assessment, policy: Policy, *, top: int
) -> Answer:
    """Tell the ranked causes, and the measurement that would tell them apart best."""
    from twin.diagnose.next_measurement import next_measurement

    asked = next_measurement(found, observation)
    refusal = data_refusal(assessment.report, policy)
    document = _json(
        {
            "network": observation.inventory.name,
            "time": observation.time.isoformat(),
            "samples": observation.samples,
            "data_quality": assessment.report.score,
            "answer": found.doubt is None,
            "finding": found.finding,
            **found.model_dump(mode="json"),
            "next_measurement": asked.model_dump(mode="json") if asked else None,
        }
    )
    code = OK if found.finding == "nothing measured" else REJECTED
    return Answer(document, _cause_lines(found, asked, observation, refusal, top), code)


def measured_in(sources: Sequence[Path], network: str | None, brought: Brought | None = None) -> Measured:
    """Read measurements from a twin file or from tables of one network."""
    brought = brought or Brought()
    if network is None:
        return read_measured(sources, None, brought.said)
    reading = load_reading(network)
    files = Files(sources, brought.ports, brought.prefixes)
    return read_measured(sources, reading.network, options_for(reading, brought.said, files))


def _maybe(network: str | None) -> Network | None:
    return load_network(network) if network else None


def _named(network: str | None, sources: Sequence[Path]) -> Network:
    if not network:
        raise unnamed(sources)
    return load_network(network)


def _matrices_alone(sources: Sequence[Path]) -> bool:
    if len(sources) != 1 or is_twin(sources[0]):
        return False
    try:
        return table_kind(sources[0]) == "traffic"
    except InputError:
        return True  # a file of matrices may name its columns otherwise: its own reader says what is wrong with it


def _assessed(measured: Measured) -> tuple[Observation, Assessment]:
    usable, intake = take_in(measured.telemetry, measured.now)
    observation = observe(measured.network, usable, now=measured.now)
    return observation, assess_observation(observation, intake)


def _quality_lines(report: QualityReport, fidelity: Fidelity, because: str) -> Iterator[RenderableType]:
    yield from map(one_line, (report.lines[0], *(f"exports of {name} are off" for name in report.demand.nodes)))
    parts = ", ".join(f"{name} {score:.2f}" for name, score in report.parts.items())
    yield f"parts: {parts}"
    earlier = f", {fidelity.earlier:.3f} before" if fidelity.earlier is not None else ""
    if fidelity.score is None:
        yield "fidelity unknown: the traffic is estimated from the very loads that it would be held against"
    else:
        what = "share of the load that the inventory under this traffic explains"
        yield f"fidelity {fidelity.score:.3f}{earlier}: {what}"
    if report.doubts:
        headings = ("trust>", "element", "reading", "measured>", "should be>", "why")
        rows = [
            (f"{x.trust:.2f}", short(x.element), x.reading, _datum(x, x.measured), _datum(x, x.expected), x.reason)
            for x in report.doubts[:_DOUBTS]
        ]
        yield text_table(headings, rows)
    if report.doubted > _DOUBTS:
        yield f"and {report.doubted - _DOUBTS} more"
    yield from map(one_line, report.limits)
    yield one_line(because or "good enough to plan and to act on", 400)


def _forecast_lines(found: Forecast, largest: Sequence[int]) -> Iterator[RenderableType]:
    yield from (one_line(line, 300) for line in found.report.lines)
    headings = ("pair", *(f"+{x.ahead_s / 60:g} min>" for x in found.report.horizons), "90 % interval of the last>")
    rows = [(found.names[i], *(mbps(float(x)) for x in found.values[:, i]), _interval(found, i)) for i in largest]
    yield text_table(headings, rows)


def _cause_lines(
    found: Diagnosis, asked: Measurement | None, observation: Observation, refusal: str | None, top: int
) -> Iterator[RenderableType]:
    seen = f"{one_line(observation.inventory.name)} at {utc(observation.time)}"
    samples, simulated = counted(observation.samples, "samples"), counted(found.simulated, "hypotheses")
    yield f"{seen}, {samples} of one state; {simulated} simulated"
    rows = [
        (str(rank), faults_words(x.faults), f"{100 * x.confidence:.1f} %", f"{x.residual:.2f}")
        for rank, x in enumerate(found.hypotheses[:top], start=1)
    ]
    yield text_table(("rank>", "cause", "probability>", "unexplained>"), rows)
    from twin.diagnose.reading_words import figure

    best = found.hypotheses[0]
    for fact in sorted(best.evidence, key=lambda x: -x.gain)[:_EVIDENCE]:
        shown = [figure(fact.quantity, x) for x in (fact.measured, fact.predicted, fact.healthy)]
        yield f"  {_what(fact)}: measured {shown[0]}, the first cause gives {shown[1]}, healthy {shown[2]}"
    if best.alike:
        yield f"no reading tells it from {_alternatives(best.alike)}"
    hard = [x for x in best.indistinguishable if x not in best.alike]
    if hard:
        yield f"these readings hardly tell it from {_alternatives(hard)}"
    if found.unexplained:
        yield f"unexplained even so: {', '.join(map(_what, found.unexplained[:_EVIDENCE]))}"
    if found.doubt:
        yield f"no answer: {one_line(found.doubt, 300)}"
    elif best.faults:
        yield f"answer: {faults_words(best.faults)}"
    else:
        yield "answer: nothing measured distinguishes this from a healthy network"
    if asked is not None:
        yield f"next: {asked}; it would tell {asked.information:.2f} nats"
        yield from (f"  {one_line(x.shows)} if {hypothesis_words(x.hypothesis)}" for x in asked.outcomes[:_EVIDENCE])
    if refusal:
        yield one_line(refusal, 400)


def _alternatives(names: Sequence[str]) -> str:
    return "; ".join(map(hypothesis_words, names[:_EVIDENCE]))


def _what(fact: Fact) -> str:
    from twin.diagnose.reading_words import READINGS

    return f"{short(fact.element)}: {READINGS[fact.quantity][0]}"


def _pair(found: Forecast, i: int) -> JsonValue:
    ends = [None if x != x else float(x) for x in (found.low[-1, i], found.high[-1, i])]
    return {"pair": found.names[i], "mbps": [float(x) for x in found.values[:, i]], "low": ends[0], "high": ends[1]}


def _interval(found: Forecast, i: int) -> str:
    low, high = found.low[-1, i], found.high[-1, i]
    return "none" if low != low else f"{mbps(float(low))} to {mbps(float(high))}"


def _datum(doubt: Doubt, value: float | None) -> str:
    """A datum with its unit: a rate, a state, how many directions there are, or a factor on what was exported."""
    if value is None:
        return "none"
    if doubt.reading == "status" and (doubt.expected or 0) > 1:
        return counted(round(value), "directions")
    if doubt.reading == "status":
        return "up" if value else "down"
    return f"{written(value, 4)} times" if doubt.reading == "exports" else mbps(value)


def _json(document: dict[str, object]) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", document)
