"""Telemetry about runs on its way to a collector: a verdict never waits for it.

When a run has ended, its spans and metrics are sent from threads of their own. A process that ends waits for them last,
when every result is printed and the exit code is fixed: two seconds in all, or as long as an `OTEL_*` timeout that was
set, and then says in one line what was not delivered.
"""

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

TRACES, METRICS = "TRACES", "METRICS"
PATIENCE_S = 2.0
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT")
_log = logging.getLogger("twinops.tracing")


class _Delivery(NamedTuple):
    where: str
    missing: Callable[[], str]
    thread: Thread


_deliveries: list[_Delivery] = []
_turn = Lock()


def endpoint(signal: str) -> str | None:
    """Return where the standard variables send a signal, `TRACES` or `METRICS`; None for nowhere."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if os.environ.get(f"OTEL_{signal}_EXPORTER", "").lower() == "none":
        return None
    named = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return named or None


class SpanSender(BatchSpanProcessor):
    """Sends spans to the collector of the standard variables, and knows how many it has got."""

    def __init__(self) -> None:
        self._ended, self._exporter = 0, _SpanExporter()
        super().__init__(self._exporter)

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span and queue it."""
        self._ended += 1
        super().on_end(span)

    def missing(self) -> str:
        """What the collector has not got, in words; empty if it has all."""
        missing = self._ended - self._exporter.sent
        return f"{missing} of {self._ended} spans" if missing else ""


class _SpanExporter(SpanExporter):
    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        _quieten()
        self._exporter, self.sent = OTLPSpanExporter(), 0  # endpoint, headers and timeout come from OTEL_* variables

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self.sent += len(spans) if result is SpanExportResult.SUCCESS else 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class MetricSender(MetricExporter):
    """Sends metrics to the collector of the standard variables; `sent` says whether it has got the last ones."""

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        _quieten()
        self._exporter, self.sent = OTLPMetricExporter(), False
        preferred = vars(self._exporter)  # what the OTEL_* variables say of aggregation is to be had nowhere else
        super().__init__(preferred.get("_preferred_temporality"), preferred.get("_preferred_aggregation"))

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """Send what the meters hold now."""
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType] - half-typed
        self.sent = result is MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Return whether nothing is held back here, which nothing ever is."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Stop."""
        self._exporter.shutdown(timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType] - half-typed


def on_its_way(signal: str, missing: Callable[[], str], send: Callable[[], object]) -> None:
    """Send the rest of a run's telemetry from a thread of its own; `missing` says afterwards what did not arrive."""

    def work() -> None:
        try:
            send()
        except Exception as error:  # telemetry about a run must not decide how anything ends
            _log.warning("telemetry could not be sent: %s", error)

    thread = Thread(target=work, name="twinops-delivery", daemon=True)
    with _turn:
        done = [x for x in _deliveries if not x.thread.is_alive()]
        for one in done:
            _deliveries.remove(one)
        _deliveries.append(_Delivery(_host(endpoint(signal) or ""), missing, thread))
    if lost := _lost(done):
        _log.warning("telemetry not delivered: %s", lost)
    thread.start()


def deliver() -> str:
    """Wait for what is on its way, at most `PATIENCE_S` in all; return what was not delivered in one line.

    `OTEL_*` timeouts that are set lengthen it. Ctrl-C ends it at once: whatever was told before stands.
    """
    end, words = time.monotonic() + _patience(), "telemetry not delivered"
    try:
        for one in _deliveries:
            one.thread.join(max(0.0, end - time.monotonic()))
    except KeyboardInterrupt:
        words = "interrupted after the end: what was told stands, telemetry not delivered"
    lost = _lost(_deliveries)
    _deliveries.clear()
    return f"{words}: {lost}; run folders hold it" if lost else ""


def _lost(deliveries: Sequence[_Delivery]) -> str:
    by_place: dict[str, list[str]] = {}
    for one in deliveries:
        if what := one.missing():
            by_place.setdefault(one.where, []).append(what)
    several = {where: what if len(what) < 4 else [f"of {len(what)} parts"] for where, what in by_place.items()}
    return "; ".join(f"{' and '.join(what)} to {where}" for where, what in several.items())


def _patience() -> float:
    found = [PATIENCE_S]
    for name in _TIMEOUTS:
        try:
            found.append(float(os.environ.get(name, "")))  # seconds, as the SDK takes them
        except ValueError:
            continue
    return max(found)


def _host(url: str) -> str:
    """A collector without what its address may hold besides: names and passwords."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "the collector"


def _quieten() -> None:
    """The SDK warns of every attempt; one line at the end is enough, unless a program listens to its loggers."""
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())


@atexit.register
def _at_exit() -> None:
    if _deliveries and (line := deliver()):
        sys.stderr.write(f"{line}\n")
