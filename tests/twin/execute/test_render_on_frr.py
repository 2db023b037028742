"""The lines for FRR on FRR's own daemons: each is taken, shows in the running configuration, and is taken back."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.twin.execute.test_render import INTERFACES, NETWORK, PLAN, ROUTERS
from twin.execute.render import Inventory, render

DAEMONS = Path("/usr/lib/frr")
USABLE = shutil.which("vtysh") and (DAEMONS / "isisd").exists() and (DAEMONS / "ospfd").exists() and os.geteuid() == 0
pytestmark = pytest.mark.skipif(not USABLE, reason="FRR's daemons and root are needed")
WRITTEN = 3  # the first steps of the plan: a weight, a drained circuit, a drained node


@pytest.fixture(scope="module")
def vty():
    folder = Path(tempfile.mkdtemp(prefix="frr-"))  # the daemons may not look into folders of pytest
    isis = ospf = ""
    for link in NETWORK.links:
        head = f"interface {INTERFACES[link.name]}\n"
        isis += f"{head} ip router isis CORE\n isis metric level-2 {link.weight}\nexit\n"
        ospf += f"{head} ip ospf cost {link.weight}\n ip ospf area 0\nexit\n"
    (folder / "isisd.conf").write_text(
        f"{isis}router isis CORE\n net 49.0001.0000.0000.0001.00\n is-type level-2-only\n metric-style wide\n"
    )
    (folder / "ospfd.conf").write_text(f"{ospf}router ospf\n ospf router-id 192.0.2.1\n")
    shutil.chown(folder, "frr", "frr")
    for daemon in ("isisd", "ospfd"):
        common = ["-d", "--vty_socket", folder, "-i", folder / f"{daemon}.pid", "-A", "127.0.0.1", "-P", "0"]
        subprocess.run([DAEMONS / daemon, *common, "-f", folder / f"{daemon}.conf"], check=True, capture_output=True)
    deadline = time.monotonic() + 60
    while not all((folder / f"{x}.vty").exists() for x in ("isisd", "ospfd")) and time.monotonic() < deadline:
        time.sleep(0.1)

    def run(*lines):
        told = ["vtysh", "--vty_socket", str(folder), *(word for line in lines for word in ("-c", line))]
        return subprocess.run(told, capture_output=True, text=True, timeout=30)

    yield run
    for file in folder.glob("*.pid"):
        os.kill(int(file.read_text()), 15)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("igp", ["isis", "ospf"])
@pytest.mark.parametrize("step", range(WRITTEN))
def test_frr_takes_the_lines_and_takes_them_back(vty, igp, step):
    known = Inventory(INTERFACES, ROUTERS.model_copy(update={"igp": igp}))
    parts = render(PLAN, NETWORK, known, "frr").steps[step].routers
    before = vty("show running-config").stdout
    assert parts
    for part in parts:
        done = vty(*part.lines)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert "%" not in done.stdout
        shown = vty(part.check)
        assert shown.returncode == 0
        assert "Unknown command" not in shown.stdout
    changed = vty("show running-config").stdout
    wanted = [line.strip() for part in parts for line in part.lines if line.startswith(" ")]
    if not (igp == "ospf" and "max-metric" in wanted[0]):  # 8.4 keeps it with the areas and does not print it
        assert all(line in changed for line in wanted)
        assert changed != before
    for part in parts:
        assert vty(*part.back).returncode == 0
    assert vty("show running-config").stdout == before
