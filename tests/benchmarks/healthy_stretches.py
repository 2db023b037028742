"""Healthy days with flash crowds and maintenance, diagnosed sample by sample: how often a fault is seen in them."""

from datetime import timedelta
from typing import NamedTuple

from tests.benchmarks.diagnosis_cases import BEFORE, network, start
from twin.diagnose import diagnose
from twin.live.emulated import EmulatedNetwork
from twin.live.surprises import draw_surprises
from twin.observe import observe


class Stretch(NamedTuple):
    """`wrong` observations were diagnosed as a fault without a doubt; an episode is a run of them."""

    observations: int
    wrong: int
    episodes: int
    days: float


def stretch(nodes: int, seed: int, days: float, *, every: int = 1) -> Stretch:
    """Watch a healthy network for some days, at every sample or at every so many."""
    inventory = network(nodes, seed)
    live = EmulatedNetwork(inventory, seed=seed, start=start(seed), retention=30)
    live.schedule(draw_surprises(inventory, seed, start=live.now, days=days))
    live.wait(BEFORE)
    number, answers = int(days * 288) // every, list[bool]()
    for _ in range(number):
        live.wait(every)
        telemetry = live.read_telemetry(live.now - timedelta(hours=3))
        found = diagnose(observe(live.read_topology(), telemetry, now=live.now))
        answers.append(bool(found.best.faults) and not found.abstains)
    episodes = sum(now and not before for before, now in zip([False, *answers], answers, strict=False))
    return Stretch(number, sum(answers), episodes, days)
