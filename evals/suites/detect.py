"""Whether something is wrong, and how soon it is noticed: every sample as it comes, with and without a fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from evals.cases.baselines import threshold_alarm
from evals.cases.case import Case, Split
from evals.cases.measured import draw_faults, emulate, network_of, open_stretch, split_kinds
from evals.cases.result import Measures
from evals.cases.suite import Metric, Suite, Workplace, rounds
from evals.oracle.traces import MOVED, shown
from twin.faults import Fault
from twin.live.network import Telemetry
from twin.model import Network
from twin.observe import find_symptoms, observe
from twin.observe.alarms.anomaly import Detector

HISTORY, WATCHED = 36, 6
"""Samples before the fault, three hours, and after it."""


class Frame(NamedTuple):
    """What is known at one sample: the inventory, the newest telemetry alone, and all that is kept."""

    inventory: Network
    newest: Telemetry
    kept: Telemetry


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, sample by sample; the fault strikes after `HISTORY` of them."""

    faults: tuple[Fault, ...]
    frames: tuple[Frame, ...]
    visible: bool


class Watched(NamedTuple):
    """Samples at which a system alarmed, counted from the onset: 1 is the first that can show it."""

    alarms: tuple[int, ...]


def _stage(case: Case, workplace: Workplace) -> Stretch:
    del workplace
    network = network_of(case)
    faults = case.faults if case.faults is not None else draw_faults(case, network)
    live = open_stretch(case, network)
    frames: list[Frame] = []
    for number in range(HISTORY + WATCHED):
        if number == HISTORY:
            for fault in faults:
                live.inject(fault)
        before = live.now
        live.wait()
        kept = live.read_telemetry(live.now - timedelta(hours=4))
        frames.append(Frame(live.read_topology(), live.read_telemetry(before), kept))
    untouched = emulate(case, network, (), before=HISTORY, after=WATCHED)[1]
    touched = live.read_telemetry(live.now - timedelta(days=1))
    topology = live.read_topology()
    seen = [shown(fault, topology, touched, untouched, samples=WATCHED) > MOVED for fault in faults]
    return Stretch(faults, tuple(frames), any(seen))


def _detector(stretch: Stretch) -> Watched:
    """Every reading against the twin and the recent past, at a stated rate of false alarms."""
    detector = Detector()
    alarms = [
        number - HISTORY + 1
        for number, frame in enumerate(stretch.frames)
        if detector.update(frame.inventory, frame.newest)
    ]
    return Watched(tuple(alarms))


def _symptoms(stretch: Stretch) -> Watched:
    """What the monitoring agent sees: symptoms of the newest samples, from the last one before the onset on."""
    watched = range(HISTORY - 1, HISTORY + WATCHED)
    return Watched(tuple(i - HISTORY + 1 for i in watched if _has_symptoms(stretch.frames[i])))


def _thresholds(stretch: Stretch) -> Watched:
    """Fixed thresholds, no twin."""
    watched = range(HISTORY - 1, HISTORY + WATCHED)
    frames = stretch.frames
    return Watched(tuple(i - HISTORY + 1 for i in watched if threshold_alarm(frames[i].inventory, frames[i].kept)))


def _has_symptoms(frame: Frame) -> bool:
    return bool(find_symptoms(observe(frame.inventory, frame.kept)))


def score(stretch: Stretch, watched: Watched) -> Measures:
    """An alarm once the fault is there is a detection; one without a fault, or before it, is false."""
    late = [number for number in watched.alarms if number >= 1]
    early = [number for number in watched.alarms if number < 1]
    faulty = bool(stretch.faults) and stretch.visible
    false = bool(early) or (not stretch.faults and bool(late))
    values = {
        "detected": float(faulty and bool(late)),
        "at_once": float(faulty and bool(late) and late[0] <= 3),
        "false": float(false),
        "faulty": float(faulty),
        "healthy": float(not stretch.faults),
    }
    if faulty and late:
        values["minutes"] = 5.0 * late[0]
    passed = bool(values["detected"]) if faulty else not false
    told = f"alarms at samples {', '.join(map(str, watched.alarms[:8])) or 'none'}"
    return Measures(passed, values, told, " and ".join(map(str, stretch.faults)) or "healthy")


def _draw(split: Split) -> Iterator[Case]:
    kinds = split_kinds(split)
    half = len(kinds) // 2
    return rounds("detect", (*kinds[:half], "healthy", *kinds[half:], "surprise", "healthy"), split)


SUITE = Suite(
    name="detect",
    purpose="whether something is wrong, how soon it is noticed, and how often nothing is taken for something",
    draw=_draw,
    stage=_stage,
    systems={"detector": _detector, "symptoms": _symptoms, "thresholds, no twin": _thresholds},
    score=score,
    metrics=(
        Metric("faults with a trace detected", "share", "detected", where="faulty", bar=0.9),
        Metric("detected within three samples", "share", "at_once", where="faulty"),
        Metric("minutes to an alarm", "mean", "minutes", higher=False),
        Metric("false alarms, healthy stretches of 3.5 h", "share", "false", where="healthy", higher=False, bar=0.05),
    ),
    cases=216,
    slice=18,
)
