"""`python -m tests.benchmarks`: the ratios that the project holds itself to."""

import sys

from tests.benchmarks import engine, large, scale

sys.exit(max(engine.main(), large.main(()), scale.main(())))
