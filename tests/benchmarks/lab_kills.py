"""A run on real routers that is killed after a line of any record, and taken up again: nothing twice, nothing half.

python -m tests.benchmarks.lab_kills --network synthetic/6-2 --every 7
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from agents.run.request import RunRequest
from tests.agents.killed import Killer, killer
from twin.formats import load_network
from twin.formats.provision import in_small
from twin.live.effects import Intended, Made
from twin.live.lab.features import missing, probe
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Rates, design_of
from twin.live.lab.network import LabNetwork
from twin.model import Network
from twin.plan import Change, Plan, SetWeight, apply_all

_RESUMED = 6


class Kill(NamedTuple):
    """One kill: after which line, how the run ended then, and what is wrong with the network, empty if nothing is."""

    line: int
    outcome: str
    wrong: str


def plan_for(network: Network) -> Plan:
    """Two weights that move nothing much, as somebody asks for them."""
    steps = tuple(SetWeight(link=network.links[i].name, weight=network.links[i].weight + 1) for i in (0, 5))
    return Plan(goal="Two weights, as asked.", base=network.id, steps=steps, objective="change")


def wrong_with(lab: Lab, before: Network, steps: tuple[Change, ...], outcome: str, seen: int) -> str:
    """What does not hold of a lab after a run: `seen` lines of its effects were there before."""
    live = LabNetwork(lab, lab.record)
    network, running = live.read_topology(), live.read_configuration().network
    lines = live.effects.lines[seen:]
    made = {x.effect for x in lines if isinstance(x, Made)}
    changes = [x.change for x in lines if isinstance(x, Intended) and x.effect in made]
    if live.effects.open_effect is not None:
        return "a change is on record of which nobody knows whether it was made"
    if running != network:
        return "the routers run something else than is on record"
    if network not in (before, apply_all(before, steps)):
        return f"half of the plan is in place after {outcome}"
    if (network != before) != (outcome in ("resolved", "improved", "changed")) and outcome:
        return f"{outcome}, and the plan is {'not ' if network == before else ''}in place"
    twice = [x for x in steps if changes.count(x) > 1]
    return f"made twice: {twice[0]}" if twice else ""


def restore(lab: Lab, before: Network) -> int:
    """Set every weight as it was; returns how many lines of effects there are then."""
    live = LabNetwork(lab, lab.record)
    for now, was in zip(live.read_topology().links, before.links, strict=True):
        if now.weight != was.weight:
            live.apply(SetWeight(link=was.name, weight=was.weight))
    live.wait(4)
    return len(live.effects.lines)


def killed_at(line: int, processes: Killer, lab: Lab, asked: dict[str, Any], before: Network, plan: Plan) -> Kill:
    """Kill a run after one line, take it up until it ends, and look at the network."""
    seen = restore(lab, before)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = processes.strike_line("run", folder, asked, line)
        if first["signal"] == 0:
            return Kill(line, first["outcome"], wrong_with(lab, before, plan.steps, first["outcome"], seen))
        journal = next((folder / "runs").glob("*/journal.jsonl"), None) if (folder / "runs").exists() else None
        if journal is None or not journal.read_bytes().strip():
            return Kill(line, "", wrong_with(lab, before, plan.steps, "", seen))  # before anything was done
        for _ in range(_RESUMED):
            told = processes.strike_line("resume", folder, asked, None)
            if "outcome" in told:
                return Kill(line, told["outcome"], wrong_with(lab, before, plan.steps, told["outcome"], seen))
        return Kill(line, "does not end", "it cannot be taken up")


def sweep(network: str, every: int, first: int = 1) -> tuple[int, list[Kill]]:
    """How many lines a run writes that nobody kills, and a kill after every so manyth of them."""
    small = in_small(load_network(network), capacity=10.0, peak_utilisation=0.5)
    rates = Rates(interval_s=1.0, probe_packets=10)
    lab, _ = up(design_of(small, name=f"kills-{os.getpid() % 10_000}", igp="isis", seed=1, rates=rates))
    try:
        live = LabNetwork(lab, lab.record)
        live.wait(6)
        before = live.read_topology()
        plan = plan_for(before)
        asked = RunRequest(network=before.name, seed=1, site=f"lab:{lab.name}", plan=plan).model_dump(mode="json")
        with tempfile.TemporaryDirectory() as name, killer(Path(name) / "home") as processes:
            whole = processes.strike_line("run", Path(name) / "whole", asked, None)
            if "outcome" not in whole:
                raise SystemExit(f"the run that nobody kills does not end: {whole}")
            print(json.dumps({"outcome": whole["outcome"], "lines": whole["lines"]}), flush=True)
            lines = range(first, whole["lines"] + 1, every)
            kills: list[Kill] = []
            for line in lines:
                kills.append(killed_at(line, processes, lab, asked, before, plan))
                print(json.dumps(kills[-1]._asdict()), flush=True)
            return whole["lines"], kills
    finally:
        lab.down()


def main() -> int:
    """Sweep, and say how many kills left something wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="synthetic/6-2")
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    lacking = missing(probe())
    if lacking:
        print(f"no lab on this machine: {lacking}", file=sys.stderr)
        return 2
    lines, kills = sweep(options.network, options.every, options.first)
    wrong = [x for x in kills if x.wrong]
    print(f"{len(kills)} kills after {len(kills)} of {lines} lines: {len(wrong)} left something wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
