"""Tracing of one run: providers of its own, never the global ones, so spans of others never mix with ours.

Spans go to `trace.jsonl` and metrics to `metrics.json` in the run folder, and over OTLP/HTTP as well when the standard
variables name an endpoint. An endpoint that does not answer costs a run nothing but one warning.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Tracer

from twin.errors import StoreError

from .metrics import Metrics

TRACES, METRICS = "TRACES", "METRICS"
_log = logging.getLogger("twinops.tracing")


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
        self._file.writelines(f"{_line(span)}\n" for span in spans)
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


class _Measured(SpanProcessor):
    """Records the metrics that follow from a span when it ends: one place, so that the two cannot disagree."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_end(self, span: ReadableSpan) -> None:
        self._metrics.record(span)


class Tracing:
    """The tracer of one run. Close it to flush what is still on its way."""

    def __init__(self, path: Path, *, version: str) -> None:
        os.environ.setdefault("AUTOGEN_DISABLE_RUNTIME_TRACING", "true")
        named = Resource({"service.name": "twinops", "service.version": version})
        resource = named.merge(OTELResourceDetector().detect())
        self._metrics = Metrics(path.with_name("metrics.json"), resource, to_collector=endpoint(METRICS) is not None)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(TraceFile(path)))
        self._provider.add_span_processor(_Measured(self._metrics))
        if endpoint(TRACES) is not None:
            self._provider.add_span_processor(BatchSpanProcessor(_otlp()))

    @property
    def tracer(self) -> Tracer:
        """The tracer to pass on."""
        return self._provider.get_tracer("twinops")

    def close(self) -> None:
        """Send what is left and stop. What cannot be sent is given up, with a warning."""
        for stop in (self._provider.shutdown, self._metrics.close):
            _tried(stop)


def endpoint(signal: str) -> str | None:
    """Return where the standard variables send a signal, `TRACES` or `METRICS`; None for nowhere."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if os.environ.get(f"OTEL_{signal}_EXPORTER", "").lower() == "none":
        return None
    named = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return named or None


def _line(span: ReadableSpan) -> str:
    """One span as JSON, with the names that the SDK gives its fields; its own way is several times slower."""
    return json.dumps(
        {
            "name": span.name,
            "context": {"trace_id": f"0x{span.context.trace_id:032x}", "span_id": f"0x{span.context.span_id:016x}"}
            if span.context
            else None,
            "kind": str(span.kind),
            "parent_id": f"0x{span.parent.span_id:016x}" if span.parent else None,
            "start_time": _iso(span.start_time),
            "end_time": _iso(span.end_time),
            "status": {"status_code": span.status.status_code.name, "description": span.status.description},
            "attributes": dict(span.attributes or {}),
            "events": [
                {"name": x.name, "timestamp": _iso(x.timestamp), "attributes": dict(x.attributes or {})}
                for x in span.events
            ],
            "resource": dict(span.resource.attributes),
        },
        ensure_ascii=False,
    )


def _iso(nanoseconds: int | None) -> str | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()


def _otlp() -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()  # endpoint, headers and timeout come from the OTEL_* variables


def _tried(stop: Callable[[], None]) -> None:
    try:
        stop()
    except Exception as error:  # telemetry about a run must not decide how the run ends
        _log.warning("the trace of this run could not be sent: %s", error)
