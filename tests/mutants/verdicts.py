"""Faults of what a verdict and a certificate stand on: what is signed, declared, brought back, late and preferred."""

from .mutant import Mutant

_CERTIFICATE = "twin/gate/certificate.py"
_SIGNING = "twin/gate/signing.py"
_PASSKEY = "twin/gate/passkey.py"
_VERDICT = "twin/gate/verdict.py"
_DECLARED = "twin/gate/declared.py"
_BACK = "twin/gate/brought_back.py"
_DELAYS = "twin/gate/demand_delays.py"
_SIGNED = ("tests/twin/gate/test_certificate_signing.py",)
_BY_PASSKEY = ("tests/twin/gate/test_passkey.py",)
_SETTINGS = (
    "tests/twin/gate/test_declared.py::test_every_setting_that_is_not_the_declared_one_is_told",
    "tests/twin/gate/test_declared.py::test_what_is_set_right_may_overload_no_more_in_all_failures_above_neither_capacity_nor_limit",
)
_BROUGHT_BACK = (
    "tests/twin/gate/test_brought_back.py::test_what_would_be_carried_is_what_the_oracle_carries_demand_by_demand",
    "tests/twin/gate/test_brought_back.py::test_what_comes_back_leaves_by_the_exit_that_reflectors_tell_of",
)
_LATE = ("tests/twin/gate/test_demand_delays.py", "tests/twin/gate/test_repair_and_delay.py")
_POLICY = ("tests/twin/test_policy_file.py",)

