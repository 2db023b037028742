"""Tracing of one run: a provider of its own, never the global one, so spans of others never mix with ours.

Spans go to `trace.jsonl` in the run folder, and over OTLP/HTTP as well when the standard variables name an endpoint.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Tracer

from twin.errors import StoreError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class TraceFile(SpanExporter):
    """Writes each span that ends as one line of JSON. Raises `StoreError` when the file cannot be written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", fix="choose another run folder") from error

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write spans; a span of a tool that outlived its run is dropped."""
        if self._file.closed:
            return SpanExportResult.FAILURE
        self._file.writelines(f"{span.to_json(indent=None)}\n" for span in spans)
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


class Tracing:
    """The tracer of one run. Close it to flush what is still on its way."""

    def __init__(self, path: Path, *, version: str) -> None:
        os.environ.setdefault("AUTOGEN_DISABLE_RUNTIME_TRACING", "true")
        resource = Resource({"service.name": "twinops", "service.version": version})
        self._provider = TracerProvider(
            resource=resource.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )
        self._provider.add_span_processor(SimpleSpanProcessor(TraceFile(path)))
        if any(os.environ.get(name) for name in _ENDPOINTS):
            self._provider.add_span_processor(BatchSpanProcessor(_otlp()))

    @property
    def tracer(self) -> Tracer:
        """The tracer to pass on."""
        return self._provider.get_tracer("twinops")

    def close(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()


def _otlp() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()  # endpoint, headers and timeout come from the OTEL_* variables
