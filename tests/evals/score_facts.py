"""What must be true of every scorer, as functions of its module, so that a broken copy can be held to it as well."""

from types import ModuleType

import numpy as np
import pytest

from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.gate.checks.finding import Check, Counterexample
from twin.gate.verdict import Verdict

K = FaultKind
DOWN = Fault(kind=K.LINK_DOWN, element="link/A:B--B:A")
ELSEWHERE = Fault(kind=K.LINK_DOWN, element="link/A:C--C:A")
OTHER_KIND = Fault(kind=K.CAPACITY, element="link/A:B--B:A", severity=0.5)
SURGE, ATTACK = (Fault(kind=kind, element="node/A", severity=3) for kind in (K.SURGE, K.WEB_DOS))


def pairs_are_counted(sets: ModuleType) -> None:
    assert sets.count([DOWN, ELSEWHERE], [DOWN, OTHER_KIND]) == (1, 1, 1)
    assert sets.count_elements([DOWN, ELSEWHERE], [OTHER_KIND]) == (1, 1, 0)


def precision_recall_and_f1_follow_their_definitions(sets: ModuleType) -> None:
    some = sets.Counts(2, 1, 3)
    assert some.precision == pytest.approx(2 / 3)
    assert some.recall == pytest.approx(2 / 5)
    assert some.f1 == pytest.approx(2 * (2 / 3 * 2 / 5) / (2 / 3 + 2 / 5))


def two_empty_sets_agree_fully(sets: ModuleType) -> None:
    none = sets.Counts(0, 0, 0)
    assert (none.precision, none.recall, none.f1) == (1.0, 1.0, 1.0)


def naming_nothing_where_something_is_is_worth_nothing(sets: ModuleType) -> None:
    assert (sets.Counts(0, 0, 1).precision, sets.Counts(0, 0, 1).recall) == (0.0, 0.0)
    assert sets.Counts(0, 1, 0).recall == 0.0


def the_same_is_the_same_kind_at_the_same_element(sets: ModuleType) -> None:
    assert sets.same([DOWN], [DOWN])
    assert sets.same([OTHER_KIND], [OTHER_KIND.model_copy(update={"severity": 0.4})])
    assert not sets.same([DOWN], [ELSEWHERE])
    assert not sets.same([DOWN], [OTHER_KIND])
    assert not sets.same([], [DOWN])
    assert sets.same([], [])


def kinds_that_no_measurement_tells_apart_count_as_one_at_the_same_element_only(sets: ModuleType) -> None:
    assert sets.same_for_telemetry([SURGE], [ATTACK])
    assert sets.same_for_telemetry([DOWN], [DOWN])
    assert not sets.same_for_telemetry([SURGE], [ATTACK.model_copy(update={"element": "node/B"})])
    assert not sets.same_for_telemetry([DOWN], [OTHER_KIND])
    assert not sets.same_for_telemetry([DOWN, DOWN], [DOWN, ELSEWHERE])
    assert not sets.same_for_telemetry([DOWN], [])


def ranks_count_from_one(sets: ModuleType) -> None:
    assert sets.rank_of([[ELSEWHERE], [DOWN]], [DOWN]) == 2
    assert sets.rank_of([[ELSEWHERE]], [DOWN]) == 0
    assert [sets.within(rank, 3) for rank in (0, 1, 3, 4)] == [False, True, True, False]


def calibration_is_the_distance_of_confidence_from_success(sets: ModuleType) -> None:
    assert sets.calibration_error([0.95, 0.95, 0.15, 0.15], [True, False, False, False]) == pytest.approx(0.3)
    assert sets.calibration_error([1.0], [True]) == 0.0
    assert sets.calibration_error([], []) == 0.0


def a_wrong_verdict_is_worth_nothing_and_the_right_one_on_a_healthy_network_all(places: ModuleType) -> None:
    network = load_network("sndlib/abilene")
    link = network.links[0]
    fault = Fault(kind=K.LINK_DOWN, element=link.circuit)
    assert places.localisation(network, [], []) == 1.0
    assert places.localisation(network, [], [fault]) == 0.0
    assert places.localisation(network, [fault], []) == 0.0


