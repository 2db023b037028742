"""What a collector gets of a run, over the real wire: the golden tree, metrics, and content only when asked for."""

import json
import os
from pathlib import Path

import pytest

from tests.agents.collector import Collector, collecting
from tests.agents.incidents import perform, request
from tools.box.tracing import CAPTURE_CONTENT, EARLIER, LATEST, LATEST_WANTED, MAX_CONTENT, OPT_IN

GOLDEN = Path(__file__).parents[1] / "golden"
SECRET = "sk-ant-do-not-tell-anyone"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """A run that resolves, as a collector sees it with the usual settings."""
    return _collected(tmp_path_factory.mktemp("quiet"), {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=lab"})


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """The same run with content asked for, by the latest conventions."""
    environment = {CAPTURE_CONTENT: "true", OPT_IN: f"http, {LATEST_WANTED}", "ANTHROPIC_API_KEY": SECRET}
    return _collected(tmp_path_factory.mktemp("talkative"), environment)


def _collected(folder: Path, environment: dict[str, str]) -> Collector:
    with collecting() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        for name, value in environment.items():
            patch.setenv(name, value)
        perform(folder)
    return collector


def attributes(span) -> dict[str, object]:
    return {x.key: getattr(x.value, x.value.WhichOneof("value")) for x in span.attributes}


def test_the_tree_of_spans_is_the_golden_one_in_either_conventions(quiet: Collector, talkative: Collector):
    for found, name in ((quiet, "spans.txt"), (talkative, "spans-latest-with-content.txt")):
        if os.environ.get("TWINOPS_GOLDEN"):
            (GOLDEN / name).write_text(found.tree())
        assert found.tree() == (GOLDEN / name).read_text()


def test_the_latest_conventions_know_a_workflow_by_an_agent_s_name_and_no_name_of_the_earlier_ones(
    talkative: Collector,
):
    keys = {key for span in talkative.spans for key in attributes(span)}
    assert not keys & {EARLIER.workflow_name, EARLIER.agent_version, EARLIER.cache_write}
    (root,) = (x for x in talkative.spans if not x.parent_span_id)
    assert root.name == f"invoke_workflow {attributes(root)[LATEST.workflow_name]}" == "invoke_workflow incident"
    assert attributes(root)["gen_ai.operation.name"] == "invoke_workflow"


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
    expected = [*EARLIER.durations.values(), EARLIER.tokens]
    assert set(found) == {named.name for named in expected}
    for named in expected:
        metric = found[named.name]
        assert metric.unit == named.unit
        assert tuple(metric.histogram.data_points[0].explicit_bounds) == named.buckets


def test_the_latest_conventions_count_tokens_by_kind_and_the_calls_of_each_turn(talkative: Collector):
    found = {metric.name: metric for metric in talkative.metrics}
    histograms = [*LATEST.durations.values(), *LATEST.operation_tokens.values(), *LATEST.calls.values()]
    assert set(found) == {x.name for x in (*histograms, *LATEST.usage)}
    for named in histograms:
        assert found[named.name].unit == named.unit
        assert tuple(found[named.name].histogram.data_points[0].explicit_bounds) == named.buckets
    operations = [str(attributes(x).get("gen_ai.operation.name")) for x in talkative.spans]
    for operation, named in LATEST.calls.items():
        points = found[named.name].histogram.data_points
        assert sum(x.count for x in points) == operations.count("invoke_agent")
        assert sum(x.sum for x in points) == operations.count(operation)
    for counter in LATEST.usage:
        sent = sum(int(str(attributes(x).get(counter.of, 0))) for x in talkative.spans)
        points = found[counter.name].sum.data_points
        assert found[counter.name].sum.is_monotonic
        assert sum(x.as_int for x in points) == sent
        assert all("gen_ai.token.modality" in {y.key for y in x.attributes} for x in points)


def test_every_operation_is_counted_once_in_its_metric(quiet: Collector, talkative: Collector):
    for collector, durations in ((quiet, EARLIER.durations), (talkative, LATEST.durations)):
        spans = [str(attributes(span).get("gen_ai.operation.name")) for span in collector.spans]
        found = {metric.name: sum(x.count for x in metric.histogram.data_points) for metric in collector.metrics}
        for name in {named.name for named in durations.values()}:
            assert found[name] == sum(spans.count(x) for x, named in durations.items() if named.name == name)


def test_metrics_carry_no_ids(quiet: Collector, talkative: Collector):
    metrics = [*quiet.metrics, *talkative.metrics]
    points = [x for metric in metrics for x in (*metric.histogram.data_points, *metric.sum.data_points)]
    keys = {x.key for point in points for x in point.attributes}
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
