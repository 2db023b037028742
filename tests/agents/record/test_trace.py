"""Tracing: one tree per run with only the parents that the convention allows."""

import json
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from agents.record.tracing import Tracing
from tests.agents.incidents import Run
from tools.box.tracing import failed, joined, linked, request_span, traceparent_of, twin_span, workflow_span

PARENTS = {
    "invoke_workflow": {None},
    "invoke_agent": {"invoke_workflow"},
    "plan": {"invoke_agent"},
    "chat": {"invoke_agent", "plan"},
    "execute_tool": {"invoke_agent", "plan"},
    "twin": {"execute_tool", "invoke_workflow", "twin"},
}


def spans(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]


def kind(span: dict) -> str:
    return "twin" if span["name"].startswith("twin.") else span["name"].split()[0]


def test_a_run_is_one_tree_with_only_allowed_parents(resolved: Run):
    found = spans(resolved.result.folder)
    by_id = {span["context"]["span_id"]: span for span in found}
    assert len({span["context"]["trace_id"] for span in found}) == 1
    assert sum(span["parent_id"] is None for span in found) == 1
    for span in found:
        parent = by_id[span["parent_id"]] if span["parent_id"] else None
        assert (kind(parent) if parent else None) in PARENTS[kind(span)], span["name"]


def test_every_turn_call_and_tool_of_the_run_has_its_span(resolved: Run):
    names = [kind(span) for span in spans(resolved.result.folder)]
    finished = resolved.result.finished
    assert names.count("invoke_agent") == 4
    assert names.count("chat") == finished.model_calls
    assert names.count("execute_tool") == finished.tool_calls
    assert {"twin.observe", "twin.diagnose", "twin.optimise", "twin.verify", "twin.simulate", "twin.execute"} <= {
        span["name"] for span in spans(resolved.result.folder)
    }


def test_spans_carry_the_conventions_names_and_no_content(resolved: Run):
    for span in spans(resolved.result.folder):
        assert span["status"]["status_code"] == "OK"
        assert "gen_ai.system" not in span["attributes"]
        if kind(span) != "twin":
            assert span["attributes"]["gen_ai.operation.name"] == kind(span)
        assert not [key for key in span["attributes"] if "message" in key or "arguments" in key]


def test_the_verdict_is_an_evaluation_result_per_check(resolved: Run):
    (verify,) = [span for span in spans(resolved.result.folder) if span["name"] == "twin.verify"]
    results = [x["attributes"] for x in verify["events"] if x["name"] == "gen_ai.evaluation.result"]
    assert {"survivable", "useful"} <= {x["gen_ai.evaluation.name"] for x in results}
    assert {x["gen_ai.evaluation.score.label"] for x in results} == {"pass"}


def test_the_global_provider_is_left_alone(resolved: Run):
    assert resolved
    assert not trace.get_tracer("any").start_span("any").is_recording()


def test_a_failed_span_stays_failed(tmp_path: Path):
    tracing = Tracing(tmp_path / "trace.jsonl", version="1")
    with twin_span(tracing.tracer, "simulate") as span:
        failed(span, "input", "wrong")
    tracing.close()
    assert spans(tmp_path)[0]["status"]["status_code"] == "ERROR"


@pytest.mark.parametrize("flags", ["01", "00"])
def test_a_run_is_part_of_the_trace_of_who_started_it_and_kept_even_where_that_one_is_not(tmp_path: Path, flags: str):
    traceparent = f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"
    tracing = Tracing(tmp_path / "trace.jsonl", version="1")
    with joined({"TRACEPARENT": traceparent}), workflow_span(tracing.tracer, "incident", run="r"):
        pass
    with joined({"traceparent": "00-nonsense", "HOME": "x"}), workflow_span(tracing.tracer, "incident", run="r"):
        pass
    tracing.close()
    first, second = spans(tmp_path)
    assert first["context"]["trace_id"] == "0x4bf92f3577b34da6a3ce929d0e0e4736"
    assert first["parent_id"] == "0x00f067aa0ba902b7"
    assert second["parent_id"] is None


def test_a_later_stretch_of_a_run_is_below_its_first_span_and_linked_with_the_request_that_led_to_it(tmp_path: Path):
    tracing, own = Tracing(tmp_path / "trace.jsonl", version="1"), []
    request = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with workflow_span(tracing.tracer, "incident", run="r") as first:
        own.append(traceparent_of(first))
    with joined({"traceparent": request}), request_span(tracing.tracer, "POST /decision") as asked:
        linked(asked, own[0])
        linked(asked, "no traceparent")
        with workflow_span(tracing.tracer, "incident", run="r", continues=own[0]) as later:
            own.append(traceparent_of(later))
    with workflow_span(tracing.tracer, "incident", run="r", continues="00-nonsense") as lost:
        own.append(traceparent_of(lost))
    tracing.close()
    _, stretch, decision, other = spans(tmp_path)
    assert (stretch["context"]["trace_id"], stretch["parent_id"]) == tuple(f"0x{x}" for x in own[0].split("-")[1:3])
    assert decision["context"]["trace_id"] == f"0x{request.split('-')[1]}"
    assert other["parent_id"] is None
    assert [traceparent_of(NonRecordingSpan(x.context)) for x in asked.links] == [own[0]]
    assert [x.context.trace_id for x in later.links] == [asked.get_span_context().trace_id]
    assert traceparent_of(INVALID_SPAN) == ""
