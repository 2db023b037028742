"""Faults of the gate: what lets a harmful plan pass."""

from .mutant import Mutant

_USE = ("tests/twin/gate/test_verdict_policy_and_use.py",)
_CHECKS = ("tests/twin/gate/test_verdict_checks.py",)
_DEMANDS = ("tests/twin/gate/test_verdict_uncertain.py",)
_POLICY = ("tests/twin/test_policy_file.py",)
_CALENDAR = ("tests/twin/gate/test_calendar.py",)
_SIGNED = ("tests/twin/gate/test_certificate_signing.py",)


def _alone(test: str) -> tuple[str, ...]:
    return (f"tests/twin/gate/test_each_rule_alone.py::test_{test}",)


_RULED = (
    Mutant(
        "a verdict without a check has passed",
        "twin/gate/verdict.py",
        "return bool(self.checks) and all(",
        "return all(",
        _SIGNED,
    ),
    Mutant(
        "checks run on what is not grounded",
        "twin/gate/verdict.py",
        "if grounding.check.passed else",
        "if True else",
        _alone("of_a_plan_that_cannot_be_made_nothing_is_told_about_loops"),
    ),
    Mutant(
        "a plan that failed is of low risk",
        "twin/gate/verdict.py",
        "if moved is None or not verdict.passed:",
        "if moved is None:",
        _POLICY,
    ),
    Mutant(
        "many steps are of low risk",
        "twin/gate/verdict.py",
        " and len(plan.steps) <= policy.low_risk_steps",
        "",
        _POLICY,
    ),
    Mutant(
        "half of what may move is no high risk",
        "twin/gate/verdict.py",
        "moved > policy.max_blast_radius / 2",
        "moved > policy.max_blast_radius",
        _POLICY,
    ),
    Mutant(
        "one step too many is allowed",
        "twin/gate/checks/limits.py",
        "if len(made) > most:",
        "if len(made) > most + 1:",
        _USE,
    ),
    Mutant(
        "only what a step names is protected, not what it touches",
        "twin/gate/checks/limits.py",
        "touched(state, step) & set(rules.protected)",
        "{subject(step)} & set(rules.protected)",
        _USE,
    ),
    Mutant(
        "a protected element that is not there protects nothing and nobody is told",
        "twin/gate/checks/limits.py",
        "if not any(exists(state, element) for state in rehearsal.states):",
        "if not rehearsal.states:",
        _USE,
    ),
    Mutant(
        "capacities are set",
        "twin/gate/checks/limits.py",
        "if isinstance(step, SetCapacity):",
        "if isinstance(step, SetCapacity) and rules.protected:",
        _USE,
    ),
    Mutant(
        "rate limits need nobody's leave", "twin/gate/checks/limits.py", " and not rules.allow_rate_limits", "", _USE
    ),
    Mutant(
        "any amount of traffic moves",
        "twin/gate/checks/limits.py",
        "if step and share > limit + 1e-9 + _error_of(rehearsal, made[step - 1].after.network, share):",
        "if share > limit + 1:",
        _USE,
    ),
    Mutant(
        "old measurements are fresh",
        "twin/gate/checks/fresh.py",
        "measured > limit if at_most",
        "measured < 0 if at_most",
        _DEMANDS,
    ),
    Mutant(
        "evidence is never required",
        "twin/gate/checks/fresh.py",
        "if limits.require_evidence:",
        "if False:",
        _DEMANDS,
    ),
    Mutant(
        "a plan of another snapshot is grounded",
        "twin/gate/checks/grounded.py",
        "if plan.base != network.id:",
        "if not plan.base:",
        _CHECKS,
    ),
    Mutant(
        "a step that changes nothing is a step",
        "twin/gate/checks/grounded.py",
        "if states[-1].id == states[-2].id:",
        "if False:",
        _CHECKS,
    ),
    Mutant(
        "the tail of the demands that may come is cut at its edge",
        "twin/gate/rules.py",
        "return float((worst[:whole].sum() + edge) / tail)",
        "return float(worst[:whole].sum() / tail)",
        _DEMANDS,
    ),
    Mutant(
        "a plan that gains nothing is useful",
        "twin/gate/checks/useful.py",
        "if gain >= limits.min_gain and gain > 0:",
        "if gain > 0:",
        _USE,
    ),
)

