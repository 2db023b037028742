"""An emulated network whose devices log what a test wants them to say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from twin.live.emulated import EmulatedNetwork
from twin.live.network import Event, Telemetry


class LoudNetwork(EmulatedNetwork):
    """Emulated, and with `lines` among its syslog."""

    lines: Sequence[Event] = ()

    def read_telemetry(self, since: datetime) -> Telemetry:
        measured = super().read_telemetry(since)
        return replace(measured, events=tuple(sorted((*measured.events, *self.lines))))
