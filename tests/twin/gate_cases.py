"""Seeded plans that the gate has to judge: good ones, and bad ones of many classes, labelled by an independent oracle.

Nothing here calls the gate or the simulator. Each case says what is wrong: the check that must fail, and the elements
(and failures, and step) that may be named for it.
"""

from collections.abc import Callable

from tests.twin.gate_formal_faults import (
    forbidden_rate_limit,
    impossible_step,
    protected_element,
    smuggled_upgrade,
    stale_twin,
    too_many_steps,
    unknown_element,
    wide_blast,
)
from tests.twin.gate_network_faults import (
    cut_by_one_failure,
    demand_that_may_come,
    isolated_node,
    old_measurements,
    onto_lossy_link,
    overload_under_failure,
    overloaded_link,
    shed_demand,
    slow_detour,
    useless_plan,
    wrong_order,
)
from tests.twin.gate_plans import Case, first_of, good_cases


def bad_cases(per_class: int) -> list[Case]:
    """Return `per_class` bad plans of every class; the same every time."""
    return [case for build in BAD.values() for case in first_of(per_class, build)]


__all__ = ["BAD", "Case", "bad_cases", "good_cases"]

BAD: dict[str, Callable[[int], Case | None]] = {
    build.__name__: build
    for build in (
        unknown_element,
        stale_twin,
        impossible_step,
        protected_element,
        too_many_steps,
        smuggled_upgrade,
        forbidden_rate_limit,
        wide_blast,
        isolated_node,
        overloaded_link,
        slow_detour,
        onto_lossy_link,
        cut_by_one_failure,
        overload_under_failure,
        wrong_order,
        useless_plan,
        shed_demand,
        demand_that_may_come,
        old_measurements,
    )
}
