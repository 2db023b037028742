"""What is said is as wide as in a pipe, whatever runs the tests: workers of xdist name 80 columns of their own."""

import os

os.environ.pop("COLUMNS", None)
