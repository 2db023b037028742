"""What is wrong with the measurement or the inventory while the network is well."""

from collections.abc import Iterator

from twin.diagnose.effects import Candidate, Effect
from twin.diagnose.judged import Judged
from twin.faults import FaultKind
from twin.observe.observation import Observation

EFFECTS: dict[FaultKind, Effect] = {}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """None so far."""
    del observation, judged
    yield from ()
