"""`python -m tests.benchmarks`: the ratios that the project holds itself to."""

import sys

from tests.benchmarks.engine import main
from tests.benchmarks.large import main as large

sys.exit(max(main(), large(())))
