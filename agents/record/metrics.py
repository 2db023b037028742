"""Token and duration metrics of one run, taken from its spans."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AttributeValue

from tools.box.tracing import (
    AGENT_NAME,
    ERROR_TYPE,
    INPUT_TOKENS,
    OPERATION,
    OUTPUT_TOKENS,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    TOKEN_MODALITY,
    TOKEN_TYPE,
    TOOL_NAME,
    WORKFLOW_NAME,
    conventions,
)
from tools.box.tracing import Histogram as Named
from twin.files import write_text

from .delivery import MetricSender

_KEPT = (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOOL_NAME, WORKFLOW_NAME, ERROR_TYPE)
"""Attributes of a span that its metrics carry: few values each, no ids."""
_EXPORT_MS = 60_000


class Metrics:
    """The meters of one run: `write` keeps what they hold in a file, `send` brings it to a collector."""

    def __init__(self, path: Path, resource: Resource, *, to_collector: bool) -> None:
        self._path, self._kept = path, InMemoryMetricReader()
        self._sender = MetricSender() if to_collector else None
        readers: list[MetricReader] = [self._kept]
        if self._sender is not None:
            readers.append(PeriodicExportingMetricReader(self._sender, export_interval_millis=_EXPORT_MS))
        self._provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        meter, names = self._provider.get_meter("twinops"), conventions()
        made = {named.name: _histogram(meter, named) for named in names.durations.values()}
        self._durations = {operation: made[named.name] for operation, named in names.durations.items()}
        self._tokens = _histogram(meter, names.tokens) if names.tokens else None
        self._spent = {of: _histogram(meter, named) for of, named in names.operation_tokens.items()}
        self._usage = {x.of: meter.create_counter(x.name, "{token}", x.description) for x in names.usage}
        self._calls = {operation: _histogram(meter, named) for operation, named in names.calls.items()}
        self._below: dict[int, Counter[str]] = {}  # calls below each span that has not ended, by operation

    def record(self, span: ReadableSpan) -> None:
        """Record what a span that ended says: how long it took, of a model call its tokens, of a turn its calls."""
        attributes = span.attributes or {}
        operation = str(attributes.get(OPERATION))
        self._count(span, operation)
        duration = self._durations.get(operation)
        if duration is None or span.start_time is None or span.end_time is None:
            return
        kept = {name: attributes[name] for name in _KEPT if name in attributes}
        duration.record((span.end_time - span.start_time) / 1e9, kept)
        if INPUT_TOKENS in attributes:
            self._record_tokens(attributes, kept)

    def write(self) -> None:
        """Write the file. Raises `InputError` when it cannot be written."""
        data = self._kept.get_metrics_data()
        if data is not None:
            write_text(self._path, data.to_json(indent=None) + "\n")

    def send(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()

    def missing(self) -> str:
        """What a collector has not got, in words; empty if it has all."""
        return "the metrics" if self._sender is not None and not self._sender.sent else ""

    def _count(self, span: ReadableSpan, operation: str) -> None:
        """Count a call below the span that it was made in, and tell a turn's calls once it ends."""
        if not self._calls:
            return
        below = self._below.pop(span.context.span_id, Counter()) if span.context else Counter[str]()
        if operation == "invoke_agent":
            kept = {AGENT_NAME: (span.attributes or {}).get(AGENT_NAME, "")}
            for called, histogram in self._calls.items():
                histogram.record(below[called], kept)
            return
        if operation in self._calls:
            below[operation] += 1
        if span.parent is not None and below:
            self._below.setdefault(span.parent.span_id, Counter()).update(below)

    def _record_tokens(self, attributes: Mapping[str, AttributeValue], kept: Mapping[str, AttributeValue]) -> None:
        spent = {x: _count_of(attributes, x) for x in (INPUT_TOKENS, OUTPUT_TOKENS, *self._usage)}
        if self._tokens is not None:
            for kind, name in (("input", INPUT_TOKENS), ("output", OUTPUT_TOKENS)):
                self._tokens.record(spent[name], {**kept, TOKEN_TYPE: kind})
        for name, histogram in self._spent.items():
            histogram.record(spent[name], kept)
        modality = "text" if any(spent.values()) else "unknown"
        for name, counter in self._usage.items():
            counter.add(spent[name], {**kept, TOKEN_MODALITY: modality})


def _count_of(attributes: Mapping[str, AttributeValue], name: str) -> int:
    found = attributes.get(name, 0)
    return found if isinstance(found, int) else 0


def _histogram(meter: Meter, named: Named) -> Histogram:
    return meter.create_histogram(
        named.name, named.unit, named.description, explicit_bucket_boundaries_advisory=list(named.buckets)
    )
