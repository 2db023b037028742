"""How much of what loads say counts: an error of a measured demand is on every link of its way, and is one error."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from twin.observe.expect.balance import demand_variance
from twin.observe.expect.expectation import Expectation
from twin.observe.readings.observation import Observation

from .simulated_hypothesis import SimulatedHypothesis

if TYPE_CHECKING:
    from twin.observe.expect.along_paths import DemandErrors


class SharedErrors:
    """What errors the links of one observation have in common."""

    def __init__(self, observation: Observation, expectation: Expectation) -> None:
        self._observation, self._expectation = observation, expectation

    def counted(self, one: SimulatedHypothesis, other: SimulatedHypothesis) -> float:
        """Share of the difference of two log likelihoods of the loads that counts, 0..1.

        Loads are scored link by link, as if each erred by itself. What that says of a difference d of two predictions
        is `H = sum d^2 / sigma^2`; the true variance `J` of that score, `sum r d / sigma^2` of residuals r, holds what
        the links of a demand's way share. `H / J` takes out what was counted more than once: the adjustment of a
        composite likelihood's magnitude (Pauli, Racugno and Ventura, Statistica Sinica 21, 2011). On a large network
        a demand goes over many links, and what is one error of the flow export would speak a dozen times.
        """
        from twin.observe.expect.along_paths import DemandErrors, weighed_variance
        from twin.observe.expect.splits import on_legs

        from .forwarding.routed import routed

        residuals = one.residuals
        known = np.isfinite(residuals.measured)
        moved = np.where(known, other.residuals.predicted - residuals.predicted, 0.0)
        score = moved / residuals.sigma**2
        plain = float((score * moved).sum())
        if plain <= 0:
            return 1.0
        arrays, routing = routed(residuals.prediction.network)
        variance, shared = residuals.sigma**2, self._expectation.shared_variance(residuals)
        # where less is hashed than in what was simulated, or is left of the load, demands bring that much less error
        value = np.zeros(arrays.head.size)
        value[arrays.arc_of] = score * np.sqrt(variance / np.maximum(shared, variance))
        errors = self._errors
        if arrays.tunnels.source.size:
            errors = DemandErrors(*(np.add(*on_legs(arrays, routing.paths.dist, x)) for x in errors))
        apart = float((score**2 * np.maximum(variance - shared, 0.0)).sum())
        true = apart + weighed_variance(arrays, routing.paths, value, errors)
        return min(1.0, plain / true) if true > 0 else 1.0

    @cached_property
    def _errors(self) -> "DemandErrors":
        from twin.observe.expect.along_paths import DemandErrors

        seen, (noise, hashing) = self._observation, self._expectation.calibration
        hashed = (noise * hashing) ** 2 * seen.declared.concentration * seen.network.offered**2
        measured = noise**2 * demand_variance(seen)
        return DemandErrors(np.ascontiguousarray(measured.T), np.ascontiguousarray(hashed.T))
