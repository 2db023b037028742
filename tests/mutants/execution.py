"""Faults of what acts: the last look before a plan, its steps, what counts as agreement, and the way back."""

from .mutant import Mutant

_LIVE = "tests/twin/execute/test_executor_live.py"
_DOUBTS = "tests/twin/execute/test_executor_believes_nothing.py"
_EXECUTOR, _PREFLIGHT, _ROLLOUT, _AGREEMENT, _DEVIATION = (
    "twin/execute/executor.py",
    "twin/execute/preflight.py",
    "twin/execute/steps.py",
    "twin/execute/agreement.py",
    "twin/execute/deviation.py",
)


_BEFORE = (
    Mutant(
        "a plan of an older twin is executed",
        _EXECUTOR,
        "if current != network.id:",
        "if not current:",
        (f"{_LIVE}::test_a_twin_that_changed_between_verdict_and_execution_stops_it",),
    ),
    Mutant(
        "what the last look refuses is executed",
        _EXECUTOR,
        "if start.refusal or start.before is None:",
        "if start.before is None and start.refusal is None:",
        (f"{_DOUBTS}::test_what_somebody_else_changed_since_the_verdict_is_refused",),
    ),
    Mutant(
        "the demands measured are not asked",
        _PREFLIGHT,
        "for base, error in ((planned, None), (found.base, demand_error(network, found.measured, policy))):",
        "for base, error in ((planned, None),):",
        (f"{_DOUBTS}::test_a_plan_that_fails_under_the_demands_of_now_is_refused_however_small_their_share",),
    ),
    Mutant(
        "what nobody knows of is no reason to refuse",
        _PREFLIGHT,
        'told(found.foreign)}"] if found.foreign else []',
        'told(found.foreign)}"] if found.moved and not found.foreign else []',
        (f"{_DOUBTS}::test_what_somebody_else_changed_since_the_verdict_is_refused",),
    ),
    Mutant(
        "what a network cannot do is tried",
        _PREFLIGHT,
        "    if unable:\n",
        "    if unable and because:\n",
        (f"{_DOUBTS}::test_a_change_that_the_network_declares_it_cannot_make_is_refused_before_anything_happens",),
    ),
)

_ON_THE_WAY = (
    Mutant(
        "a certificate is looked at once",
        _ROLLOUT,
        "        permit()\n",
        "",
        (f"{_DOUBTS}::test_a_certificate_that_expires_under_way_permits_no_further_step",),
    ),
    Mutant(
        "leave to make a step may end in the look before it",
        _ROLLOUT,
        "            self._require_leave(number, policy, permit)\n",
        "            pass\n",
        (f"{_LIVE}::test_a_step_is_not_made_when_the_look_before_it_outlasts_the_leave_to_make_it",),
    ),
    Mutant(
        "a step is not on the record before it is made",
        _ROLLOUT,
        '        self._log.write(number, "apply", f"making step {number}", change=change)\n',
        "",
        (f"{_LIVE}::test_the_record_comes_before_the_effect",),
    ),
    Mutant(
        "what was configured is not read back",
        _ROLLOUT,
        "wrong = misconfigured or agreement.deviation",
        "wrong = agreement.deviation",
        (f"{_DOUBTS}::test_a_change_that_is_not_read_back_as_made_is_never_confirmed",),
    ),
    Mutant(
        "what somebody changes between two steps is not seen",
        _ROLLOUT,
        "wrong = self._wrongly_configured(number - 1)",
        "wrong = None",
        (f"{_DOUBTS}::test_what_somebody_else_changes_before_a_step_turns_the_plan_back_and_stays",),
    ),
    Mutant(
        "the rest of a plan is not verified",
        _ROLLOUT,
        "failed = remaining(self._plan, number - 1, here, self._states[0], policy, error, self._configured[0])",
        "failed = None",
        (f"{_DOUBTS}::test_a_surge_under_way_stops_the_steps_that_would_not_hold_it",),
    ),
    Mutant(
        "a step that comes late is not verified again",
        "twin/execute/remaining.py",
        "if not more and not self._meets_more(made, now):",
        "if not more:",
        (f"{_LIVE}::test_no_step_runs_into_work_of_others_that_the_plan_was_not_verified_for",),
    ),
    Mutant(
        "work of others that is entered while a plan is made is not known",
        "twin/execute/remaining.py",
        "if not more and not self._meets_more(made, now):",
        "if not self._meets_more(made, now):",
        (f"{_LIVE}::test_no_step_runs_into_work_of_others_that_the_plan_was_not_verified_for",),
    ),
)

