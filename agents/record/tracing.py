"""Tracing of one run: providers of its own, never the global ones, so spans of others never mix with ours.

Spans go to `trace.jsonl` and metrics to `metrics.json` in the run folder, and over OTLP/HTTP as well when the standard
variables name an endpoint. What is sent there is on its way while the run's result is told already: see `delivery`.
"""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NoOpTracer, Tracer

from twin.errors import StoreError, TwinError
from twin.files import extend, reason

from .delivery import METRICS, TRACES, SpanSender, endpoint, on_its_way
from .metrics import Metrics

_log = logging.getLogger("twinops.tracing")


class TraceFile(SpanExporter):
    """Writes each span that ends as one line of JSON. Raises `StoreError` when the file cannot be written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = extend(path, new=not path.exists())
        except (OSError, ValueError) as error:
            problem = f"cannot write {path}: {reason(path, error)}"
            raise StoreError(problem, fix="choose another run folder") from error

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write spans; a span of a tool that outlived its run is dropped."""
        if self._file.closed:
            return SpanExportResult.FAILURE
        self._file.write("".join(f"{_line(span)}\n" for span in spans).encode(errors="replace"))
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
    """The tracer of one run. Close it when the run has ended."""

    def __init__(self, path: Path, *, version: str) -> None:
        os.environ.setdefault("AUTOGEN_DISABLE_RUNTIME_TRACING", "true")
        resource = _resource(version)
        self._metrics = Metrics(path.with_name("metrics.json"), resource, to_collector=endpoint(METRICS) is not None)
        self._provider = _provider(resource)
        self._file = TraceFile(path)
        self._provider.add_span_processor(SimpleSpanProcessor(self._file))
        self._provider.add_span_processor(_Measured(self._metrics))
        self._sender = SpanSender() if endpoint(TRACES) is not None else None
        if self._sender is not None:
            self._provider.add_span_processor(self._sender)

    @property
    def tracer(self) -> Tracer:
        """The tracer to pass on."""
        return self._provider.get_tracer("twinops")

    def close(self) -> None:
        """Finish the files, and let what is left for a collector go on its way without waiting for it."""
        self._file.shutdown()
        try:
            self._metrics.write()
        except TwinError as error:  # telemetry about a run must not decide how the run ends
            _log.warning("the metrics of this run were not kept: %s", error)
        if self._sender is not None:
            on_its_way(TRACES, self._sender.missing, self._provider.shutdown)
        if endpoint(METRICS) is not None:
            on_its_way(METRICS, self._metrics.missing, self._metrics.send)


class RequestTracing:
    """The tracer of a server's requests: sent to the collector that the standard variables name, and else nowhere.

    Without a collector, what a request leads to is still part of its caller's trace.
    """

    def __init__(self, *, version: str) -> None:
        self._sender = SpanSender() if endpoint(TRACES) is not None else None
        self._provider = _provider(_resource(version)) if self._sender is not None else None
        if self._provider is not None and self._sender is not None:
            self._provider.add_span_processor(self._sender)

    @property
    def tracer(self) -> Tracer:
        """The tracer to pass on."""
        return NoOpTracer() if self._provider is None else self._provider.get_tracer("twinops")

    def close(self) -> None:
        """Let what is left for the collector go on its way without waiting for it."""
        if self._provider is not None and self._sender is not None:
            on_its_way(TRACES, self._sender.missing, self._provider.shutdown)


def _resource(version: str) -> Resource:
    return Resource({"service.name": "twinops", "service.version": version}).merge(OTELResourceDetector().detect())


def _provider(resource: Resource) -> TracerProvider:
    # A caller whose trace is not sampled must not empty the record of a run: only the environment may say so.
    sampler = None if "OTEL_TRACES_SAMPLER" in os.environ else ALWAYS_ON
    return TracerProvider(sampler, resource, shutdown_on_exit=False)


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
