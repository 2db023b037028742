"""How a fault changes what is predicted, and what a family of faults offers to the engine.

A hypothesis is a tuple of faults, empty for a healthy network. The engine takes every hypothesis through three steps;
a kind of fault takes part in those that it changes, by its `Effect`:

1. **reread** (faults of the measurement): what the readings mean if this fault lies in them. It returns an observation
   with the readings put right: divided by the factor of a scaled counter, put back under the right names, NaN where a
   counter says nothing, the matrix divided by the factor of the export. Readings may not be explained away for free: a
   reading that becomes NaN adds what it said under the fault to `log_likelihood`, as a log density per Mbit/s that can
   be held against the Student density of `Likelihood.load`.
2. **state** (faults of the network): the network that the simulator is given, `with_fault` by default. Faults of the
   measurement leave it as it is, but those of the inventory (wrong capacity, stale topology) set what is true.
3. **readings** (faults that routing does not follow: blackholes, filters, missing members, loss after the counter;
   instruments that show more than loads: errors, adjacencies, probes, packets): changes the predicted `Readings` after
   the simulation. `Scene` holds what it may need; `Scene.network` carries the losses that were measured, so that
   `compile_network` and `route` on it give the paths and loads that `Readings.arrived` is from.

Every part is a pure function. A kind whose trace can be looked for in the measured arrays alone is declared with it in
`twin/faults/families/`. A family of kinds that need more, a simulation or the whole observation, is a module of
`twin/diagnose/candidates/` with

- `EFFECTS: dict[FaultKind, Effect]` for those of its kinds of which more is to be said than the state of a network can
  tell (any other has the effect that `twin/faults/families/` declares);
- `candidates(observation, judged) -> Iterator[Candidate]`: faults whose own trace is in what `judged` leaves
  unexplained, their severities estimated from the readings. `judged` is the healthy hypothesis at first; when a second
  fault is looked for, it is the best single fault, and `judged.faults`, `judged.residuals` and `judged.readings` say
  what is explained already. A family yields few: a fault is simulated for each, in a few milliseconds.

Log facts (`observation.events`) may make a candidate likelier by `Candidate.hint`, in nats; the engine clips it to
`HINT_BOUND`, so that forged lines cannot convict anybody, and a candidate needs a trace in the readings to be one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, Readings, with_fault, with_one_way_fault
from twin.live.network import Flags
from twin.model import Floats, Network
from twin.observe.expect.expectation import Expectation
from twin.observe.expect.prediction import Prediction
from twin.observe.readings.observation import Observation

HINT_BOUND = 4.0
"""Nats by which log lines can shift a hypothesis at most."""


class Candidate(NamedTuple):
    """A fault to simulate; `weights` are the values that route like the severity of a wrong weight."""

    fault: Fault
    weights: tuple[int, int] | None = None
    hint: float = 0.0  # nats that log facts speak for it, or against
    also: tuple[FaultKind, ...] = ()  # kinds that would leave the same telemetry at this element: one answer


class Scene(NamedTuple):
    """What a family may look at when it changes readings."""

    observation: Observation  # after `reread`
    state: Network  # after `state`, under the measured matrix
    network: Network  # the same with the measured losses as the loss of each link: what was simulated
    prediction: Prediction
    expectation: Expectation  # `expectation.residuals(network)` simulates another state under the same losses


class Reread(NamedTuple):
    """What the readings mean if a fault of the measurement is there."""

    observation: Observation
    log_likelihood: float = 0.0  # of the readings that were taken out, nats


def operational(state: Network) -> Floats:
    """1 for each link [m] whose interfaces are up in a state of the network, 0 for the others."""
    up, index = [node.up for node in state.nodes], state.node_index
    return np.array([float(x.up and not x.asleep and up[index[x.tail]] and up[index[x.head]]) for x in state.links])


Change = Callable[[Network, Fault], Network]


class Effect(NamedTuple):
    """What a kind of fault changes; by default what `with_fault` says, and nothing else.

    `planned` is the state that planning is given, where it is not the simulated one: the nearest honest one. `one_way`
    is the state where routers check no circuit both ways, if that is another. `void` tells of which probed pairs [p]
    the losses say nothing about the data, in the state of the observation's network.
    """

    state: Change = with_fault
    readings: Callable[[Readings, Fault, Scene], Readings] | None = None
    reread: Callable[[Observation, Fault], Reread] | None = None
    planned: Change | None = None
    one_way: Change | None = None
    void: Callable[[Observation, Fault], Flags] | None = None


def declared_effect(kind: FaultKind) -> Effect:
    """The effect of a kind as `twin/faults/families/` declares it."""
    declared = TRAITS[kind]
    change = declared.readings
    return Effect(
        state=declared.assumed or with_fault,
        readings=None if change is None else _by_state(change),
        planned=None if declared.astray is None else with_fault,
        one_way=with_one_way_fault if declared.deaf else None,
    )


def _by_state(change: Callable[[Readings, Network, Fault], Readings]) -> Callable[[Readings, Fault, Scene], Readings]:
    def changed(readings: Readings, fault: Fault, scene: Scene) -> Readings:
        return change(readings, scene.state, fault)

    return changed
