"""`python -m tests.benchmarks`: the ratios and, where the published data are at hand, the optima that the project keeps."""

import sys

from tests.benchmarks import engine, large, optimisers, scale

published = optimisers.main(("--second",))
missed = 0 if published == optimisers.NO_DATA else published
sys.exit(max(missed, engine.main(), large.main(()), scale.main(())))