def device_and_interface_are_worth_half_each_and_either_end_will_do(places: ModuleType) -> None:
    network = load_network("sndlib/abilene")
    link = next(x for x in network.links if sum(y.tail == x.tail for y in network.links) > 1)
    other = next(y for y in network.links if y.tail == link.tail and y.head != link.head)
    far = network.links[network.link(f"{link.head}->{link.tail}")]
    silent = Fault(kind=K.SILENT_LOSS, element=link.interface, severity=0.1)
    assert places.localisation(network, [silent], [silent]) == 1.0
    assert places.localisation(network, [silent.model_copy(update={"element": far.interface})], [silent]) == 1.0
    assert places.localisation(network, [silent.model_copy(update={"element": other.interface})], [silent]) == 0.5
    away = next(y for y in network.links if not {y.tail, y.head} & {link.tail, link.head})
    assert places.localisation(network, [silent.model_copy(update={"element": away.interface})], [silent]) == 0.0
    assert not places.interface_hit(network, [silent.model_copy(update={"element": other.interface})], [silent])
    assert places.device_hit(network, [silent.model_copy(update={"element": other.interface})], [silent])
    assert not places.device_hit(network, [silent.model_copy(update={"element": away.interface})], [silent])


def a_fault_of_a_router_has_no_interface_and_its_device_is_worth_all(places: ModuleType) -> None:
    network = load_network("sndlib/abilene")
    one, other = (Fault(kind=K.DEVICE_DOWN, element=network.nodes[i].id) for i in (0, 1))
    assert places.places(network, one) == (frozenset((one.element,)), frozenset())
    assert places.localisation(network, [one], [one]) == 1.0
    assert places.localisation(network, [other], [one]) == 0.0
    assert places.localisation(network, [one, other], [one]) == 0.5
    assert places.interface_hit(network, [], [one])


def the_interval_equals_the_published_example(intervals: ModuleType) -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263
    found = intervals.wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert intervals.wilson(0, 0) == (0.0, 0.0, 1.0)


