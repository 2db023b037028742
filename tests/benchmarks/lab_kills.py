"""Runs and changes on real routers that are killed, and taken up again: nothing twice, nothing half.

After a line of any record of a run, at every moment in which it makes its changes, or at each of every kind of change:

python -m tests.benchmarks.lab_kills --network synthetic/5-2 --every 7
python -m tests.benchmarks.lab_kills moments --network synthetic/5-2
python -m tests.benchmarks.lab_kills changes --network synthetic/5-2
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from agents.run.request import RunRequest
from tests.agents.killed import Killer, killer
from tests.twin.live.lab.killed_hand import sweep as sweep_change
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.provision import in_small
from twin.gate.verdict import verify
from twin.live.effects import Intended, Made
from twin.live.lab.features import missing, probe
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Rates, design_of
from twin.live.lab.network import LabNetwork
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, Plan, SetWeight, UndrainLink, UndrainNode, apply_all
from twin.policy import Policy

_RESUMED = 6


class Kill(NamedTuple):
    """One kill: after which line or moment, how the run ended, and what is wrong with the network, empty if nothing."""

    line: int
    outcome: str
    wrong: str


def plan_for(network: Network) -> Plan:
    """A weight that moves nothing much, and the first circuit that may be drained, at both its ends."""
    weight = SetWeight(link=network.links[0].name, weight=network.links[0].weight + 1)
    for circuit in network.circuits:
        steps = weight, DrainLink(circuit=circuit)
        plan = Plan(goal="A weight and a drain, as asked.", base=network.id, steps=steps, objective="change")
        if verify(plan, network, Policy()).passed:
            return plan
    raise SystemExit(f"no circuit of {network.name} may be drained: name another network")


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
    """Set everything as it was; returns how many lines of effects there are then."""
    live = LabNetwork(lab, lab.record)
    for circuit in {x.circuit for x in live.read_topology().links if x.drained}:
        live.apply(UndrainLink(circuit=circuit))
    for now, was in zip(live.read_topology().links, before.links, strict=True):
        if now.weight != was.weight:
            live.apply(SetWeight(link=was.name, weight=was.weight))
    live.wait(4)
    return len(live.effects.lines)


def killed_at(
    line: int, processes: Killer, lab: Lab, asked: dict[str, Any], before: Network, plan: Plan, *, moments: bool
) -> Kill:
    """Kill a run after one line or moment, take it up until it ends, and look at the network."""
    seen = restore(lab, before)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if moments:
            first = processes.strike_moment(folder, asked, line)
        else:
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
        if (
            journal.read_bytes().count(b"\n") == 1
        ):  # cut off between its first record and the home's: to be started again
            return Kill(line, "", wrong_with(lab, before, plan.steps, "", seen))
        return Kill(line, "does not end", "it cannot be taken up")


@contextmanager
def a_small_lab(network: str, *, exits: bool = False) -> Generator[Lab]:
    """A lab for this purpose, gone afterwards."""
    whole = load_network(network)
    whole = with_drawn_exits(whole, seed=1, capacity=10.0) if exits else whole
    small = in_small(whole, capacity=10.0, peak_utilisation=0.5)
    rates = Rates(interval_s=1.0, probe_packets=10)
    lab, _ = up(design_of(small, name=f"kills-{os.getpid() % 10_000}", igp="isis", seed=1, rates=rates))
    try:
        yield lab
    finally:
        lab.down()


def sweep_changes(network: str) -> list[Kill]:
    """Kill every kind of change that a lab makes, at each of its moments."""
    kills: list[Kill] = []
    with a_small_lab(network, exits=True) as lab:
        live = LabNetwork(lab, lab.record)
        live.wait(6)
        before = live.read_topology()
        link, leaving = before.links[0], before.links[before.exits[0]]
        for change, undo in (
            (SetWeight(link=link.name, weight=link.weight + 1), SetWeight(link=link.name, weight=link.weight)),
            (DrainLink(circuit=link.circuit), UndrainLink(circuit=link.circuit)),
            (DrainNode(node=link.tail), UndrainNode(node=link.tail)),
            (DrainLink(circuit=leaving.circuit), UndrainLink(circuit=leaving.circuit)),
        ):
            for forth, back in ((change, undo), (undo, change)):
                if forth == undo:
                    live.apply(change)
                wrong = sweep_change(lab, forth, back)
                kills += [Kill(i, str(forth), x) for i, x in enumerate(wrong, start=1)]
                print(
                    json.dumps({"change": str(forth), "kills": len(wrong), "wrong": [x for x in wrong if x]}),
                    flush=True,
                )
                live = LabNetwork(lab, lab.record)
            live.apply(undo)
    return kills


def sweep(network: str, every: int, first: int = 1, *, moments: bool = False) -> tuple[int, list[Kill]]:
    """How many lines a run writes that nobody kills, or moments it has, and a kill after every so manyth of them."""
    with a_small_lab(network) as lab:
        live = LabNetwork(lab, lab.record)
        live.wait(6)
        before = live.read_topology()
        plan = plan_for(before)
        asked = RunRequest(network=before.name, seed=1, site=f"lab:{lab.name}", plan=plan).model_dump(mode="json")
        with tempfile.TemporaryDirectory() as name, killer(Path(name) / "home") as processes:
            whole = processes.strike_line("run", Path(name) / "whole", asked, None)
            if "outcome" not in whole:
                raise SystemExit(f"the run that nobody kills does not end: {whole}")
            total = whole["moments" if moments else "lines"]
            print(json.dumps({x: whole[x] for x in ("outcome", "lines", "moments")}), flush=True)
            kills: list[Kill] = []
            for line in range(first, total + 1, every):
                kills.append(killed_at(line, processes, lab, asked, before, plan, moments=moments))
                print(json.dumps(kills[-1]._asdict()), flush=True)
            return total, kills


def main() -> int:
    """Sweep, and say how many kills left something wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("at", nargs="?", choices=("lines", "moments", "changes"), default="lines")
    parser.add_argument("--network", default="synthetic/5-2")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    lacking = missing(probe())
    if lacking:
        print(f"no lab on this machine: {lacking}", file=sys.stderr)
        return 2
    if options.at == "changes":
        kills = sweep_changes(options.network)
        total = len(kills)
    else:
        total, kills = sweep(options.network, options.every, options.first, moments=options.at == "moments")
    wrong = [x for x in kills if x.wrong]
    print(f"{len(kills)} kills at {len(kills)} of {total} {options.at}: {len(wrong)} left something wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
