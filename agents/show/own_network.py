"""What the commands that look at measurements answer of one's own network, and keep for those that come after them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain

from twin.policy import Policy
from twin.site import OpenSite
from twin.site_state import bring_up, diagnosed, keep, take_look

from .answer import Answer
from .measurements import told_causes, told_forecast, told_quality


def site_quality(site: OpenSite, policy: Policy, clock: Callable[[], datetime]) -> Answer:
    """Judge the measurements of one's own network, and keep them in its twin file."""
    bring_up(site, clock)
    taken = take_look(site, clock)
    return told_quality(taken.assessment, taken.fidelity, policy)


def site_forecast(site: OpenSite, ahead_min: Sequence[float], clock: Callable[[], datetime], *, top: int) -> Answer:
    """Forecast the traffic of one's own network."""
    from twin.forecast import measured_series

    look = site.look(clock)
    return told_forecast(measured_series(look.network, look.telemetry, now=look.now), ahead_min, top=top)


def site_causes(site: OpenSite, policy: Policy, clock: Callable[[], datetime], *, top: int) -> Answer:
    """Rank the causes of what is measured in one's own network, and keep the state that the answer leads to."""
    from twin.diagnose import diagnose

    taken = take_look(site, clock)
    found = diagnose(taken.observation)
    answer = told_causes(found, taken.observation, taken.assessment, policy, top=top)
    believed = diagnosed(taken, found)
    keep(site, believed, cause=found.hypotheses[0].name if believed is not taken else "")
    document = {**answer.document, "twin": str(site.twin), "snapshot": believed.state.id}
    return Answer(document, chain(answer.text, [f"kept in {site.twin} as snapshot {believed.state.id}"]), answer.code)
