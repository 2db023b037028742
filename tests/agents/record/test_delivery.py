"""Telemetry on its way to a collector that is closed, silent or dripping: no verdict waits, and one line says so."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ENDS = """
import os, sys
from pathlib import Path
from agents.record.tracing import Tracing
from tools.box.tracing import workflow_span
tracing = Tracing(Path(sys.argv[1]) / "trace.jsonl", version="1")
with workflow_span(tracing.tracer, "incident", run="r"):
    pass
tracing.close()
print("the verdict", flush=True)
if len(sys.argv) > 2:
    import signal, threading
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
sys.exit(3)
"""


@contextmanager
def collector(mode: str) -> Iterator[int]:
    """A port on loopback where nobody listens, nobody answers, or somebody answers a byte at a time."""
    server = socket.create_server(("127.0.0.1", 0))
    port, done = server.getsockname()[1], threading.Event()
    if mode == "closed":
        server.close()
        yield port
        return

    def answer(client: socket.socket) -> None:
        with client, suppress(OSError):
            if mode == "dripping":
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not done.wait(0.2):
                if mode == "dripping":
                    client.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield port
    finally:
        done.set()
        server.close()


def ended(tmp_path: Path, port: int, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process that traces, tells its verdict and ends; it would hang for minutes if the collector were waited for."""
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:secret@127.0.0.1:{port}", **environment}
    command = [sys.executable, "-c", ENDS, str(tmp_path), *more]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("mode", ["closed", "silent", "dripping"])
def test_the_verdict_stands_and_one_line_says_what_was_not_delivered(tmp_path: Path, mode: str):
    with collector(mode) as port:
        done = ended(tmp_path, port)
    assert (done.returncode, done.stdout) == (3, "the verdict\n")
    (line,) = done.stderr.splitlines()
    assert line == (f"telemetry not delivered: 1 of 1 spans and the metrics to 127.0.0.1:{port}; run folders hold it")
    assert (tmp_path / "trace.jsonl").read_text().count("\n") == 1
    assert (tmp_path / "metrics.json").exists()


def test_ctrl_c_in_that_time_tells_the_truth(tmp_path: Path):
    with collector("silent") as port:  # it would be waited for much longer than the test may take
        done = ended(tmp_path, port, "interrupt", OTEL_EXPORTER_OTLP_TIMEOUT="600")
    assert (done.returncode, done.stdout) == (3, "the verdict\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("interrupted after the end: what was told stands, telemetry not delivered: 1 of 1 spans")


def test_no_collector_is_nothing_to_tell(tmp_path: Path):
    done = ended(tmp_path, 1, OTEL_SDK_DISABLED="true")
    assert (done.returncode, done.stderr) == (3, "")
