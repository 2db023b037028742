"""Where compiled code may and may not be kept."""

import os
import subprocess
import sys

from twin.sim.jit import kernel, part

NOWHERE = "def doubled(x):\n    return 2 * x\n"


def test_code_that_cannot_be_cached_still_runs():
    found = {}
    exec(compile(NOWHERE, "<nowhere>", "exec"), found)
    assert kernel(found["doubled"])(21) == 42
    assert part(found["doubled"])(21) == 42


def test_a_cache_folder_that_cannot_be_written_is_passed_over(tmp_path):
    module = "from twin.sim.jit import kernel\n\n\n@kernel\ndef doubled(x):\n    return 2 * x\n"
    (tmp_path / "elsewhere.py").write_text(module)
    (tmp_path / "occupied").write_text("a file where the folder should be")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import elsewhere; sys.exit(elsewhere.doubled(21) - 42)"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "occupied")}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0


def test_the_model_and_the_entry_come_without_numba():
    code = "import sys, twin.model, twin.sim.simulate; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
