"""The table of CONTRIBUTING.md is true: a fault, a check, a tool and a format are added by the files that it names."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

KIND = '''
from twin.faults.declaration import Declaration, register
from twin.faults.fault import Fault
from twin.faults.log_lines import Log
from twin.faults.remedies import AROUND, Advice, Remedy
from twin.faults.severities import ONE
from twin.faults.struck import struck_links


def _trace(seen, explained):
    """A circuit that drops while it sends a tenth of what it was built for."""
    for circuit, positions in seen.inventory.circuits.items():
        for i in positions:
            sent, dropped = seen.sent[:, i].mean(), seen.dropped[:, i].mean()
            if dropped > 1 and abs(sent / seen.inventory.links[i].capacity - 0.1) < 0.005:
                yield Fault(kind="speed_fallback", element=circuit)


def _broken(readings, network, fault):
    """One frame in fifty arrives broken and is counted so."""
    broken = readings.broken.copy()
    broken[list(struck_links(network, fault))] += 0.02 / 0.98
    return readings._replace(broken=broken)


register(Declaration(
    id="speed_fallback", label="speed negotiated down", layer="physical", element="circuit", severity=ONE,
    links=lambda link, _: link._replace(capacity=link.capacity / 10, loss=0.02), trace=_trace,
    readings=_broken, breaks_frames=True, log=Log(flaps_once=True),
    remedy=Remedy(AROUND, Advice("restore capacity", "set the speed of {here} at both ends", "{here} has its speed")),
))
'''
HELLOS = """
from twin.faults.declaration import Declaration, register
from twin.faults.link_effects import unrouted
from twin.faults.log_lines import DEAD_INTERVAL_S, Log, LogTemplate
from twin.faults.remedies import Advice, Remedy
from twin.faults.severities import ONE

_TIMEOUT = LogTemplate("adjacency timeout", DEAD_INTERVAL_S)  # neither end hears the other in time

register(Declaration(
    id="hello_mismatch", label="hello intervals differ", layer="control", element="interface", severity=ONE,
    plain=True, reach="circuit", links=unrouted, log=Log(("commit",), own=(_TIMEOUT,), others=(_TIMEOUT,)),
    remedy=Remedy(("steer around",), Advice("set timers", "set the hello interval on {here}", "{here} is adjacent")),
))
"""

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
start = datetime(2026, 1, 5, 19, tzinfo=UTC)
live = EmulatedNetwork(network, seed=3, start=start)
live.wait(6)
for kind, place in (("speed_fallback", f"{busiest.tail}--{busiest.head}"), ("hello_mismatch", busiest.name)):
    fault = read_fault(f"{kind}@{place}", network, seed=1)
    assert fault.element in (busiest.circuit, busiest.interface), fault
    struck = live.now.timestamp()
    live.inject(fault)
    live.wait(6)
    telemetry = live.read_telemetry(start)
    found = diagnose(observe(live.read_topology(), telemetry, now=live.now))
    said = [x.message for x in telemetry.events if x.time >= struck and x.node in (busiest.tail, busiest.head)]
    facts = {x.quantity: x for x in found.best.evidence}
    errors = facts["errors"].predicted if "errors" in facts else 0.0
    print(found.best.name, fault, label(fault.kind), FaultKind(kind) in REMEDIES, errors, " ".join(said), sep="|")
    live.clear(fault)
    live.wait(6)
'''


def test_a_kind_of_fault_is_one_file_that_every_room_then_knows(tmp_path):
    (tmp_path / "speed_fallback.py").write_text(KIND)
    (tmp_path / "hello_mismatch.py").write_text(HELLOS)
    command = [sys.executable, "-W", "ignore", "-c", ADDED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    speed, hello = (line.split("|") for line in done.stdout.splitlines())
    assert (speed[0], speed[2:4]) == (speed[1], ["speed negotiated down", "True"])
    assert float(speed[4]) == pytest.approx(0.02, rel=0.1)  # frames that its file says are read as broken
    assert "changed state to Down" in speed[5] or "ifOperStatus down" in speed[5]
    # told from the other kinds that take a neighbour away by the lines of its log alone
    assert (hello[0], hello[2:4]) == (hello[1], ["hello intervals differ", "True"])
    assert hello[0].startswith("hello_mismatch at interface/")


FRUGAL = """
\"\"\"*frugal*: the plan has few steps.\"\"\"

from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal


def frugal(rehearsal: Rehearsal) -> Check:
    \"\"\"Judge the number of steps.\"\"\"
    steps = len(rehearsal.plan.steps)
    if steps > 1:
        found = Counterexample(element="plan", step=2, measured=steps, limit=1, unit="steps")
        return failed("frugal", Violation(f"{steps} steps, at most 1", found))
    return Check(name="frugal", passed=True, measured=steps, limit=1, unit="steps", detail="few steps")
"""
BUSY = """
\"\"\"How many circuits there are.\"\"\"

from twin.model import Frozen

from .box.run_state import RunState


class Counted(Frozen):
    circuits: int


def count_circuits(run_state: RunState) -> Counted:
    \"\"\"Count the circuits of the inventory.\"\"\"
    return Counted(circuits=len(run_state.inventory.circuits))