def a_bootstrap_draws_clusters_together(intervals: ModuleType) -> None:
    rng = np.random.default_rng(3)
    level = np.repeat(rng.standard_normal(30), 20)
    alone = intervals.mean_interval(level, [str(i) for i in range(600)])
    together = intervals.mean_interval(level, [str(i // 20) for i in range(600)])
    assert together.value == pytest.approx(level.mean())
    assert together.high - together.low > 3 * (alone.high - alone.low)


def a_bootstrap_of_one_cluster_or_none_claims_nothing(intervals: ModuleType) -> None:
    assert intervals.mean_interval([2.0, 4.0], ["a", "a"]) == (3.0, 3.0, 3.0)
    assert intervals.mean_interval([], []) == (0.0, 0.0, 0.0)


def a_bootstrap_is_the_same_every_time_and_holds_its_figure(intervals: ModuleType) -> None:
    values = list(np.random.default_rng(1).exponential(1, 50))
    names = [str(i) for i in range(50)]
    found = intervals.mean_interval(values, names)
    assert found == intervals.mean_interval(values, names)
    assert found.low < found.value < found.high


def f1_sums_counts_over_cases(intervals: ModuleType) -> None:
    found = intervals.f1_interval([(1, 0, 0), (0, 1, 1), (1, 0, 1)], ["a", "b", "c"])
    assert found.value == pytest.approx(2 * 2 / (2 * 2 + 1 + 2))
    assert intervals.f1_interval([(0, 0, 0), (0, 0, 0)], ["a", "b"]).value == 1.0


def quantiles_have_intervals_around_them(intervals: ModuleType) -> None:
    found = intervals.quantile_interval(list(range(101)), 0.99)
    assert found.value == pytest.approx(99)
    assert found.low < 99 <= found.high <= 100
    assert intervals.quantile_interval([], 0.99) == (0.0, 0.0, 0.0)


def all_of_k_counts_draws_without_replacement(intervals: ModuleType) -> None:
    assert intervals.all_of_k(2, 3, 1) == pytest.approx(2 / 3)
    assert intervals.all_of_k(2, 3, 2) == pytest.approx(1 / 3)
    assert intervals.all_of_k(3, 3, 3) == 1.0
    assert intervals.all_of_k(2, 2, 3) == 0.0


def mcnemar_looks_at_the_cases_that_differ(paired: ModuleType) -> None:
    first, second = [True] * 10 + [False] * 8, [True] * 9 + [False] + [True] * 7 + [False]
    found = paired.mcnemar(first, second)
    assert (found.cases, found.gained, found.lost) == (18, 7, 1)
    assert found.probability == pytest.approx(2 * (1 + 8) / 2**8)
    assert not found.certain
    assert paired.mcnemar([False] * 8, [True] * 8).certain
    assert paired.mcnemar([True], [True]).probability == 1.0


def a_paired_difference_is_second_minus_first(paired: ModuleType) -> None:
    found = paired.paired_difference([1.0, 2.0, 3.0], [2.0, 4.0, 3.5], ["a", "b", "c"])
    assert found.value == pytest.approx(3.5 / 3)


def verdict(*checks: Check) -> Verdict:
    return Verdict(plan="p", snapshot="s", policy="q", checks=checks)


def a_verdict_names_what_is_wrong_by_check_element_failure_and_step(plans: ModuleType) -> None:
    example = Counterexample(element="A->B", failure="node/C", step=2, measured=2, limit=1)
    failed = Check(name="survivable", passed=False, detail="", counterexample=example)
    named = verdict(Check(name="nominal", passed=True, detail=""), failed)
    right = plans.Blame("survivable", frozenset(("A->B",)), frozenset(("node/C",)), 2)
    assert plans.names_it(right, named)
    assert plans.names_it(right._replace(failures=None, step=None), named)
    for wrong in (
        right._replace(check="nominal"),
        right._replace(check="useful"),
        right._replace(elements=frozenset(("B->A",))),
        right._replace(failures=frozenset(("node/D",))),
        right._replace(step=1),
    ):
        assert not plans.names_it(wrong, named)
    assert not plans.names_it(right, verdict(failed.model_copy(update={"counterexample": None})))
    assert not plans.names_it(right, verdict(failed.model_copy(update={"passed": True})))


def approvals_and_rejections_are_judged_by_the_label(plans: ModuleType) -> None:
    table = [(bad, approved) for bad in (False, True) for approved in (False, True)]
    assert [plans.unsafe_approval(bad=b, approved=a) for b, a in table] == [False, False, False, True]
    assert [plans.false_rejection(bad=b, approved=a) for b, a in table] == [True, False, False, False]


def more_harm_is_a_regression_and_less_an_improvement_beyond_noise(plans: ModuleType) -> None:
    assert plans.caused_regression(10, 12, noise=1)
    assert not plans.caused_regression(10, 10.5, noise=1)
    assert not plans.caused_regression(10, 8, noise=1)
    assert plans.improved(10, 8, noise=1)
    assert not plans.improved(10, 9.5, noise=1)
    assert not plans.improved(10, 12, noise=1)


def an_order_holds_each_step_once(plans: ModuleType) -> None:
    assert plans.keeps_order((0, 1, 2), (2, 0, 1))
    assert not plans.keeps_order((0, 1, 2), (2, 0, 0))
    assert not plans.keeps_order((0, 1, 2), (2, 0))


def a_gap_is_a_share_of_the_optimum(plans: ModuleType) -> None:
    assert plans.gap(0.99, 0.9) == pytest.approx(0.1)
    assert plans.gap(0.5, 0.0) == 0.0


def harm_adds_up_over_time(plans: ModuleType) -> None:
    assert plans.harm_integral([(300, 2.0), (60, 10.0), (0, 99.0)]) == 1200.0
    with pytest.raises(ValueError, match="negative"):
        plans.harm_integral([(-1, 2.0)])


def wape_weighs_errors_by_volume(series: ModuleType) -> None:
    assert series.wape(np.array([1.0, 12.0]), np.array([2.0, 10.0])) == pytest.approx(3 / 12)
    assert series.wape(np.array([1.0]), np.array([0.0])) == 0.0


def gain_is_the_share_of_error_that_is_gone(series: ModuleType) -> None:
    assert series.gain(0.08, 0.1) == pytest.approx(0.2)
    assert series.gain(0.08, 0.0) == 0.0


def intervals_cover_what_lies_in_them_ends_included(series: ModuleType) -> None:
    low, high = np.array([1.0, 1.0, 1.0, np.nan, 1.0]), np.array([2.0, 2.0, 2.0, 2.0, 2.0])
    truth = np.array([1.0, 2.0, 2.1, 1.5, 0.5])
    assert series.coverage(low, high, truth) == pytest.approx(0.5)
    assert series.coverage(low[3:4], high[3:4], truth[3:4]) == 0.0


def close_figures_agree(series: ModuleType) -> None:
    assert series.close(1e6 + 0.5, 1e6)
    assert not series.close(1e6 + 2, 1e6)
    assert series.close(5e-7, 0.0)
    assert not series.close(5e-6, 0.0)


def expected_causes_are_named_exactly_up_to_what_no_measurement_tells_apart(expected: ModuleType) -> None:
    assert expected.names_causes([str(DOWN)], [DOWN])
    assert expected.names_causes([str(SURGE)], [ATTACK])
    assert expected.names_causes([], [])
    assert not expected.names_causes([str(DOWN)], [ELSEWHERE])
    assert not expected.names_causes([str(DOWN)], [])
    assert not expected.names_causes([], [DOWN])


def a_cause_is_read_as_it_is_written(expected: ModuleType) -> None:
    blocked = Fault(kind=K.DATA_ACL, element="node/A", target="node/B")
    assert [expected.cause(str(fault)) for fault in (DOWN, blocked)] == [DOWN, blocked]
    for text in ("link_down", "link_dwon at link/A:B--B:A", "link_down at "):
        with pytest.raises(ValueError, match="1 validation error"):
            expected.cause(text)


def a_peak_is_within_its_limit_where_it_was_measured(expected: ModuleType) -> None:
    assert expected.at_most(0.8, 0.8)
    assert not expected.at_most(0.8, 0.81)
    assert not expected.at_most(0.8, None)


def a_check_fails_by_its_name(expected: ModuleType) -> None:
    shown = Counterexample(element="link/A:B--B:A", measured=2.0, limit=1.0)
    checks = (
        Check(name="nominal", passed=False, detail="x", counterexample=shown),
        Check(name="policy", passed=True, detail="x", counterexample=shown),
        Check(name="useful", passed=False, detail="not evaluated"),
    )
    verdict = Verdict.model_construct(checks=checks)
    assert expected.fails("nominal", verdict)
    assert not expected.fails("policy", verdict)
    assert not expected.fails("useful", verdict)
    assert not expected.fails("fresh", verdict)


def a_hypervolume_is_the_volume_between_points_and_reference(hypervolume: ModuleType) -> None:
    assert hypervolume.hypervolume([(1.0, 2.0), (2.0, 1.0)], (3.0, 3.0)) == pytest.approx(3.0)
    assert hypervolume.hypervolume([(1.0, 2.0), (2.0, 1.0), (2.5, 2.5)], (3.0, 3.0)) == pytest.approx(3.0)
    assert hypervolume.hypervolume([(1.0, 3.0)], (3.0, 3.0)) == 0.0
    rng = np.random.default_rng(4)
    points = [tuple(map(float, x)) for x in rng.integers(0, 6, (7, 4))]
    cells = np.indices((6, 6, 6, 6)).reshape(4, -1).T  # unit cells by their lower corner
    inside = sum(any(all(c >= p) for p in np.array(points)) for c in cells)
    assert hypervolume.hypervolume(points, (6.0, 6.0, 6.0, 6.0)) == pytest.approx(inside)


def a_front_covers_what_others_do_not_add(hypervolume: ModuleType) -> None:
    front = [(0.0, 1.0, 5.0), (1.0, 0.0, 5.0)]
    assert hypervolume.covered(front, []) == 1.0
    assert hypervolume.covered(front, [(1.0, 1.0, 5.001)]) == 1.0  # dominated, and alike on the third axis
    assert hypervolume.covered(front, [(0.0, 0.0, 5.0)]) == pytest.approx((2 * 1.1 * 0.1 - 0.01) / 1.21)
    assert hypervolume.covered([(2.0, 2.0)], [(2.0, 2.0)]) == 1.0


FACTS = {
    "hypervolume": [
        a_hypervolume_is_the_volume_between_points_and_reference,
        a_front_covers_what_others_do_not_add,
    ],
    "expected": (
        expected_causes_are_named_exactly_up_to_what_no_measurement_tells_apart,
        a_cause_is_read_as_it_is_written,
        a_peak_is_within_its_limit_where_it_was_measured,
        a_check_fails_by_its_name,
    ),
    "sets": (
        pairs_are_counted,
        precision_recall_and_f1_follow_their_definitions,
        two_empty_sets_agree_fully,
        naming_nothing_where_something_is_is_worth_nothing,
        the_same_is_the_same_kind_at_the_same_element,
        kinds_that_no_measurement_tells_apart_count_as_one_at_the_same_element_only,
        ranks_count_from_one,
        calibration_is_the_distance_of_confidence_from_success,
    ),
    "places": (
        a_wrong_verdict_is_worth_nothing_and_the_right_one_on_a_healthy_network_all,
        device_and_interface_are_worth_half_each_and_either_end_will_do,
        a_fault_of_a_router_has_no_interface_and_its_device_is_worth_all,
    ),
    "intervals": (
        the_interval_equals_the_published_example,
        a_bootstrap_draws_clusters_together,
        a_bootstrap_of_one_cluster_or_none_claims_nothing,
        a_bootstrap_is_the_same_every_time_and_holds_its_figure,
        f1_sums_counts_over_cases,
        quantiles_have_intervals_around_them,
        all_of_k_counts_draws_without_replacement,
    ),
    "paired": (mcnemar_looks_at_the_cases_that_differ, a_paired_difference_is_second_minus_first),
    "plans": (
        a_verdict_names_what_is_wrong_by_check_element_failure_and_step,
        approvals_and_rejections_are_judged_by_the_label,
        more_harm_is_a_regression_and_less_an_improvement_beyond_noise,
        an_order_holds_each_step_once,
        a_gap_is_a_share_of_the_optimum,
        harm_adds_up_over_time,
    ),
    "series": (
        wape_weighs_errors_by_volume,
        gain_is_the_share_of_error_that_is_gone,
        intervals_cover_what_lies_in_them_ends_included,
        close_figures_agree,
    ),
}