_SEEN = (
    Mutant(
        "what is down agrees",
        _AGREEMENT,
        "        deviation.states(observation)\n        or deviation",
        "        deviation",
        (f"{_LIVE}::test_a_network_that_disagrees_is_taken_back_to_its_start",),
    ),
    Mutant(
        "losses agree",
        _AGREEMENT,
        "        or deviation.losses(observation, residuals, tolerance)\n",
        "",
        (f"{_LIVE}::test_a_network_that_disagrees_is_taken_back_to_its_start",),
    ),
    Mutant(
        "loads agree",
        _AGREEMENT,
        "        or deviation.loads(observation, residuals, tolerance)\n",
        "",
        (f"{_LIVE}::test_a_weight_that_no_router_tells_of_is_seen_in_the_loads",),
    ),
    Mutant(
        "probes that get lost agree",
        _AGREEMENT,
        "        or _lost_end_to_end(observation, tolerance, before)\n",
        "",
        (f"{_DOUBTS}::test_data_lost_behind_the_counters_of_the_new_path_is_seen_by_probes",),
    ),
    Mutant(
        "probes that are late agree",
        _AGREEMENT,
        "        or deviation.delays(observation, residuals.prediction, tolerance, before)\n",
        "",
        (f"{_DOUBTS}::test_a_path_that_has_become_slow_is_seen_by_probes",),
    ),
    Mutant(
        "samples from before a change confirm it",
        _AGREEMENT,
        "first = since.timestamp() + interval + telemetry.declared.settle_s(interval) - _ROUNDING_S",
        "first = since.timestamp() - interval",
        (f"{_DOUBTS}::test_only_whole_intervals_that_began_after_a_change_count",),
    ),
    Mutant(
        "telemetry that repeats itself is new",
        _AGREEMENT,
        "wrong = deviation.clock(seen, live.now.timestamp())",
        "wrong = None",
        (f"{_DOUBTS}::test_telemetry_that_says_nothing_of_the_time_after_a_step_confirms_nothing",),
    ),
    Mutant(
        "an empty path is hashing",
        _DEVIATION,
        "(chance > _NATS) & (measured <= least)",
        "(chance > 1e9) & (measured <= least)",
        (f"{_DOUBTS}::test_hashing_never_hides_a_whole_path",),
    ),
)

_BACK = (
    Mutant(
        "the end of the way back is not compared",
        _ROLLOUT,
        "if touched & set(found):\n            raise",
        "if not touched:\n            raise",
        (f"{_DOUBTS}::test_a_way_back_that_does_not_end_where_it_began_says_so",),
    ),
    Mutant(
        "an undo that was answered is made",
        _ROLLOUT,
        "if not left:\n",
        "if not left or error is None:\n",
        (f"{_DOUBTS}::test_an_undo_that_the_network_only_says_it_made_is_never_believed",),
    ),
    Mutant(
        "a step made half way is left",
        _ROLLOUT,
        "made = bool(touched & set(self._differences(self.applied)))",
        "made = False",
        (f"{_LIVE}::test_a_step_that_fails_half_way_is_taken_back_with_the_others",),
    ),
    Mutant(
        "Ctrl-C stops the way back",
        _ROLLOUT,
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))",
        (f"{_LIVE}::test_ctrl_c_between_two_changes_of_the_way_back_does_not_stop_it",),
    ),
    Mutant(
        "a record that cannot be written stops the way back",
        "twin/execute/logbook.py",
        "with suppress(BaseException):",
        "with suppress(ZeroDivisionError):",
        (f"{_LIVE}::test_a_journal_that_cannot_be_written_stops_the_plan_and_not_the_way_back",),
    ),
    Mutant(
        "recovery undoes what somebody else changed",
        _ROLLOUT,
        "if not passed:\n            raise ExecutionError(",
        "if not passed:\n            passed = [len(self._configured) - 1]\n        if not self._configured:\n"
        "            raise ExecutionError(",
        (f"{_LIVE}::test_recovery_does_not_touch_what_somebody_else_has_changed",),
    ),
)

_FOUND = (
    Mutant(
        "a repair that was never made is taken back",
        _ROLLOUT,
        "self.applied = made[-1] if made else passed[-1]",
        "self.applied = passed[-1] if made else passed[-1]",
        (f"{_LIVE}::test_what_the_inventory_cannot_tell_of_a_repair_is_told_by_the_routers",),
    ),
    Mutant(
        "a repair that was made is not taken back",
        _ROLLOUT,
        "self.applied = made[-1] if made else passed[-1]",
        "self.applied = made[0] if made else passed[-1]",
        (f"{_LIVE}::test_what_the_inventory_cannot_tell_of_a_repair_is_told_by_the_routers",),
    ),
)

EXECUTION: tuple[Mutant, ...] = (*_BEFORE, *_ON_THE_WAY, *_SEEN, *_BACK, *_FOUND)
