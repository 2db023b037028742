"""A real OTLP/HTTP receiver on loopback: it decodes what a collector would get."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What arrived."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: list[Metric] = []
        self.resources: list[dict[str, str]] = []
        self.url = ""

    def take(self, path: str, body: bytes) -> None:
        if path.endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append({x.key: x.value.string_value for x in resource.resource.attributes})
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        if path.endswith("/v1/metrics"):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics += [metric for scope in resource.scope_metrics for metric in scope.metrics]

    def tree(self) -> str:
        """Every span below its parent in the order of their starts: name, kind, and the names of its attributes."""
        children: dict[bytes, list[Span]] = {}
        for span in sorted(self.spans, key=lambda x: x.start_time_unix_nano):
            children.setdefault(span.parent_span_id, []).append(span)
        lines: list[str] = []

        def draw(parent: bytes, depth: int) -> None:
            for span in children.get(parent, []):
                keys = " ".join(sorted(x.key for x in span.attributes))
                kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
                lines.append(f"{'  ' * depth}{span.name} [{kind}] {keys}")
                lines.extend(f"{'  ' * (depth + 1)}* {event.name}" for event in span.events)
                draw(span.span_id, depth + 1)

        draw(b"", 0)
        return "\n".join(lines) + "\n"


@contextmanager
def collecting() -> Generator[Collector]:
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(self.path, body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    yield collector
    server.shutdown()
    server.server_close()
    thread.join()
