"""What is typed: golden lines per dialect, questions instead of guesses, and nothing that a name could smuggle in."""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.twin.optimise.networks import network_of
from twin.errors import InputError, TopologyError
from twin.execute.actuators.advised import advice_lines
from twin.execute.render import Inventory, render
from twin.execute.routers import Dialect, Router, Routers
from twin.live.effects import Intended
from twin.model import SegmentList, Tunnel
from twin.plan import (
    DrainLink,
    DrainNode,
    LimitDemand,
    Plan,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "render"
CIRCUITS = [("A", "B", 10.0, 7), ("B", "C", 10.0, 8), ("A", "C", 10.0, 20), ("C", "D", 10.0, 9), ("A", "D", 10.0, 30)]
NETWORK = network_of(CIRCUITS, {("A", "C"): 1.0, ("A", "D"): 1.0})
INTERFACES = {link.name: f"ge-0/0/{i}.0" for i, link in enumerate(NETWORK.links)}
ROUTERS = Routers(
    process="CORE",
    color=100,
    named={name: Router(loopback=f"192.0.2.{i}", sid=16_000 + i) for i, name in enumerate("ABCD", start=1)},
)
SPLIT = Tunnel(
    name="A>C", source="A", target="C", paths=(SegmentList(via=("B",), share=0.75), SegmentList(via=(), share=0.25))
)
WHOLE = Tunnel(name="A>D", source="A", target="D", paths=(SegmentList(via=("C",)),))
PLAN = Plan(
    goal="Every kind of change.",
    base=NETWORK.id,
    steps=(
        SetWeight(link="A->B", weight=17),
        DrainLink(circuit=NETWORK.links[NETWORK.link("B->C")].circuit),
        DrainNode(node="B"),
        SetTunnel(tunnel=SPLIT),
        SetTunnel(tunnel=WHOLE),
        SleepLink(circuit=NETWORK.links[NETWORK.link("C->D")].circuit),
        UndrainLink(circuit=NETWORK.links[NETWORK.link("B->C")].circuit),
        LimitDemand(source="A", target="C", limit=0.5),
        SetCapacity(circuit=NETWORK.links[NETWORK.link("A->D")].circuit, capacity=100.0),
    ),
)


def spelled(rendering):
    lines = []
    for step in rendering.steps:
        lines.append(f"## step {step.step}: {step.about}")
        lines += [f"by hand: {step.by_hand}"] * bool(step.by_hand) + [f"note: {step.note}"] * bool(step.note)
        for part in step.routers:
            kept = [part.when_kept, *part.keep] if part.keep else []
            lines += [f"# {part.router}", *part.lines, f"check: {part.check}", *kept, "back:", *part.back, *kept]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("igp", ["isis", "ospf"])
@pytest.mark.parametrize("dialect", get_args(Dialect))
def test_every_kind_of_change_reads_as_its_dialect_writes_it(dialect, igp):
    text = spelled(render(PLAN, NETWORK, Inventory(INTERFACES, ROUTERS.model_copy(update={"igp": igp})), dialect))
    file = GOLDEN / f"{dialect}-{igp}.txt"
    if os.environ.get("TWINOPS_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", get_args(Dialect))
def test_taking_back_is_what_leads_there_with_the_value_that_was_before(dialect):
    metric = render(PLAN, NETWORK, Inventory(INTERFACES, ROUTERS), dialect).steps[0].routers[0]
    assert [x.replace("17", "7") for x in metric.lines] == list(metric.back)


def test_what_is_on_trial_is_looked_at_before_it_is_kept():
    for dialect, keep, while_s in (
        ("junos", ("commit",), "5 minutes"),
        ("mdcli", ("commit confirmed accept", "quit-config"), "5 minutes"),
        ("iosxr", ("commit", "end"), "300 seconds"),
        ("frr", (), ""),
    ):
        metric = render(PLAN, NETWORK, Inventory(INTERFACES, ROUTERS), dialect).steps[0].routers[0]
        assert metric.keep == keep
        assert metric.when_kept == (f"only if the check shows them, within {while_s}:" if keep else "")


def test_a_router_speaks_its_own_dialect_unless_one_is_asked_for():
    named = {**ROUTERS.named, "B": Router(dialect="junos"), "C": Router(dialect="sros")}
    mixed = Inventory(INTERFACES, ROUTERS.model_copy(update={"dialect": "iosxr", "named": named}))
    drain = Plan(goal="x", base=NETWORK.id, steps=(PLAN.steps[1],))
    assert [(x.router, x.dialect) for x in render(drain, NETWORK, mixed).steps[0].routers] == [
        ("B", "junos"),
        ("C", "sros"),
    ]
    assert {x.dialect for x in render(drain, NETWORK, mixed, "frr").steps[0].routers} == {"frr"}


@pytest.mark.parametrize("dialect", ["frr", "iosxr", "junos", "sros", "mdcli"])
def test_what_is_not_known_is_one_question_that_says_where_to_answer(dialect):
    with pytest.raises(InputError) as asked:
        render(PLAN, NETWORK, Inventory({}, Routers(dialect=dialect)))
    assert "the interface of A->B at A" in str(asked.value)
    assert "site file" in asked.value.fix
    assert "\n" not in str(asked.value)


def test_words_need_no_names_and_no_process():
    steps = render(PLAN, NETWORK, Inventory({}, Routers()), "text").steps
    assert steps[0].routers[0].lines == ("On A, set the IS-IS metric (level 2) of the interface to B to 17.",)


@pytest.mark.parametrize(("igp", "most"), [("isis", 16_777_214), ("ospf", 65_535)])
def test_a_metric_that_routing_does_not_use_is_left_to_a_person(igp, most):
    known = Inventory(INTERFACES, ROUTERS.model_copy(update={"igp": igp}))
    over = Plan(goal="x", base=NETWORK.id, steps=(SetWeight(link="A->B", weight=most + 1),))
    at = over.model_copy(update={"steps": (SetWeight(link="A->B", weight=most),)})
    assert str(most) in render(over, NETWORK, known, "frr").steps[0].by_hand
    assert not render(at, NETWORK, known, "frr").steps[0].by_hand


def test_the_weight_of_a_costed_out_circuit_is_not_typed_over():
    circuit = NETWORK.links[NETWORK.link("A->B")].circuit
    steps = (DrainLink(circuit=circuit), SetWeight(link="A->B", weight=17), UndrainLink(circuit=circuit))
    plan = Plan(goal="x", base=NETWORK.id, steps=steps)
    found = render(plan, NETWORK, Inventory(INTERFACES, ROUTERS), "frr").steps
    assert found[1].routers == ()
    assert "17" in found[1].by_hand
    assert any("isis metric level-2 17" in line for line in found[2].routers[0].lines)


PUNCTUATION = ";|!\"'`$?&<>\\"
HOSTILE = st.text(min_size=1, max_size=40) | st.sampled_from(
    [
        "eth0\nno router isis CORE",
        "eth0 shutdown",
        "eth0; reload",
        'x" shutdown',
        "eth0 | write erase",
        "et-0\r\ncommit",
        "et-0\u2028commit",
        "{{ 7*7 }}",
        "eth0 ! reload",
        "eth\x000",
        "\u0435th0",
        "ge-0/0/0.0" * 30,
        "?",
        "$(reboot)",
        "-c",
    ]
)


def everything_written(names, dialect, plan=PLAN, network=NETWORK):
    """Every line of every kind of change, what is looked at, and what a person reads of it."""
    steps = render(plan, network, Inventory(names, ROUTERS), dialect).steps
    told = Intended(time=datetime(2026, 11, 30, tzinfo=UTC), effect=1, change=plan.steps[0])
    typed = [x for step in steps for part in step.routers for x in (*part.lines, part.check, *part.back)]
    return typed, [x for step in steps for x in advice_lines(told, step)]


@settings(max_examples=60)
@given(HOSTILE)
def test_no_name_of_an_interface_adds_a_line_or_a_command(name):
    for dialect in get_args(Dialect):
        usual, read = everything_written(INTERFACES, dialect)
        try:
            found, shown = everything_written({**INTERFACES, "A->B": name}, dialect)
        except InputError:
            continue
        of_sros = dialect in ("sros", "mdcli")
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_./: -]{0,62}" if of_sros else r"[A-Za-z][A-Za-z0-9_./:-]{0,62}", name)
        assert (len(found), len(shown)) == (len(usual), len(read))
        assert all(x.isprintable() and x.isascii() for x in found)
        assert not any(
            x != y and INTERFACES["A->B"].partition(".")[0] not in y for x, y in zip(found, usual, strict=True)
        )


@settings(max_examples=60)
@given(HOSTILE)
def test_no_name_of_a_node_or_a_tunnel_adds_a_line_or_a_command(name):
    with suppress(TopologyError):  # no network has a node of a name that could
        network_of([(name, "B", 10.0, 7), ("B", "C", 10.0, 8)], {})
        assert re.fullmatch(r"[\w.&+-]+", name)
    for tunnel in (SPLIT, WHOLE):
        with suppress(ValidationError, TopologyError):  # no plan has a tunnel of a name that could
            other = Tunnel(name=name, source=tunnel.source, target=tunnel.target, paths=tunnel.paths)
            plans = [PLAN.model_copy(update={"steps": (SetTunnel(tunnel=x),)}) for x in (tunnel, other)]
            for dialect in get_args(Dialect):
                (usual, read), (found, shown) = (everything_written(INTERFACES, dialect, x) for x in plans)
                assert (len(found), len(shown)) == (len(usual), len(read))
                for x, y in zip(found, usual, strict=True):
                    assert x.isprintable()
                    assert set(x) & set(PUNCTUATION) <= set(y)
