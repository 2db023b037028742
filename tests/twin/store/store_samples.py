"""A small network and what the emulator measures on it, for the tests of the store."""

import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from twin.formats import load_network
from twin.gate.verdict import Check, Verdict
from twin.live.emulated import EmulatedNetwork
from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.plan import DrainLink, Plan, SetWeight

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


NETWORK = load_network("synthetic/8-1")


PLAN = Plan(
    goal="relieve",
    base=NETWORK.id,
    steps=(SetWeight(link=NETWORK.links[0].name, weight=7), DrainLink(circuit=NETWORK.links[4].circuit)),
)


VERDICT = Verdict(
    plan=PLAN.hash,
    snapshot=NETWORK.id,
    policy="0" * 16,
    checks=(Check(name="grounded", passed=True, detail="all exist"),),
)


def in_another_process(script, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def measured(hours=2):
    live = EmulatedNetwork(NETWORK, seed=3, start=NOW)
    live.wait(12 * hours)
    telemetry = live.read_telemetry(datetime(2000, 1, 1, tzinfo=UTC))
    gaps = telemetry.links.out_mbps.copy()
    gaps[::7] = np.nan
    events = tuple(event._replace(time=round(event.time * 1e6) / 1e6) for event in telemetry.events)
    return replace(telemetry, links=telemetry.links._replace(out_mbps=gaps), events=events)


def rows(telemetry):
    return sum(len(x.time) for x in series(telemetry)) + len(telemetry.events)


def series(telemetry):
    measured = (telemetry.links, telemetry.nodes, telemetry.probes, telemetry.traffic)
    return (*measured, telemetry.interfaces, telemetry.flows)


def part(telemetry, low, high):
    """What was measured in (low, high]."""

    def cut(samples):
        inside = (samples.time > low) & (samples.time <= high)
        return type(samples)(*(column[inside] for column in samples))

    events = tuple(event for event in telemetry.events if low < event.time <= high)
    links, nodes, probes, traffic, interfaces, flows = map(cut, series(telemetry))
    return Telemetry(links, nodes, probes, traffic, events, interfaces, flows)


def empty():
    none, zero, no = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return Telemetry(
        LinkSamples(none, zero, none, none, none, no),
        NodeSamples(none, zero, no),
        ProbeSamples(none, zero, zero, none, none),
        TrafficSamples(none, zero, zero, none),
        (),
    )


def equal(one, other):
    pairs = zip(series(one), series(other), strict=True)
    return one.events == other.events and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for x, y in pairs for a, b in zip(x, y, strict=True)
    )
