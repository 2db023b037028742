"""Token and duration metrics of one run, taken from its spans."""

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
    DURATIONS,
    ERROR_TYPE,
    INPUT_TOKENS,
    OPERATION,
    OUTPUT_TOKENS,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    TOKEN_TYPE,
    TOKEN_USAGE,
    TOOL_NAME,
    WORKFLOW_NAME,
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
        meter = self._provider.get_meter("twinops")
        self._tokens = _histogram(meter, TOKEN_USAGE)
        self._durations = {operation: _histogram(meter, named) for operation, named in DURATIONS.items()}

    def record(self, span: ReadableSpan) -> None:
        """Record what a span that ended says: how long it took and, of a model call, its tokens."""
        attributes = span.attributes or {}
        duration = self._durations.get(str(attributes.get(OPERATION)))
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

    def _record_tokens(self, attributes: Mapping[str, AttributeValue], kept: Mapping[str, AttributeValue]) -> None:
        for kind, name in (("input", INPUT_TOKENS), ("output", OUTPUT_TOKENS)):
            tokens = attributes.get(name, 0)
            if isinstance(tokens, int):
                self._tokens.record(tokens, {**kept, TOKEN_TYPE: kind})


def _histogram(meter: Meter, named: Named) -> Histogram:
    return meter.create_histogram(
        named.name, named.unit, named.description, explicit_bucket_boundaries_advisory=list(named.buckets)
    )
