"""Seeded plans that the gate has to judge: good ones, and bad ones of many classes, labelled by an independent oracle.

Nothing here calls the gate or the simulator. Each case says what is wrong: the check that must fail, and the elements
(and failures, and step) that may be named for it.
"""

from collections.abc import Callable

from twin.errors import InputError

from .ahead import growth_under_failure, repair_without_room_to_grow
from .backbone import BACKBONE
from .calendar import (
    blacked_out,
    frozen,
    outside_window,
    rests_on_others_work,
    saves_too_little,
    stays_too_long,
)
from .classes import CLASSES, crowded_once_grown, good_with_classes
from .formal import (
    forbidden_rate_limit,
    impossible_step,
    protected_element,
    smuggled_upgrade,
    stale_twin,
    too_many_steps,
    unknown_element,
    wide_blast,
)
from .good import (
    Trial,
    good_last_resort,
    good_maintenance,
    good_relief,
    good_restoration,
    good_sleep,
)
from .harmful import (
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
from .in_time import ends_before_it_begins, good_in_time, meets_others_on_the_way
from .lost_on_the_way import good_return, half_a_circuit, invented_loss, room_of_the_lost
from .roll_out import (
    good_roll_out,
    later_step_frozen,
    later_step_in_the_peak,
    later_step_meets_others,
    way_out_in_the_peak,
)
from .set_right import declared_less_safe, good_set_right, half_set_right, set_right_and_more
from .unseen import (
    break_before_make,
    dropped_under_failure,
    hidden_customer,
    looping_change,
    odd_figures,
    shed_for_a_drain,
    spike_on_the_way,
    starved_protected,
    swapped_cut,
)

Build = Callable[[int, int], Trial | None]

BAD: dict[str, Build] = {
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
        swapped_cut,
        dropped_under_failure,
        break_before_make,
        spike_on_the_way,
        shed_for_a_drain,
        starved_protected,
        looping_change,
        hidden_customer,
        odd_figures,
        growth_under_failure,
        *BACKBONE,
        *CLASSES,
        outside_window,
        frozen,
        blacked_out,
        saves_too_little,
        stays_too_long,
        rests_on_others_work,
        room_of_the_lost,
        invented_loss,
        half_a_circuit,
        set_right_and_more,
        half_set_right,
        declared_less_safe,
        ends_before_it_begins,
        meets_others_on_the_way,
        later_step_frozen,
        later_step_in_the_peak,
        later_step_meets_others,
        way_out_in_the_peak,
        repair_without_room_to_grow,
        crowded_once_grown,
    )
}
"""Classes of bad plans by name; each makes one from a seed and the number of the first of its networks, or none."""

GOOD: dict[str, Build] = {
    build.__name__: build
    for build in (
        good_relief,
        good_maintenance,
        good_sleep,
        good_restoration,
        good_last_resort,
        good_with_classes,
        good_return,
        good_set_right,
        good_in_time,
        good_roll_out,
    )
}
"""Classes of good plans."""


def trial(name: str, seed: int, *, start: int = 0, tries: int = 400) -> Trial:
    """Make one plan of a class, the same for the same seed. Raises `InputError` when these seeds give none."""
    build = BAD.get(name) or GOOD[name]
    for number in range(tries):
        case = build(seed * 1000 + number, start)
        if case is not None:
            return case
    raise InputError(f"no plan of class {name} in {tries} tries from seed {seed}", fix="use another seed")


__all__ = ["BAD", "GOOD", "Trial", "trial"]
