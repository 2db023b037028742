from string import Formatter

import pytest

from twin.faults import REMEDIES, TRAITS, FaultKind


def test_every_kind_of_fault_has_a_remedy_that_says_what_confirms_it():
    assert set(REMEDIES) == set(FaultKind)
    assert all(x.theirs.words and x.theirs.confirmed_by for x in REMEDIES.values())


@pytest.mark.parametrize("kind", FaultKind)
def test_advice_names_the_target_of_kinds_that_have_one_and_of_no_other(kind):
    names = {name for text in REMEDIES[kind].theirs[1:3] for _, name, _, _ in Formatter().parse(text) if name}
    assert names <= {"here", "router", "target"}
    assert "here" in names
    assert ("target" in names) == (TRAITS[kind].target is not None)


def test_only_what_the_network_can_do_something_about_has_measures_of_its_own():
    idle = {kind for kind, remedy in REMEDIES.items() if not remedy.ours}
    lying = {kind for kind in FaultKind if TRAITS[kind].layer == "telemetry"} - {FaultKind.STALE_TOPOLOGY}
    believed = {FaultKind.BGP_HIJACK}  # a router's own path is shorter than that of any exit
    assert idle == lying | believed | {FaultKind.LATENCY, FaultKind.HOST_BLACKHOLE, FaultKind.PROBE_FILTER}
