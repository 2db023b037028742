"""Figures and changes read the same everywhere, and untrusted text cannot steer what shows it."""

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.show.gists import gist
from agents.wording import (
    _SEVERAL,
    arguments,
    capacity,
    duration,
    fault_words,
    faults_words,
    hypothesis_words,
    mbps,
    milliseconds,
    place,
    plan_words,
    sentence,
    share,
    short,
    where,
)
from twin.diagnose.diagnosis import named
from twin.faults import TRAITS, Fault, FaultKind
from twin.gate.verdict import Counterexample
from twin.model import SegmentList, Tunnel
from twin.plan import Change, DrainLink, LimitDemand, SetCapacity, SetTunnel, SetWeight
from twin.printed import percents, rates, stated
from twin.untrusted import one_line, visible


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (mbps, 999.7, "1 Gbit/s"),
        (mbps, 999_700, "1 Tbit/s"),
        (mbps, 4.2e9, "4,200 Tbit/s"),
        (mbps, 0.00002, "0.00002 Mbit/s"),
        (milliseconds, 1_234.5, "1,234 ms"),
        (mbps, 1.46e-11, "0 Mbit/s"),
        (mbps, -2e-7, "0 Mbit/s"),
        (mbps, 0.003, "0.003 Mbit/s"),
        (stated, 0.825, "82.5 %"),
        (stated, 1 - 0.8, "20 %"),
        (stated, 0.005, "0.5 %"),
        (share, 0.834, "83 %"),
        (share, -1, "not measured"),
        (share, math.nan, "not measured"),
        (share, None, "not measured"),
        (mbps, 0, "0 Mbit/s"),
        (mbps, 12.34, "12.3 Mbit/s"),
        (mbps, 999.4, "999 Mbit/s"),
        (mbps, 2_314, "2.31 Gbit/s"),
        (mbps, 4_200_000, "4.2 Tbit/s"),
        (mbps, None, "not measured"),
        (capacity, 100_000, "100G"),
        (capacity, 155, "155M"),
        (duration, 0.44, "0.4 s"),
        (duration, 125, "2 min 5 s"),
        (duration, 3_599.7, "60 min"),
        (place, "node/Berlin", "Berlin"),
        (place, "interface/A/B.2", "A->B.2"),
        (place, "link/A:B--B:A", "A--B"),
        (place, "link/A:B.2--B:A.2", "A--B.2"),
        (place, "nonsense", "nonsense"),
    ],
)
def test_figures_read_well(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (SetWeight(link="A->B", weight=7), "set the IGP weight of A->B to 7"),
        (DrainLink(circuit="link/A:B--B:A"), "drain circuit A--B"),
        (SetCapacity(circuit="link/A:B--B:A", capacity=400_000), "upgrade circuit A--B to 400G"),
        (LimitDemand(source="A", target="B", limit=None), "lift the limit on A to B"),
        (
            SetTunnel(
                tunnel=Tunnel(
                    name="t",
                    source="A",
                    target="B",
                    paths=(SegmentList(via=("C", "D"), share=0.25), SegmentList(via=(), share=0.75)),
                    on_invalid="igp",
                )
            ),
            "steer A to B via C, D (25 %) and by the IGP path (75 %)",
        ),
    ],
)
def test_a_change_is_a_sentence(change, text):
    assert sentence(change) == text


def test_a_fault_says_what_where_and_how_bad():
    surge = Fault(kind=FaultKind.SURGE, element="node/Ulm", severity=2.5)
    assert fault_words(surge) == "demand surge, Ulm (times 2.5)"
    assert fault_words(None) == "nothing is wrong"


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_of_fault_has_words_for_its_usual_severity(kind):
    fault = Fault(kind=kind, element="node/Ulm", severity=TRAITS[kind].severity.usual)
    words = fault_words(fault)
    assert "_" not in words
    assert ("(" in words) == (TRAITS[kind].severity.words != "1")


@pytest.mark.parametrize(
    "faults",
    [
        (),
        (Fault(kind=FaultKind.LINK_DOWN, element="link/A:B2--B:A2"),),
        (Fault(kind=FaultKind.HOST_BLACKHOLE, element="node/at B", target="node/C and D"),),
        (
            Fault(kind=FaultKind.LINK_DOWN, element="risk-group/duct and dig"),
            Fault(kind=FaultKind.DETACH, element="interface/A/B"),
        ),
    ],
)
def test_a_hypothesis_by_its_name_reads_as_its_faults_do(faults):
    assert hypothesis_words(named(faults)) == faults_words(faults)
    assert "link/" not in hypothesis_words(named(faults))


