"""*classes*: what classes of traffic are promised, in every state of the plan."""

import numpy as np

from twin.gate.class_rules import unknown_class, worse_for_classes
from twin.gate.no_worse import Where
from twin.printed import percent

from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal


def classes(rehearsal: Rehearsal) -> Check:
    """Judge every state, intact and under every single failure, by what the policy promises each class."""
    strange = unknown_class(rehearsal.base, rehearsal.policy)
    if strange:
        detail = f"the policy promises class {strange} something, and the network has no such class"
        found = Counterexample(element=f"class/{strange}", step=0, measured=0, limit=1)
        return failed("classes", Violation(detail, found))
    first, *reached = rehearsal.stressed
    for step, state in enumerate(reached, start=1):
        violation = worse_for_classes(first, state, rehearsal.policy, Where(step))
        if violation:
            return failed("classes", violation)
    return Check(name="classes", passed=True, detail=_told(rehearsal))


def _told(rehearsal: Rehearsal) -> str:
    """What each class loses in the end state and in its worst failure."""
    state, rows = rehearsal.ends[1], rehearsal.ends[1].lossy_rows()
    loads, missing = state.classes(rows), state.class_losses(rows).missing
    intact, worst = missing[:, 0], missing.max(axis=1)
    offered = np.maximum(loads.offered, 1e-12)
    parts = (
        f"{x.name} loses {percent(intact[c] / offered[c])}, {percent(worst[c] / offered[c])} in its worst failure"
        for c, x in enumerate(loads.classes)
    )
    return "; ".join(parts)
