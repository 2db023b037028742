"""`python -m tests.benchmarks`: ratios that the project holds itself to, and published optima where there are any."""

import sys

from tests.benchmarks import engine, large, optimisers, scale

published = optimisers.main(("--second",))
missed = 0 if published == optimisers.NO_DATA else published
sys.exit(max(missed, engine.main(), large.main(()), scale.main(())))
