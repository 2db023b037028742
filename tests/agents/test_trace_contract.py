"""What a collector gets of a run, over the real wire: the golden tree, metrics, and content only when asked for."""

import json
import os
from pathlib import Path

import pytest

from tests.agents.collector import Collector, collecting
from tests.agents.incidents import perform, request
from tools.box.tracing import CAPTURE_CONTENT, DURATIONS, MAX_CONTENT, TOKEN_USAGE

GOLDEN = Path(__file__).parents[1] / "golden" / "spans.txt"
SECRET = "sk-ant-do-not-tell-anyone"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """A run that resolves, as a collector sees it with the usual settings."""
    return _collected(tmp_path_factory.mktemp("quiet"), {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=lab"})


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """The same run with content asked for."""
    return _collected(tmp_path_factory.mktemp("talkative"), {CAPTURE_CONTENT: "true", "ANTHROPIC_API_KEY": SECRET})


def _collected(folder: Path, environment: dict[str, str]) -> Collector:
    with collecting() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        for name, value in environment.items():
            patch.setenv(name, value)
        perform(folder)
    return collector


def attributes(span) -> dict[str, object]:
    return {x.key: getattr(x.value, x.value.WhichOneof("value")) for x in span.attributes}


def test_the_tree_of_spans_is_the_golden_one(quiet: Collector):
    if os.environ.get("TWINOPS_GOLDEN"):
        GOLDEN.write_text(quiet.tree())
    assert quiet.tree() == GOLDEN.read_text()


def test_the_resource_says_who_sends_and_honours_the_environment(quiet: Collector):
    for resource in quiet.resources:
        assert resource["service.name"] == "twinops"
        assert resource["deployment.environment"] == "lab"


def test_nothing_that_was_said_is_in_a_trace_unless_asked_for(quiet: Collector):
    said = ("input.value", "output.value", "messages", "arguments", "tool.call.result", "instructions")
    for span in quiet.spans:
        assert not [key for key in attributes(span) if any(word in key for word in said)]


def test_content_is_there_in_both_vocabularies_when_asked_for(talkative: Collector):
    by_operation = {str(attributes(span).get("gen_ai.operation.name")): attributes(span) for span in talkative.spans}
    chat, tool, agent = (by_operation[name] for name in ("chat", "execute_tool", "invoke_agent"))
    messages = json.loads(str(chat["gen_ai.input.messages"]))
    assert messages[0]["role"] == "system"
    assert all(part["type"] in ("text", "tool_call", "tool_call_response") for x in messages for part in x["parts"])
    assert chat["input.value"] == chat["gen_ai.input.messages"]
    assert tool["output.value"] == tool["gen_ai.tool.call.result"]
    assert tool["input.mime_type"] == "application/json"
    assert agent["output.mime_type"] == "text/plain"


def test_content_is_capped_and_holds_no_secret_of_the_environment(talkative: Collector):
    for span in talkative.spans:
        for value in attributes(span).values():
            assert SECRET not in str(value)
            assert len(str(value)) <= MAX_CONTENT


def test_both_settings_give_the_same_tree(quiet: Collector, talkative: Collector):
    names = [[line.split(" [")[0] for line in x.tree().splitlines()] for x in (quiet, talkative)]
    assert names[0] == names[1]


def test_tokens_and_durations_arrive_as_metrics_with_the_convention_s_names_and_buckets(quiet: Collector):
    found = {metric.name: metric for metric in quiet.metrics}
    expected = [*DURATIONS.values(), TOKEN_USAGE]
    assert set(found) == {named.name for named in expected}
    for named in expected:
        metric = found[named.name]
        assert metric.unit == named.unit
        assert tuple(metric.histogram.data_points[0].explicit_bounds) == named.buckets


def test_every_operation_is_counted_once_in_its_metric(quiet: Collector):
    spans = [str(attributes(span).get("gen_ai.operation.name")) for span in quiet.spans]
    found = {metric.name: sum(x.count for x in metric.histogram.data_points) for metric in quiet.metrics}
    for operation, named in DURATIONS.items():
        assert found[named.name] == spans.count(operation)


def test_metrics_carry_no_ids(quiet: Collector):
    keys = {x.key for metric in quiet.metrics for point in metric.histogram.data_points for x in point.attributes}
    assert not [key for key in keys if key.endswith((".id", "conversation.id"))]


def test_metrics_are_in_the_run_folder_without_a_collector(tmp_path: Path):
    run = perform(tmp_path, request(fault=None, healthy=True))
    kept = json.loads((run.result.folder / "metrics.json").read_text())
    names = [x["name"] for r in kept["resource_metrics"] for s in r["scope_metrics"] for x in s["metrics"]]
    assert "gen_ai.workflow.duration" in names


@pytest.mark.filterwarnings("ignore")
def test_a_collector_that_is_gone_costs_the_run_nothing_but_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    run = perform(tmp_path, request(fault=None, healthy=True))
    assert run.result.finished.outcome == "healthy"
    assert (run.result.folder / "trace.jsonl").read_text()


def test_the_standard_switches_turn_sending_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        perform(tmp_path, request(fault=None, healthy=True))
    assert not collector.spans
    assert not collector.metrics
