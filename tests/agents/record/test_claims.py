"""Every number in an explanation resolves to a tool's result, and a made-up one does not."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.record.claims import KnownFigures, check_claims, claims_of
from agents.record.journal import read_journal
from agents.run.request import RunRequest
from tests.agents.incidents import perform
from tests.depth import thinned

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def figures(**result):
    found = KnownFigures()
    found.add_result(result)
    return found


def supported(text, **result):
    return [(x.words, x.supported) for x in claims_of(text, "planning", figures(**result))]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("at 87 %", {"max_utilisation": 0.8653}),
        ("at 86.5%", {"max_utilisation": 0.8653}),
        ("utilisation 0.8653", {"max_utilisation": 0.8653}),
        ("2.31 Gbit/s are lost", {"lost": 2312.4}),
        ("2,312 Mbit/s are lost", {"lost": 2312.4}),
        ("4.1 ms one way", {"mean_delay_ms": 4.0873}),
        ("141 kW", {"watts": 140_980.0}),
        ("3 symptoms", {"symptoms": [{}, {}, {}]}),
        ("in 2 min", {"seconds": 120.0}),
        ("the worst puts a link at 97.2 %", {"detail": "the worst, of node/B, puts A->B at 97.2 % of capacity"}),
    ],
)
def test_a_number_is_supported_in_its_unit_and_as_it_is_rounded(text, result):
    assert [ok for _, ok in supported(text, **result)] == [True]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("at 87 %", {"max_utilisation": 0.84}),
        ("at 86.6 %", {"max_utilisation": 0.8653}),
        ("2.31 Gbit/s are lost", {"lost": 2.31}),
        ("87 Mbit/s are lost", {"max_utilisation": 0.87}),
        ("87 ms", {"lost": 87.0}),
        ("4 symptoms", {"symptoms": [{}, {}, {}]}),
        ("87 %", {"explanation": "it is at 87 %"}),
        ("87 %", {"untrusted": {"lines.message": "written by devices"}, "lines": [{"message": "load 87 %"}]}),
    ],
)
def test_a_number_that_no_tool_gave_is_not_supported(text, result):
    assert [ok for _, ok in supported(text, **result)] == [False]


def test_names_times_and_hashes_are_no_numbers():
    text = "link/N12:N3--N3:N12 and N4->N7.2 at 20:05 on 2026-03-02, plan 5177a48f85f0a1b2, r1-tunnels, (2)"
    assert supported(text) == []
    assert supported("München-Kern-0002--Backbone-7 and r1-2->東京-3, as before") == []
    assert supported("Backbone-7 is at 54 %", peak_share=0.54) == [("54 %", True)]


@given(st.floats(0.001, 1.5), st.integers(0, 3))
def test_a_share_supports_itself_as_a_percentage_of_any_precision(value, decimals):
    assert all(ok for _, ok in supported(f"{100 * value:.{decimals}f} %", max_utilisation=value))


@given(st.floats(1.0, 9e6), st.sampled_from([("Mbit/s", 1), ("Gbit/s", 1e3), ("Tbit/s", 1e6)]))
def test_a_rate_supports_itself_in_every_unit_and_no_other_rate(value, unit):
    name, size = unit
    assert all(ok for _, ok in supported(f"{value / size:.4f} {name}", lost=value))
    other = value * 1.3 / size
    assume(abs(other - value / size) > 1e-3)
    assert not any(ok for _, ok in supported(f"{other:.4f} {name}", lost=value))


@pytest.mark.parametrize("seed", thinned([1, 2, 3], 3))
def test_a_run_by_the_runbook_claims_nothing_that_no_tool_gave(seed, tmp_path):
    run = perform(tmp_path, RunRequest(network="sndlib/nobel-germany", seed=seed))
    found = check_claims(read_journal(run.result.folder / "journal.jsonl").records)
    assert found.checked > 0
    assert found.unsupported == ()


def test_a_made_up_number_in_a_handed_over_explanation_is_caught(resolved):
    text = (resolved.result.folder / "journal.jsonl").read_text()
    record = next(json.loads(x) for x in text.splitlines() if '"report_incident"' in x and '"tool called"' in x)
    assert record["event"]["arguments"]["explanation"]
    records = read_journal(resolved.result.folder / "journal.jsonl").records
    lying = [_with_lie(x) for x in records]
    found = check_claims(lying)
    assert [(x.words, x.who) for x in found.unsupported] == [("123456.7 Gbit/s", "monitoring")]


def _with_lie(record):
    event = record.event
    handover = getattr(event, "handover", None)
    if event.kind == "tool returned" and event.tool == "report_incident":
        content = {**json.loads(event.content), "explanation": "123456.7 Gbit/s are harmed"}
        return record.model_copy(update={"event": event.model_copy(update={"content": json.dumps(content)})})
    if event.kind == "stage finished" and event.stage == "observe":
        lie = handover.model_copy(update={"explanation": "123456.7 Gbit/s are harmed"})
        return record.model_copy(update={"event": event.model_copy(update={"handover": lie})})
    return record
