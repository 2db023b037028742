"""The table of CONTRIBUTING.md is true: a kind of fault is added by one file of its folder, and every room meets it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

KIND = '''
from twin.faults.declaration import Declaration, register
from twin.faults.fault import Fault
from twin.faults.remedies import AROUND, Advice, Remedy
from twin.faults.severities import ONE


def _trace(seen, explained):
    """A circuit that drops while it sends a tenth of what it was built for."""
    for circuit, positions in seen.inventory.circuits.items():
        for i in positions:
            sent, dropped = seen.sent[:, i].mean(), seen.dropped[:, i].mean()
            if dropped > 1 and abs(sent / seen.inventory.links[i].capacity - 0.1) < 0.005:
                yield Fault(kind="speed_fallback", element=circuit)


register(Declaration(
    id="speed_fallback", label="speed negotiated down", layer="physical", element="circuit", severity=ONE,
    links=lambda link, _: link._replace(capacity=link.capacity / 10), trace=_trace,
    remedy=Remedy(AROUND, Advice("restore capacity", "set the speed of {here} at both ends", "{here} has its speed")),
))
'''

ADDED = '''
import sys
from datetime import UTC, datetime
from importlib.machinery import PathFinder


class OneFileMore:
    """Lets the folder of kinds hold one file more than the repository has."""

    def find_spec(self, name, path=None, target=None):
        if name != "twin.faults.families":
            return None
        spec = PathFinder.find_spec(name, path)
        spec.submodule_search_locations.append(sys.argv[1])
        return spec


sys.meta_path.insert(0, OneFileMore())

import twinops
from twin.diagnose import diagnose
from twin.faults import REMEDIES, FaultKind, label
from twin.live.emulated import EmulatedNetwork
from twin.live.read_fault import read_fault
from twin.observe.observe import observe

network = twinops.load_network("synthetic/8-1")
busiest = network.links[int(twinops.simulate(network).load.argmax())]
live = EmulatedNetwork(network, seed=3, start=datetime(2026, 1, 5, 19, tzinfo=UTC))
for _ in range(6):
    live.wait()
fault = read_fault(f"speed_fallback@{busiest.tail}--{busiest.head}", network, seed=1)
assert fault.element == busiest.circuit, fault
live.inject(fault)
for _ in range(6):
    live.wait()
found = diagnose(observe(live.read_topology(), live.read_telemetry(datetime(2026, 1, 5, 19, tzinfo=UTC)), now=live.now))
print([str(x) for x in found.best.faults], label(fault.kind), FaultKind("speed_fallback") in REMEDIES, sep="|")
'''


def test_a_kind_of_fault_is_one_file_that_every_room_then_knows(tmp_path):
    (tmp_path / "speed_fallback.py").write_text(KIND)
    command = [sys.executable, "-W", "ignore", "-c", ADDED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, label, remedied = done.stdout.strip().rsplit("|", 2)
    assert found.startswith("['speed_fallback at link/")
    assert (label, remedied) == ("speed negotiated down", "True")