"""
ARROWS = """
\"\"\"Links as arrows, one a line: `A => B 1000`.\"\"\"

from .build import Choices
from .content import Content
from .records import LinkRecord, NodeRecord, Records


def read_arrows(content: Content, _choices: Choices) -> Records:
    \"\"\"Read arrows.\"\"\"
    rows = [line.split() for line in content.text.splitlines()[1:] if line.strip()]
    names = dict.fromkeys(end for a, _, b, _ in rows for end in (a, b))
    return Records(
        content.source, "arrows", "arrows", [NodeRecord(x, x) for x in names],
        [LinkRecord(a, b, "some line", {"capacity": f"{size} Mbit/s"}) for a, _, b, size in rows],
    )
"""
NEW = {  # what is added, by its row of the table: a new file, or what stands in one that is there, and what follows it
    "a check of the gate": {
        "twin/gate/checks/frugal.py": FRUGAL,
        "twin/gate/checks/finding.py": ('"horizon",', ' "frugal",'),
        "twin/gate/verdict.py": (
            "from .checks import classes, fresh, horizon,", " frugal,",
            '"horizon": horizon.horizon,', ' "frugal": frugal.frugal,',
        ),
    },
    "a tool": {
        "tools/busy.py": BUSY,
        "tools/catalogue.py": (
            "from .asking import advise, ask_operator, recommend", "\nfrom .busy import count_circuits",
            "bind(network_status, deadline=LONG),", " bind(count_circuits),",
        ),
        "prompts/monitoring.md": ('"network_picture",', ' "count_circuits",', "# Your role: monitoring", "\nCount."),
    },
    "a file format": {
        "twin/formats/arrows.py": ARROWS,
        "twin/formats/recognise.py": (
            "from .content import Content, read_content", "\nfrom .arrows import read_arrows",
            "FORMATS = (", ' Format("arrows", r"\\A#arrows", read_arrows),',
        ),
    },
}  # fmt: skip
LAID_OVER = """
import sys
from importlib.util import spec_from_file_location
from pathlib import Path

changed = Path(sys.argv[1])


class Changed:
    \"\"\"Takes the files that were changed from where they were changed, and all others from the repository.\"\"\"

    def find_spec(self, name, path=None, target=None):
        place = changed / Path(*name.split("."))
        if name == "prompts":
            return spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
        file = place.with_suffix(".py")
        return spec_from_file_location(name, file) if file.is_file() else None


sys.meta_path.insert(0, Changed())
"""
USED = """
import asyncio
from datetime import UTC, datetime

import twinops
from agents.roles.contracts import CONTRACTS, RIGHTS
from tools.box.registry import Toolbox
from tools.box.run_state import RunState, ReadSide
from tools.catalogue import TOOLS
from twin.live.emulated import EmulatedNetwork

(changed / "net.arrows").write_text("#arrows\\nA => B 1000\\nB => C 1000\\nC => A 1000\\n")
network = twinops.load_network(str(changed / "net.arrows"))
assert [x.circuit for x in network.links][::2] == ["link/A:B--B:A", "link/B:C--C:B", "link/A:C--C:A"], network.links

steps = [twinops.SetWeight(link=x.name, weight=x.weight + 1) for x in network.links[:2]]
for many in (1, 2):
    plan = twinops.Plan(goal="Try.", base=network.id, steps=tuple(steps[:many]), objective="relieve")
    check = twinops.verify(plan, network, twinops.Policy()).checks[-1]
    assert (check.name, check.passed) == ("frugal", many == 1), check

live = EmulatedNetwork(network, seed=1, start=datetime(2026, 1, 5, tzinfo=UTC))
since = datetime(2026, 1, 5, tzinfo=UTC)
run_state = RunState(inventory=network, policy=twinops.Policy(), live=ReadSide(live), since=since)
tools = Toolbox(run_state, TOOLS, RIGHTS)
answers = [asyncio.run(tools.call(role, "count_circuits", {})) for role in ("monitoring", "planning")]
assert answers[0].value.circuits == 3 and not answers[1].ok, answers
assert "Count." in CONTRACTS["monitoring"].prompt
"""


def named(row):
    """What the table names for a row: files, and folders that a new file goes into; tests are for people to write."""
    (line,) = [x for x in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if x.startswith(f"| {row} |")]
    return {x for x in re.findall(r"`([\w./]+)`", line.split("|")[2]) if not x.startswith("tests/")}


def touched(change):
    """The files that are there already, and the folders of new ones."""
    return {name if (ROOT / name).exists() else f"{Path(name).parent}/" for name in change}


def test_a_check_a_tool_and_a_format_are_added_by_the_files_that_the_table_names(tmp_path):
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    for row, change in NEW.items():
        assert touched(change) == named(row)
        for name, content in change.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                file.write_text(content)
                continue
            text = (ROOT / name).read_text()
            for there, added in zip(content[::2], content[1::2], strict=True):
                assert text.count(there) == 1, there
                text = text.replace(there, there + added)
            file.write_text(text)
    command = [sys.executable, "-W", "ignore", "-c", LAID_OVER + USED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
