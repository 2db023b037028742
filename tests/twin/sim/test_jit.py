"""Where compiled code may and may not be kept."""

import subprocess
import sys

from twin.sim.jit import kernel, part

NOWHERE = "def doubled(x):\n    return 2 * x\n"


def test_code_that_cannot_be_cached_still_runs():
    found = {}
    exec(compile(NOWHERE, "<nowhere>", "exec"), found)
    assert kernel(found["doubled"])(21) == 42
    assert part(found["doubled"])(21) == 42


def test_the_model_and_the_entry_come_without_numba():
    code = "import sys, twin.model, twin.sim.simulate; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