VERDICTS = (
    Mutant(
        "the reason and the time of a decision are not signed",
        _SIGNING,
        'exclude={"signature", "assertion"}',
        'exclude={"signature", "assertion", "reason", "time"}',
        _SIGNED,
    ),
    Mutant(
        "a step may be made in a freeze",
        _CERTIFICATE,
        "closed = policy.closed(now)",
        "closed = None",
        ("tests/twin/gate/test_calendar.py",),
    ),
    Mutant(
        "no check at all is signed off", _CERTIFICATE, "if failed or not certificate.checks:", "if failed:", _SIGNED
    ),
    Mutant(
        "a certificate is older than its issue",
        _CERTIFICATE,
        "begins, expires = max(now, begins), min",
        "begins, expires = begins, min",
        _SIGNED,
    ),
    Mutant(
        "a certificate outlasts its plan",
        _CERTIFICATE,
        "min(expires, plan.until or expires)",
        "max(now, expires)",
        _SIGNED,
    ),
    Mutant(
        "who has a passkey may sign with any key",
        _CERTIFICATE,
        "if person.key is None or approval.key != person.key.hex:",
        "if person.key is not None and approval.key != person.key.hex:",
        ("tests/twin/gate/test_certificate_signing.py", "tests/twin/gate/test_passkey.py"),
    ),
    Mutant(
        "two people with one key are two",
        _CERTIFICATE,
        "min(len({x.who for x in people}), len({x.key for x in people}))",
        "len({x.who for x in people})",
        _SIGNED,
    ),
    Mutant(
        "one person with two keys is two",
        _CERTIFICATE,
        "min(len({x.who for x in people}), len({x.key for x in people}))",
        "len({x.key for x in people})",
        _SIGNED,
    ),
    Mutant(
        "a verdict on another plan is enough",
        _CERTIFICATE,
        "(verdict.plan, plan.hash,",
        "(verdict.plan, verdict.plan,",
        _SIGNED,
    ),
    Mutant(
        "a verdict on another state is enough",
        _CERTIFICATE,
        "(verdict.snapshot, plan.base,",
        "(verdict.snapshot, verdict.snapshot,",
        _SIGNED,
    ),
    Mutant(
        "an agent's approval of no person is taken for a person's",
        _CERTIFICATE,
        'if approval.role != "person" or not (approval.is_signed or approval.assertion):',
        "if not (approval.is_signed or approval.assertion):",
        _SIGNED,
    ),
    Mutant(
        "who may reject has to answer for the risk",
        _CERTIFICATE,
        'approval.decision == "approve" and TIERS',
        "TIERS",
        _SIGNED,
    ),
    Mutant("nobody has to approve", _CERTIFICATE, "    if not approvals:", "    if approvals is None:", _SIGNED),
    Mutant(
        "what a passkey does elsewhere is a decision", _PASSKEY, 'said["type"] != "webauthn.get" or ', "", _BY_PASSKEY
    ),
    Mutant("a foreign frame may use a passkey", _PASSKEY, " or foreign:", ":", _BY_PASSKEY),
    Mutant(
        "a passkey may be used under another name",
        _PASSKEY,
        "if authenticator[:32] != hashlib",
        "if authenticator[:0] and b'' != hashlib",
        _BY_PASSKEY,
    ),
    Mutant("presence is enough", _PASSKEY, "_PRESENT_AND_VERIFIED = 0x05", "_PRESENT_AND_VERIFIED = 0x01", _BY_PASSKEY),
    Mutant(
        "verification is enough", _PASSKEY, "_PRESENT_AND_VERIFIED = 0x05", "_PRESENT_AND_VERIFIED = 0x04", _BY_PASSKEY
    ),
    Mutant(
        "one check that passes is enough",
        _VERDICT,
        "all(check.passed for check in self.checks)\n",
        "any(check.passed for check in self.checks)\n",
        _SIGNED,
    ),
    Mutant(
        "what is not modelled is no reason",
        _VERDICT,
        "unmodelled = known.unmodelled if policy.refuse_unmodelled else ()",
        "unmodelled = ()",
        ("tests/twin/gate/test_refuse_unmodelled.py",),
    ),
    Mutant(
        "planners pass what is not modelled",
        _VERDICT,
        "network, policy, known.unmodelled if policy.refuse_unmodelled else (),",
        "network, policy, (),",
        ("tests/twin/gate/test_refuse_unmodelled.py",),
    ),
    Mutant(
        "planners pass what cannot be made",
        _VERDICT,
        "return grounding.check.passed and all(",
        "return all(",
        ("tests/twin/gate/test_refuse_unmodelled.py",),
    ),
    Mutant(
        "a purchase is orderable whatever else fails",
        _VERDICT,
        "if len(failing) == 1 and",
        "if failing and",
        ("tests/agents/run/test_goal_runs.py::test_a_capacity_that_a_policy_protects_is_nothing_to_order",),
    ),
    Mutant(
        "promises of the policy alone are not asked",
        _VERDICT,
        "if rehearsal.base.classes or rehearsal.policy.classes else {}",
        "if rehearsal.base.classes else {}",
        ("tests/twin/gate/test_class_promises.py",),
    ),
    Mutant("many steps are no high risk", _VERDICT, " or len(plan.steps) > policy.max_steps / 2", "", _POLICY),
    Mutant(
        "a link drained by another mode is as declared",
        _DECLARED,
        'x.asleep, x.drained and (x.cost_out or "drained"))',
        "x.asleep, x.drained)",
        _SETTINGS,
    ),
    Mutant(
        "a node drained by another mode is as declared",
        _DECLARED,
        '{x.name: x.drained and (x.cost_out or "drained") for',
        "{x.name: x.drained for",
        _SETTINGS,
    ),
    Mutant(
        "drains of links are as declared",
        _DECLARED,
        'x.asleep, x.drained and (x.cost_out or "drained"))',
        "x.asleep)",
        _SETTINGS,
    ),
    Mutant("links asleep are as declared", _DECLARED, "x.weight, x.asleep, ", "x.weight, ", _SETTINGS),
    Mutant("weights are as declared", _DECLARED, "(x.weight, x.asleep,", "(x.asleep,", _SETTINGS),
    Mutant("drained nodes are as declared", _DECLARED, "return links, nodes, ", "return links, ", _SETTINGS),
    Mutant("tunnels are as declared", _DECLARED, "{x.name: x for x in network.tunnels}, ", "", _SETTINGS),
    Mutant("limits are as declared", _DECLARED, ", network.limits", ", ()", _SETTINGS),
    Mutant(
        "excess above the limit may grow when set right",
        _DECLARED,
        "(was.overload, now.overload), (was.excess, now.excess)",
        "(was.overload, now.overload), (was.overload, now.overload)",
        _SETTINGS,
    ),
    Mutant(
        "overload above capacity may grow when set right",
        _DECLARED,
        "(was.overload, now.overload), (was.excess, now.excess)",
        "(was.excess, now.excess), (was.excess, now.excess)",
        _SETTINGS,
    ),
    Mutant(
        "between two ends what is declared is excused",
        "twin/gate/rules.py",
        "if len(befores) > 1 or was is None",
        "if was is None",
        ("tests/twin/gate/test_declared.py::test_a_state_on_the_way_is_not_excused_for_what_is_declared",),
    ),
    Mutant(
        "links lose what comes back",
        _BACK,
        "link._replace(loss=0.0) for",
        "link._replace(loss=link.loss) for",
        _BROUGHT_BACK,
    ),
    Mutant(
        "who tells of exits is forgotten as traffic comes back",
        _BACK,
        'if x.does == "reflect")',
        "if not x.does)",
        _BROUGHT_BACK,
    ),
    Mutant(
        "a lossy link is no loss",
        _BACK,
        "return bool(network.astray) or any(link.loss > 0 for link in network.links)",
        "return bool(network.astray)",
        _BROUGHT_BACK,
    ),
    Mutant(
        "means over ways are not limited",
        _DELAYS,
        "zip(delays, limits, OF_WAYS, strict=True)",
        "list(zip(delays, limits, OF_WAYS, strict=True))[:1]",
        _LATE,
    ),
    Mutant(
        "the limit of one demand replaces that of all",
        _DELAYS,
        "= np.minimum(values[source, target], own)",
        "= own",
        _LATE,
    ),
    Mutant(
        "a stretch lifts the limit in ms",
        _DELAYS,
        "return np.minimum(np.where(known, stretched, np.inf), most.longest_ms)",
        "return np.where(known, stretched, most.longest_ms)",
        _LATE,
    ),
    Mutant(
        "under a failure what it took intact is allowed",
        _DELAYS,
        "was = [x.during(row).delays for x in befores]",
        "was = [x.outcome.delays for x in befores]",
        _LATE,
    ),
    Mutant(
        "limits of single demands under failures are those intact",
        _DELAYS,
        "return limits.max_failure_stretch, limits.max_failure_delay_ms",
        "return limits.max_stretch, limits.max_delay_ms",
        _LATE,
    ),
    Mutant(
        "who sends nothing may be late",
        _DELAYS,
        "asked = (network.offered > 0) & np.isfinite(delays.longest)",
        "asked = np.isfinite(delays.longest)",
        _LATE,
    ),
    Mutant(
        "limits of demands that nobody has are passed over",
        _DELAYS,
        "known.issuperset(name.split",
        "known.intersection(name.split",
        _LATE,
    ),
    Mutant(
        "an exit that is costed out is one of the others",
        "twin/model.py",
        "return MOST_PREFERENCE + 1 if last",
        "return MOST_PREFERENCE if last",
        (
            "tests/twin/gate/test_labels_and_metrics.py::test_an_exit_that_is_costed_out_comes_after_the_last_preference_that_there_is",
        ),
    ),
    Mutant(
        "an exit that is costed out has the largest metric",
        "twin/model.py",
        "return MOST_PREFERENCE + 1 if last",
        "return max(link.weight, self.largest_metric) if last",
        (
            "tests/twin/gate/test_labels_and_metrics.py::test_an_exit_that_is_costed_out_comes_after_the_last_preference_that_there_is",
        ),
    ),
    Mutant(
        "costed-out exits keep their preference in the emulated network",
        "twin/live/tables.py",
        "preferences = {i: int(weight[i]) for i in ways}",
        "preferences = {i: network.links[i].weight for i in ways}",
        ("tests/twin/live/test_forwarding_agreement.py",),
    ),
    Mutant(
        "a preference may be degraded beyond all",
        "twin/network_rules.py",
        "most = max(link.weight, link.degraded_weight)",
        "most = link.weight",
        ("tests/twin/gate/test_bundles.py",),
    ),
)
