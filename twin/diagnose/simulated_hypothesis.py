"""A hypothesis after its simulation: what it predicts, and how likely it makes each reading."""

from typing import NamedTuple

import numpy as np

from twin.faults import Fault, Readings
from twin.model import Floats, Network
from twin.observe.expect.expectation import Residuals
from twin.observe.readings.observation import Observation


class Likelihood(NamedTuple):
    """Log likelihood of every reading. m links, n nodes, p probed pairs."""

    load: Floats  # [m]
    drops: Floats  # [m]
    wire_loss: Floats  # [m]
    errors: Floats  # [m]
    oper_up: Floats  # [m]
    adjacent: Floats  # [m]
    counted: Floats  # [m]
    answers: Floats  # [n]
    probe_delay: Floats  # [p]
    probe_loss: Floats  # [p]
    demand_factor: Floats  # [n]
    packet_factor: Floats  # [n]
    balance: Floats  # [n]
    configured: Floats  # [n]
    peering: Floats  # [m]

    @property
    def total(self) -> float:
        """Sum over all readings."""
        return float(sum(term.sum() for term in self))


class SimulatedHypothesis(NamedTuple):
    """A hypothesis, simulated: what it predicts and how likely it makes the readings."""

    faults: tuple[Fault, ...]
    observation: Observation  # as the hypothesis reads it
    state: Network  # under the measured matrix
    residuals: Residuals
    readings: Readings
    likelihood: Likelihood
    taken_out: float  # log likelihood of the readings that the hypothesis takes out

    @property
    def total(self) -> float:
        """Log likelihood of all readings."""
        return self.likelihood.total + self.taken_out

    @property
    def gross(self) -> float:
        """Nats that the reading costs which is explained the worst."""
        return max(0.0, *(-float(term.min(initial=0.0)) for term in self._costs))

    def unheld(self, gross: float) -> float:
        """Nats that readings cost beyond this, those together that cost more."""
        return float(sum(np.maximum(-term - gross, 0.0).sum() for term in self._costs))

    @property
    def _costs(self) -> Likelihood:
        """What each reading costs, its normalisation left out; balances repeat loads, lines are no measure.

        One missed poll is none too unusual, and costs nothing.
        """
        known = np.isfinite(self.residuals.measured)
        load = np.where(known, self.likelihood.load + np.log(self.residuals.sigma), 0.0)
        unread = np.minimum(self.likelihood.counted - np.log(self.observation.usually_missed), 0.0)
        return self.likelihood._replace(load=load, counted=unread, balance=np.zeros(0), configured=np.zeros(0))

    def same_readings(self, other: "SimulatedHypothesis") -> bool:
        """Whether another hypothesis takes the same readings for true and predicts the same of all that is read."""
        return self.observation is other.observation and all(
            np.allclose(x, y, rtol=1e-9, atol=1e-9, equal_nan=True)
            for x, y in zip(self._read, other._read, strict=True)
        )

    @property
    def _read(self) -> Readings:
        """What is predicted, without the states that nobody tells and the wires that carry nothing to be counted."""
        seen, readings = self.observation, self.readings
        told, counted = np.isfinite(seen.adjacent) & seen.answered[seen.ends[0]], np.isfinite(seen.wire_loss)
        return readings._replace(
            up=readings.up[seen.told], adjacent=readings.adjacent[told], wire_loss=readings.wire_loss[counted]
        )
