"""What somebody tries in the console as a plan: its steps, what the gate says of it, and where it refuses it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from agents.wording import capital, counted, sentence
from tools.box.run_state import RunState
from twin.elements import find_elements
from twin.errors import InputError, TwinError
from twin.gate.checks.context import Context
from twin.gate.verdict import Verdict, verify_knowing
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, Plan
from twin.policy import Policy

from .refusal_view import RefusalView, refusal_view


class GateAnswer(NamedTuple):
    """What the gate says of drains that somebody tries. A rehearsal, never a permission."""

    plan: str
    words: str
    passed: bool
    steps: tuple[str, ...]
    verdict: Verdict
    policy: Policy
    refusal: RefusalView | None


def trial_plan(network: Network, drain: Sequence[str]) -> Plan:
    """The plan that drains some elements of a network. Raises `InputError` where none is named, or by a wrong name."""
    names = dict.fromkeys(x for name in drain if name.strip() for x in find_elements(network, name.strip()))
    if not names:
        raise InputError("nothing is drained", fix="name what is drained: a plan changes the network, it fails nothing")
    steps: tuple[Change, ...] = tuple(
        DrainNode(node=x.removeprefix("node/")) if x.startswith("node/") else DrainLink(circuit=x) for x in names
    )
    goal = capital(", ".join(sentence(x) for x in steps))
    return Plan(goal=goal[:300], base=network.id, steps=steps, objective="drain")


def judge_trial(network: Network, run_state: RunState, drain: Sequence[str]) -> GateAnswer:
    """Have the gate judge the drains on a network as it is measured, in the hours ahead too. Raises as `trial_plan`."""
    plan, policy = trial_plan(network, drain), run_state.policy
    try:
        outlook = run_state.outlook
    except TwinError:  # too little is measured yet to say what comes
        outlook = None
    known = Context(run_state.evidence, outlook=outlook, starts=run_state.live.now, works=run_state.works)
    verdict = verify_knowing(
        replace(known, step_lasts=run_state.step_lasts, declared=run_state.inventory), plan, network, policy
    )
    failed = sum(not x.passed for x in verdict.checks)
    words = (
        "The gate would let this plan pass, as the network is now"
        if verdict.passed
        else f"The gate refuses this plan: {counted(failed, 'checks')} of {len(verdict.checks)} failed"
    )
    shown = refusal_view(network, plan, verdict, policy.max_utilisation)
    steps = tuple(capital(sentence(x)) for x in plan.steps)
    return GateAnswer(plan.hash, words, verdict.passed, steps, verdict, policy, shown)
