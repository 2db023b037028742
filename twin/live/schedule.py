"""What is still to come on the emulated network: faults and their end, crowds, maintenance, what others configure."""

from collections.abc import Iterable
from datetime import datetime

from twin.faults import Fault
from twin.model import Floats, Network
from twin.plan import Change, DrainLink, UndrainLink

from .surprises import ByOthers, FlashCrowd, Healing, Maintenance, Surprise, crowd_factors


class FaultSchedule:
    """Keeps what was announced until its time; a crowd stays on the list and is felt while it lasts."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._crowds: list[FlashCrowd] = []
        self._to_begin: list[Maintenance] = []
        self._to_end: list[Maintenance] = []
        self._healing: list[Healing] = []
        self._by_others: list[ByOthers] = []

    def add_fault(self, fault: Fault) -> None:
        """Keep a fault until its onset."""
        self._faults.append(fault)

    def add(self, surprises: Iterable[Surprise], network: Network) -> None:
        """Keep surprises. Raises `UnknownElementError` where they name no element of the network."""
        for surprise in surprises:
            match surprise:
                case FlashCrowd():
                    network.node(surprise.node)
                    self._crowds.append(surprise)
                case Maintenance():
                    network.circuit(surprise.circuit)
                    self._to_begin.append(surprise)
                case Healing():
                    self._healing.append(surprise)
                case ByOthers():
                    self._by_others.append(surprise)

    def faults_due(self, now: datetime) -> list[Fault]:
        """Take out the faults whose onset has come, in that order."""
        due = sorted((x for x in self._faults if x.onset and x.onset <= now), key=lambda x: (x.onset or now, str(x)))
        self._faults = [x for x in self._faults if x not in due]
        return due

    def healed_by(self, now: datetime) -> list[Fault]:
        """Take out the faults that have ended by now."""
        due = [x for x in self._healing if x.at <= now]
        self._healing = [x for x in self._healing if x.at > now]
        return [x.fault for x in due]

    def others_due(self, now: datetime) -> list[Change]:
        """Take out what others have configured by now, in that order."""
        due = sorted((x for x in self._by_others if x.at <= now), key=lambda x: x.at)
        self._by_others = [x for x in self._by_others if x.at > now]
        return [x.change for x in due]

    def works_due(self, now: datetime, network: Network) -> list[Change]:
        """Take out the drains and their ends whose time has come. Work on a circuit that is drained already is over."""
        changes: list[Change] = []
        for work in [x for x in self._to_end if x.begin + x.lasts <= now]:
            self._to_end.remove(work)
            if _drained(network, work.circuit):
                changes.append(UndrainLink(circuit=work.circuit))
        for work in [x for x in self._to_begin if x.begin <= now]:
            self._to_begin.remove(work)
            if not _drained(network, work.circuit):
                self._to_end.append(work)
                changes.append(DrainLink(circuit=work.circuit))
        return changes

    def crowd_factors(self, network: Network, moment: datetime) -> Floats:
        """Factor on the demands towards each node [n] at this moment."""
        return crowd_factors(network, tuple(self._crowds), moment)


def _drained(network: Network, circuit: str) -> bool:
    return any(network.links[position].drained for position in network.circuit(circuit))
