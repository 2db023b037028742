"""`python -m tests.benchmarks`: the ratios that the project holds itself to."""

import sys

from tests.benchmarks.engine import main

sys.exit(main())
