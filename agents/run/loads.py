"""The state of every link at one moment, as the journal records it."""

import numpy as np

from agents.record.events import LoadsTaken, Moment
from tools.topology import down_elements, utilisation
from twin.harm import Harm
from twin.model import Network
from twin.observe import Observation
from twin.observe.readings.with_gaps import mean
from twin.sim.simulate import simulate

_NEGLIGIBLE = 1e-4  # the service's choice: share of the offered traffic below which harm is nothing to act on
_NOISE = 1e-3  # the same of what is measured, however exact the instruments
_NEAR = 3.0  # standard errors from the limit within which a link may be read above it and is not


def measured(moment: Moment, observation: Observation, harm: Harm) -> LoadsTaken:
    """Take the loads that telemetry shows, with the harm that was measured."""
    load = utilisation(observation)
    known = np.nan_to_num(load)
    return LoadsTaken(
        moment=moment,
        source="telemetry",
        snapshot=observation.inventory.id,
        utilisation=_rounded(np.where(np.isfinite(load), load, -1.0).tolist()),
        down=down_elements(observation),
        max_utilisation=round(float(known.max(initial=0.0)), 4),
        busiest=observation.inventory.links[int(known.argmax())].name if known.any() else None,
        harm=round(harm.total, 3),
        harm_parts=harm.rounded(),
    )


def simulated(moment: Moment, network: Network, limit: float) -> LoadsTaken:
    """Take the loads that the twin computes."""
    outcome = simulate(network)
    harm = outcome.harm(limit)
    nodes = [node.id for node in network.nodes if not node.up]
    circuits = [name for name, links in network.circuits.items() if not all(network.links[i].up for i in links)]
    return LoadsTaken(
        moment=moment,
        source="twin",
        snapshot=network.id,
        utilisation=_rounded(outcome.utilisation.tolist()),
        down=(*nodes, *circuits),
        max_utilisation=round(outcome.max_utilisation, 4),
        busiest=outcome.busiest,
        harm=round(harm.total, 3),
        harm_parts=harm.rounded(),
    )


def negligible(network: Network) -> float:
    """Harm, in Mbit/s, that is nothing to act on."""
    return _NEGLIGIBLE * float(network.offered.sum())


def noise(network: Network, seen: Observation, limit: float) -> float:
    """Measured harm, in Mbit/s, that cannot be told from none."""
    return max(_NOISE * float(network.offered.sum()), _overload_error(seen, limit))


def _overload_error(seen: Observation, limit: float) -> float:
    """Mbit/s by which the load above a limit may be off: what readings of links close to it are off by together."""
    load, error = np.nan_to_num(mean(seen.arrived_mbps)), np.nan_to_num(seen.reading_error)
    room = limit * np.array([x.capacity for x in seen.inventory.links]) - load
    near = np.abs(room) < _NEAR * error
    return float(np.sqrt((error[near] ** 2).sum()))


def _rounded(values: list[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values)