_COMPARE, _RULES, _WAY = "twin/gate/no_worse.py", "twin/gate/rules.py", "twin/gate/checks/transient.py"
_ORACLE = ("tests/twin/gate/test_rules_oracle.py",)
_LABELLED = ("tests/twin/gate/test_verdict_gate_cases.py",)
_ODD = ("tests/twin/gate/test_verdict_odd_numbers.py",)

_AHEAD = "twin/gate/checks/horizon.py"
_DELAY = "tests/twin/gate/test_repair_and_delay.py::test_"
_ENDED = "tests/twin/gate/test_horizon.py::test_the_steps_that_end_a_plan_are_held_to_all_that_its_steps_are"
_BACK = "tests/twin/gate/test_brought_back.py::test_"
_DECLARED = "tests/twin/gate/test_declared.py::test_"

_STATES = (
    Mutant(
        "all that was lost counts as brought back",
        "twin/gate/brought_back.py",
        "back = np.clip(share, 0.0, 1.0) * network.offered",
        "back = (share.any() + 0 * share) * network.offered",
        (f"{_BACK}what_would_be_carried_is_what_the_oracle_carries_demand_by_demand",),
    ),
    Mutant(
        "what comes back excuses a full link with everything up",
        _RULES,
        "or busier((before,), after, policy.max_utilisation, where, error)",
        "or busier_failing((before,), after, policy.max_utilisation, where, error)",
        (f"{_BACK}with_everything_up_what_comes_back_takes_nothing_from_those_who_were_served",),
    ),
    Mutant(
        "any plan counts as setting the network right",
        "twin/gate/declared.py",
        "if not after.as_declared or was is None",
        "if was is None",
        (f"{_DECLARED}the_same_plan_fails_where_nobody_says_what_is_declared_or_something_else_is",),
    ),
    Mutant(
        "what is declared may overload more in all failures together",
        "twin/gate/declared.py",
        "float(after.sum()) <= float(before.sum())",
        "float(after.sum()) >= 0",
        (f"{_DECLARED}more_or_less_than_what_is_declared_and_what_makes_the_network_less_safe_is_refused",),
    ),
    Mutant(
        "what is declared may overload a failure that keeps its limits",
        _RULES,
        "np.flatnonzero(was.max_utilisation > policy.max_failure_utilisation + SHARE_SLACK)",
        "np.arange(len(was.max_utilisation))",
        (f"{_DECLARED}more_or_less_than_what_is_declared_and_what_makes_the_network_less_safe_is_refused",),
    ),
    Mutant(
        "failures of what a plan brings into use are not tried",
        "twin/gate/checks/rehearsal.py",
        "for state in self.states for failure in",
        "for state in self.states[:1] for failure in",
        _alone("the_failure_of_what_a_plan_brings_into_use_counts"),
    ),
    Mutant(
        "a state on the way is over when its step is made",
        "twin/gate/checks/on_the_way.py",
        "return moment < self.making.over(step)",
        "return moment < self.making.over(step - 1)",
        _CALENDAR,
    ),
    Mutant(
        "states on the way never meet the traffic of their hours",
        "twin/gate/checks/on_the_way.py",
        "return state.under_demands(time.hour.demands) if time.hour is not None else state",
        "return state",
        _CALENDAR,
    ),
    Mutant(
        "windows are looked at before the first step alone",
        "twin/gate/checks/limits.py",
        "latest = begins + (number - 1) * lasts",
        "latest = begins",
        _CALENDAR,
    ),
    Mutant(
        "states on the way meet no failure",
        _RULES,
        "        or worse_under_failure(ends, here, policy, where)\n        or late(outcomes",
        "        or late(outcomes",
        _LABELLED,
    ),
    Mutant(
        "one way of a demand may be late if the others are not",
        "twin/gate/demand_delays.py",
        "    for delay_ms, limit, told in zip(delays, limits, OF_WAYS, strict=True):",
        "    for delay_ms, limit, told in list(zip(delays, limits, OF_WAYS, strict=True))[1:]:",
        ("tests/twin/gate/test_demand_delays.py",),
    ),
    Mutant(
        "demands may be late between two steps",
        _RULES,
        "        or late(outcomes, here.outcome, policy, where)\n",
        "",
        (f"{_DELAY}a_demand_that_is_late_between_two_steps_alone_is_found",),
    ),
    Mutant(
        "repairs and delays under a failure are not looked at between two steps",
        _RULES,
        "        or worse_in_time(ends, here, policy, where)\n",
        "",
        (f"{_DELAY}a_plan_that_makes_a_repair_worse_fails_where_the_policy_limits_repairs",),
    ),
    Mutant(
        "repairs are not looked at once demands have grown",
        _RULES,
        "where) or fuller_in_repair((before,), after, policy, where)\n",
        "where)\n",
        (f"{_DELAY}a_plan_that_makes_a_repair_worse_fails_where_the_policy_limits_repairs",),
    ),
    Mutant(
        "of a repair that breaks the limit already the fullest link alone counts",
        "twin/gate/in_repair.py",
        "        if more:\n",
        "        if False:\n",
        (f"{_DELAY}no_repair_may_fill_other_links_than_the_fullest_where_that_breaks_the_limit_already",),
    ),
    Mutant(
        "promises to classes are not kept once demands have grown",
        _RULES,
        "    return worse or worse_for_classes(before, after, policy, where)\n\n\ndef worse_under_failure",
        "    return worse\n\n\ndef worse_under_failure",
        ("tests/twin/gate/test_class_promises.py",),
    ),
    Mutant(
        "demands may be late while others work and something fails",
        _AHEAD,
        "    if works or (fullest and not before.is_large):",
        "    if fullest and not before.is_large:",
        (f"{_DELAY}a_demand_may_be_no_later_while_others_work_and_something_fails",),
    ),
    Mutant(
        "works that follow one another in an hour count as two at once",
        _AHEAD,
        "    turns = (*edges, until) if until is not None else edges",
        "    turns = (until,) if until is not None else ()",
        (f"{_CALENDAR[0]}::test_works_that_follow_one_another_in_an_hour_are_not_two_at_once",),
    ),
    Mutant(
        "where nobody knows how long steps take all works are two at once",
        "twin/gate/checks/context.py",
        "        return tuple(dict.fromkeys(x for x in found if x))",
        "        return (self.works,) if any(found) else ()",
        (f"{_CALENDAR[0]}::test_works_that_follow_one_another_in_an_hour_are_not_two_at_once",),
    ),
    Mutant(
        "what ends a plan may lead anywhere",
        _AHEAD,
        "(_ends_before_it_is_made, on_the_way, at_the_end, _once_ended)",
        "(_ends_before_it_is_made, on_the_way, at_the_end)",
        (_ENDED,),
    ),
    Mutant(
        "what ends a plan may touch anything",
        "twin/gate/checks/limits.py",
        "*rehearsal.closing[1:]), (*rehearsal.plan.steps, *rehearsal.plan.closing)",
        "), (*rehearsal.plan.steps,)",
        (_ENDED,),
    ),
    Mutant(
        "steps are made after the plan has ended",
        _AHEAD,
        "        if until <= latest:",
        "        if until <= making.earliest:",
        ("tests/twin/optimise/test_in_time.py",),
    ),
    Mutant(
        "planners are asked for more steps than there is time for",
        "twin/optimise/in_time.py",
        'return policy.model_copy(update={"max_steps": min(policy.max_steps, most)}) if most > 0 else policy',
        "return policy",
        ("tests/twin/optimise/test_in_time.py",),
    ),
    Mutant(
        "planners touch what is blacked out while steps are made",
        "twin/optimise/ahead.py",
        "(spared := sparing(limits, coming, network)) != limits",
        "(spared := limits) != limits",
        ("tests/twin/optimise/test_in_time.py",),
    ),
    Mutant(
        "planners leave steps in an order that does not hold in their hours",
        "twin/optimise/in_time.py",
        "    if objection is not None and context.making is not None:",
        "    if False and context.making is not None:",
        ("tests/twin/optimise/test_in_time.py",),
    ),
    Mutant(
        "traffic dropped on the way is not seen",
        _RULES,
        """        falls_short((before,), here.outcome, where, error=error)
        or refuses_more(before, here""",
        """        (np.isinf(here.outcome.delay_ms).any() and falls_short((before,), here.outcome, where, error=error))
        or refuses_more(before, here""",
        _alone("traffic_dropped_between_two_steps_is_told_where_it_is_dropped"),
    ),
    Mutant(
        "a busier link on the way is not seen",
        _COMPARE,
        "if not spike.any():",
        "if spike.size:",
        _alone("a_link_busier_on_the_way_than_at_both_ends_is_told_though_the_peak_falls"),
    ),
    Mutant(
        "a link above the limit may get busier than any was",
        _COMPARE,
        "if after.max_utilisation > allowed + SHARE_SLACK:",
        "if after.max_utilisation > allowed + 99:",
        _alone("the_peak_may_not_rise_though_less_is_above_the_limit_and_above_capacity"),
    ),
    Mutant("only what is above the limit adds up", _COMPARE, "sorted({limit, 1.0}, reverse=True)", "(limit,)", _CHECKS),
    Mutant("only what is above capacity adds up", _COMPARE, "sorted({limit, 1.0}, reverse=True)", "(1.0,)", _CHECKS),
    Mutant(
        "traffic that lossy links drop is not missed",
        _COMPARE,
        "    if not cut.any():\n        return _dropped(befores, after, float(more.sum()), where)\n",
        "    if not cut.any():\n        return None\n",
        _CHECKS,
    ),
    Mutant(
        "a demand may miss what others get instead",
        _COMPARE,
        "more = after - np.max(befores, axis=0)",
        "more = (after - np.max(befores, axis=0)) * float(after.sum() > max(x.sum() for x in befores))",
        _alone("with_everything_up_one_may_not_be_cut_off_for_another_however_small"),
    ),
    Mutant(
        "on the way one may lose what another lost at the other end",
        _COMPARE,
        "<= max(float(x.sum()) for x in missed) + slack:",
        "<= 2 * sum(float(x.sum()) for x in missed) + slack:",
        _alone("a_failure_on_the_way_may_not_cut_off_both_whom_it_cuts_off_one_at_each_end"),
    ),
    Mutant(
        "the slack grows with the traffic of others",
        _COMPARE,
        "return min(_MOST_SLACK, max(_LEAST_SLACK, 1e-9 * float(network.offered.sum())))",
        "return max(_LEAST_SLACK, 1e-9 * float(network.offered.sum()))",
        _ODD,
    ),
    Mutant(
        "traffic refused is none lost",
        _COMPARE,
        "if after.refused <= before.refused + slack or",
        "if after.refused >= 0 or",
        _LABELLED,
    ),
    Mutant(
        "the longest delay does not count",
        _COMPARE,
        "if float(now.max()) > stretch * float(was.max()) + SHARE_SLACK:",
        "if float(now.max()) < 0:",
        _CHECKS,
    ),
    Mutant(
        "a failure is looked at by its sums alone",
        _RULES,
        "more[row] = newly if newly > accepted else more[row]",
        "more[row] = more[row]",
        _alone("one_failure_may_not_cut_off_another_customer_instead_however_small"),
    ),
    Mutant(
        "a link that is full under a failure is no reason to look",
        _RULES,
        "if more[row] > 0 or hot[row]]",
        "if more[row] > 0]",
        _CHECKS,
    ),
    Mutant(
        "every plan may lose what a drain may lose",
        _RULES,
        "* float(before.offered.sum()) if drains else 0.0",
        "* float(before.offered.sum())",
        _USE,
    ),
    Mutant(
        "harm under demands that may come does not count",
        _RULES,
        " and spilt[1] <= spilt[0] + rate_slack(state.network):",
        ":",
        _alone("demands_that_may_come_count_by_their_harm_where_the_peak_is_over_its_limit_already"),
    ),
    Mutant(
        "any share may loop while routers change over",
        "twin/gate/checks/convergence.py",
        "found.share <= policy.max_loop_share + 1e-9",
        "found.share <= policy.max_loop_share + 1",
        _ORACLE,
    ),
    Mutant(
        "the way back may lead elsewhere",
        _WAY,
        "if reached.id != expected.id:",
        "if not reached.id:",
        _alone("a_state_that_undoing_does_not_lead_to_is_named_with_its_step"),
    ),
    Mutant(
        "the way back may be worse than both ends",
        _WAY,
        "violation = worse_than_ends(ends, outcomes[step], rehearsal.policy, step, rehearsal.context.error)",
        "violation = worse_than_ends(ends, outcomes[0], rehearsal.policy, step, rehearsal.context.error)",
        _CHECKS,
    ),
    Mutant(
        "a drain that traffic still passes is useful",
        "twin/gate/checks/useful.py",
        "if passing[worst] > slack:",
        "if passing[worst] < 0:",
        _alone("what_still_passes_a_drained_router_is_told_with_its_amount"),
    ),
)

GATE: tuple[Mutant, ...] = (*_RULED, *_STATES)
