"""The strip of the last hours: what was wrong is marked where it began, and written where there is room."""

import numpy as np

from agents.show.earlier_view import earlier_view
from twin.formats import load_network

NETWORK = load_network("synthetic/8-1")
TIMES = 1.7e9 + 300.0 * np.arange(20)


def test_marks_that_stand_close_together_are_not_written_over_each_other_and_keep_their_names():
    shares = np.full((20, len(NETWORK.links)), 0.5)
    incidents = [(TIMES[n], f"Full: A--B {n}", f"I-{n:04d}") for n in (3, 17, 18)]
    view = earlier_view(NETWORK, TIMES, shares, limit=0.8, at=None, incidents=incidents)
    flags = {x.href: x for x in view.strip.flags}
    assert {name: bool(x.text) for name, x in flags.items()} == {"I-0003": True, "I-0017": False, "I-0018": True}
    assert flags["I-0017"].title == "Full: A--B 17"
