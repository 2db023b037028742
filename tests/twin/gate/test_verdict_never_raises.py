from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import changes, networks
from twin.errors import InputError
from twin.gate.checks.finding import CheckName
from twin.gate.verdict import Verdict, passes, verify
from twin.model import SegmentList, Tunnel
from twin.plan import (
    DrainLink,
    DrainNode,
    LimitDemand,
    Plan,
    RemoveTunnel,
    SetTunnel,
    SetWeight,
    UndrainNode,
    WakeLink,
    apply,
)
from twin.policy import Policy

NAMES = st.sampled_from(["N0", "N1", "N2", "node/N0", "N9", "n0", "A->B", "ü", "../etc", "N0; DROP TABLE node"])


@st.composite
def wild_changes(draw):
    """Well-formed changes about whatever a confused or hostile author may name."""
    a, b = draw(NAMES), draw(NAMES)
    shares = draw(st.sampled_from([(1.0,), (0.5, 0.5), (0.7, 0.7), (0.1,)]))
    paths = tuple(SegmentList(via=tuple(draw(st.lists(NAMES, max_size=2))), share=share) for share in shares)
    options = [
        SetWeight(link=f"{a}->{b}", weight=draw(st.integers(1, 2**24))),
        DrainLink(circuit=f"link/{a}:{b}--{b}:{a}"),
        WakeLink(circuit=f"link/{b}:{a}--{a}:{b}"),
        DrainNode(node=a),
        UndrainNode(node=b),
        SetTunnel(tunnel=Tunnel(name="T1", source=a, target=b, paths=paths, on_invalid="igp")),
        RemoveTunnel(name=a),
        LimitDemand(source=a, target=b, limit=draw(st.none() | st.floats(0, 1e9))),
    ]
    return draw(st.sampled_from(options))


@settings(max_examples=120)
@given(st.data(), networks(max_nodes=5), st.sampled_from(["relieve", "drain", "sleep", "restore"]))
def test_every_plan_gets_a_whole_verdict(data, network, objective):
    state, steps = network, []
    for _ in range(data.draw(st.integers(1, 4))):
        step = data.draw(st.one_of(changes(state), wild_changes()))
        steps.append(step)
        try:
            state = apply(state, step)
        except InputError:
            break
    plan = Plan(goal="any", base=network.id, steps=tuple(steps), objective=objective)
    policy = Policy(
        allow_rate_limits=data.draw(st.booleans()), max_failure_utilisation=data.draw(st.sampled_from([0.9, 1, 1.5]))
    )
    verdict = verify(plan, network, policy)
    assert [check.name for check in verdict.checks][:2] == ["grounded", "fresh"]
    assert len(verdict.checks) == len(get_args(CheckName)) - 1  # all but *classes*
    assert all(check.passed or check.detail for check in verdict.checks)
    judged = [check for check in verdict.checks if not check.passed and "not evaluated" not in check.detail]
    assert all(check.counterexample is not None for check in judged)
    assert passes(plan, network, policy) == verdict.passed
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
