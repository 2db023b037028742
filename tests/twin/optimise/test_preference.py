"""A preference orders plans: the most important measure first, and what is nearly as good counts as equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InputError
from twin.optimise.preference import OBJECTIVES, WITHIN, ranked, read_preference

MEASURES = st.tuples(*[st.integers(0, 100).map(float)] * len(OBJECTIVES))
POINTS = st.lists(MEASURES, min_size=1, max_size=8)
ORDERS = st.lists(st.sampled_from(OBJECTIVES), min_size=1, unique=True).map(tuple)


def at(point, name):
    return point[OBJECTIVES.index(name)]


def room(points, name):
    values = [at(point, name) for point in points]
    return WITHIN * (max(values) - min(values))


def order(points, preference):
    return [points[i] for i in ranked(list(enumerate(points)), preference)]


@given(POINTS, ORDERS)
def test_every_point_is_ranked_once_and_the_first_is_near_the_best_by_what_counts_most(points, preference):
    found = order(points, preference)
    assert sorted(found) == sorted(points)
    best = min(at(point, preference[0]) for point in points)
    assert at(found[0], preference[0]) <= best + room(points, preference[0])


@given(POINTS, st.sampled_from(OBJECTIVES))
def test_one_objective_alone_orders_exactly_by_it(points, name):
    values = [at(point, name) for point in order(points, (name,))]
    assert values == sorted(values)


@given(POINTS, ORDERS.filter(lambda x: len(x) >= 2))
def test_no_point_as_good_in_the_first_is_much_better_in_the_second(points, preference):
    first, second = preference[:2]
    chosen = order(points, preference)[0]
    best = min(at(point, first) for point in points)
    rivals = [point for point in points if at(point, first) <= best + room(points, first)]
    slack = room(points, second) if len(preference) > 2 else 0.0
    assert at(chosen, second) <= min(at(point, second) for point in rivals) + slack


def test_five_hundredths_of_the_range_count_as_equal_and_the_last_word_decides():
    def point(delay, changes, watts):
        return (0.5, 0.5, delay, watts, changes, 0.0)

    points = [point(10.0, 9, 50.0), point(10.4, 2, 80.0), point(10.6, 1, 10.0), point(20.0, 0, 0.0)]
    assert order(points, ("delay",)) == points
    assert order(points, ("delay", "changes", "energy"))[0] == points[1]  # within 0.5 ms of 10, and fewest changes
    assert order(points, ("energy",))[0] == points[3]


def test_words_are_read_in_their_order_and_power_means_energy():
    assert read_preference("delay>changes>power") == ("delay", "changes", "energy")
    assert read_preference(" margin > cost ") == ("margin", "money")
    for text in ("", "delay>", "delay>delay", "energy>power", "beauty"):
        with pytest.raises(InputError):
            read_preference(text)