def test_a_counterexample_names_failure_and_step():
    example = Counterexample(element="A->B", failure="node/C", step=0, measured=2, limit=1)
    assert where(example) == "A->B when node C fails before the first step"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            '{"busiest": "A->B", "harm": 12.3456, "links": [1, 2, 3]}',
            "3 links, 12.3 Mbit/s lost or above the limit, busiest A->B",
        ),
        (
            '{"nodes": 50, "offered": 3179000.0, "busiest": "A->B", "max_utilisation": 0.8242, "down": []}',
            "0 elements down, busiest link A->B at 82.4 %, 50 nodes, 3.18 Tbit/s offered",
        ),
        ('{"symptoms": [1, 2], "incidents": [1], "total": 66, "next_offset": 2}', "2 of 66 symptoms, 1 incident"),
        (
            '{"before": {"max_utilisation": 1.001, "harm": 20000.0}, "after": {"max_utilisation": 0.5, "harm": 0.0}}',
            "busiest link from 100.1 % to 50.0 %, lost or above the limit from 20 Gbit/s to 0 Gbit/s",
        ),
        (
            '{"before": {"harm": 77.5}, "steps": [{"harm": 80.0}, {"harm": 0.0}], "plan": "c49a"}',
            "2 steps, lost or above the limit from 77.5 Mbit/s to 0 Mbit/s, plan c49a",
        ),
        (
            '{"causes": [{"fault": {"kind": "link_down", "element": "link/A:B--B:A"}, "probability": 0.9996}]}',
            "1 cause, most likely circuit down, A--B (100.0 %)",
        ),
        (
            '{"causes": [{"fault": null, "probability": 0.5}], "probability": 0.5}',
            "1 cause, most likely nothing is wrong (50.0 %)",
        ),
        (
            '{"handle": "r1-x", "plan": "c4", "passed": false, "checks": [{"name": "useful", "passed": false}]}',
            "1 check, rejected on useful, did not pass, handle r1-x",
        ),
        ('{"approved": true, "interval_s": 300, "because": "", "doubted": 0}', "approved, 5 min between samples"),
        (
            '{"busiest_circuit": "link/A:B--B:A", "in_mbps": 2310.0, "delay_ms": 1.2345}',
            "busiest circuit A--B, in 2.31 Gbit/s, delay 1.234 ms",
        ),
        (
            '{"harm": 1260, "offered": 3.2e6, "lost": 0}',
            "1.26 Gbit/s lost or above the limit, 3.2 Tbit/s offered, 0 Mbit/s cut off",
        ),
        ('{"shared": 2, "lost_to": true, "factor": 1.04999}', "shared 2, lost to, factor 1.05"),
        ('{"on": "link/A:B2--B:A2", "at": "node/A", "as": "linked/A"}', "on circuit A--B2, at node A, as linked/A"),
        ("[1, 2]", "2 rows"),
        ("plain words", "plain words"),
        ("{}", "nothing"),
    ],
)
def test_a_result_is_folded_into_one_line(content, line):
    assert gist(content) == line


def steered(source, target, *via):
    return SetTunnel(
        tunnel=Tunnel(name=f"{source}-{target}", source=source, target=target, paths=(SegmentList(via=via),))
    )


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((), "Change nothing"),
        ((steered("A", "D", "C"),), "Steer A to D via C"),
        ((steered("A", "D", "C"), steered("B", "D", "C")), "Steer 2 demands via C"),
        ((steered("A", "D", "C"), steered("B", "D", "E")), "Steer 2 demands"),
        (
            (DrainLink(circuit="link/A:B--B:A"), SetWeight(link="A->B", weight=3), SetWeight(link="B->A", weight=3)),
            "Drain circuit A--B, set 2 IGP weights",
        ),
        (tuple(DrainLink(circuit=f"link/A:{x}--{x}:A", mode="cost_out") for x in "BC"), "Cost out 2 circuits"),
    ],
)
def test_a_plan_says_what_it_does(steps, words):
    assert plan_words(steps) == words


def test_every_kind_of_change_has_words_for_several_of_it():
    kinds = {x.model_fields["op"].default for x in get_args(get_args(Change)[0])}
    assert kinds == set(_SEVERAL)


def test_arguments_are_written_as_in_a_program():
    assert arguments({"link": "A->B", "top": 5}) == "link=A->B, top=5"


@given(st.text())
def test_one_line_is_one_short_line_of_visible_text(text):
    line = one_line(text, 40)
    assert len(line) <= 40
    assert line == visible(line)
    assert len(line.splitlines()) <= 1


def test_terminal_controls_and_reordering_marks_are_made_visible():
    assert visible("a\x1b[2Jb\u202ec\x9bd") == "a�[2Jb�c�d"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [(320_100, 320_000, ("320.1 Gbit/s", "320 Gbit/s")), (10, 12, ("10 Mbit/s", "12 Mbit/s"))],
)
def test_two_rates_that_are_compared_never_read_the_same(first, second, told):
    assert rates(first, second) == told


def test_a_share_just_above_its_limit_is_told_apart_from_it():
    assert percents(0.80001, 0.8) == ("80.001 %", "80.000 %")
    assert percents(0.824, 0.8) == ("82.4 %", "80.0 %")


@pytest.mark.parametrize(
    ("element", "name"),
    [
        ("link/A:B2--B:A2 + node/X", "circuit A--B2 + node X"),
        ("member of link/A:B--B:A", "member of circuit A--B"),
        ("interface/A/B", "A->B"),
        ("probe/A/B", "probe A->B"),
        ("A->B", "A->B"),
    ],
)
def test_an_element_is_called_by_the_name_that_people_type(element, name):
    assert short(element) == name
