"""What instruments show: what a fault can change of it, beyond what follows from the state of the network."""

from typing import NamedTuple

from twin.model import Bools, Floats


class Readings(NamedTuple):
    """What the instruments should show, before noise. m links, n nodes, p probed pairs of the observation."""

    arrived: Floats  # [m] Mbit/s that want to leave by each link, given the losses that were measured upstream
    sigma: Floats  # [m] standard error of the measured minus the predicted arrivals, Mbit/s
    capacity: Floats  # [m] Mbit/s above which its queue drops
    swing: Floats  # [m] Mbit/s by which arrivals may exceed their mean for a part of the time
    wire_loss: Floats  # [m] share of what is sent that the far counter does not see
    broken: Floats  # [m] frames counted as receive errors, as a share of the frames that are received whole
    up: Floats  # [m] probability that the operational state reads up
    adjacent: Floats  # [m] probability that the routing neighbour is there
    missing: Floats  # [m] share of the readings of the tail's interface that are missing while its node answers
    answers: Bools  # [n]
    delay_ms: Floats  # [p] inf without a path
    delay_error_ms: Floats  # [p] standard error, wider where a probe's share of each of several paths is not known
    through: Floats  # [p] share of the probes that arrive; NaN where it is not predicted
    log_factor: Floats  # [n] growth of the demands towards each node
    log_packets: Floats  # [n] growth of the packets per Mbit towards each node
    shape: Floats  # [n] nats by which the pairs towards each node fit better than if all of them had grown alike
