"""The Prometheus API as a source, against the real server on loopback, and its answers in files."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.command_line import here
from tests.twin.live.advised_site import advised, write_site
from tests.twin.live.contract import LiveContract
from twin.errors import InputError
from twin.formats.measurements.part import Options
from twin.formats.measurements.read import combine, read_parts
from twin.live.files import FilesNetwork
from twin.model import Link, Network, Node
from twin.observe.readings.prometheus import Prometheus, read_prometheus_parts
from twin.site import read_site
from twin.site_sources import try_site

NODES = (Node("r1", 0.0, 0.0), Node("r2", 1.0, 0.0), Node("lab-router-1", 2.0, 0.0))
NETWORK = Network(
    "two",
    NODES,
    tuple(
        Link(a, b, 1_000.0, 1) for a, b in (("r1", "r2"), ("r2", "r1"), ("lab-router-1", "r1"), ("r1", "lab-router-1"))
    ),
    np.zeros((3, 3)),
)
ANSWER = Path(os.environ.get("TWINOPS_DATA", "../shared/data")) / "dialects/telemetry/prom_instant_range_selector.json"
RATE = 40.0  # Mbit/s that the exporter counts


class Exporter(BaseHTTPRequestHandler):
    """What snmp_exporter prints for one router whose counter stands at 0 when it starts."""

    started = 0.0

    def do_GET(self):
        octets = int((time.time() - Exporter.started) * RATE * 125_000)
        labels = 'ifIndex="7",ifName="xe-0",ifDescr="xe-0",ifAlias="core to r2"'
        lines = [
            f"ifHCOutOctets{{{labels}}} {octets}",
            f"ifHCInOctets{{{labels}}} {octets // 2}",
            f"ifOperStatus{{{labels}}} 1",
        ]
        body = "\n".join([*lines, ""]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus here: apt install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    Exporter.started = time.time()
    exporter = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    target, port = f"127.0.0.1:{exporter.server_address[1]}", free_port()
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": "snmp", "static_configs": [{"targets": [target], "labels": {"router": "r1.example.net"}}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    arguments = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    arguments += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.time() + 60
        while samples_at(url) < 6 and time.time() < deadline:
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)
        exporter.shutdown()
        exporter.server_close()


def samples_at(url: str) -> int:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query?query=ifHCOutOctets%5B1m%5D", timeout=2) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return 0
    return len(result[0]["values"]) if result else 0


def counters_of(source):
    parts = read_prometheus_parts(source, NETWORK, now=datetime.now(UTC), minutes=2, options=Options())
    return next(x for x in parts if x.series)


def test_counters_of_a_real_server_are_rates_at_the_samples_own_times(server):
    measured = combine([counters_of(Prometheus(url=server))], NETWORK, Options())
    links = measured.telemetry.links
    out = links.out_mbps[(links.link == NETWORK.link_index["r1->r2"]) & np.isfinite(links.out_mbps)]
    received = links.in_mbps[(links.link == NETWORK.link_index["r2->r1"]) & np.isfinite(links.in_mbps)]
    assert out.size >= 4
    assert np.median(out) == pytest.approx(RATE, rel=0.1)
    assert np.median(received) == pytest.approx(RATE / 2, rel=0.1)
    up = links.up[links.link == NETWORK.link_index["r1->r2"]]
    assert (up[np.isfinite(up)] == 1.0).all()
    assert "demands" not in measured.telemetry.declared.reads
    assert any("differences at the samples' own times" in str(x) for x in measured.accounts[0].fields)


def test_counters_of_a_server_are_imported_with_a_network(server, tmp_path):
    path = tmp_path / "two.json"
    circuit = {"source": "r1", "target": "r2", "capacity_mbps": 1000, "metric": 1}
    path.write_text(json.dumps({"nodes": [{"id": "r1"}, {"id": "r2"}], "links": [circuit]}))
    done = here("import", path, "--prometheus", server, "--into", tmp_path / "t.duckdb", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["samples"] > 0
    assert document["networks"][0]["demand"] == pytest.approx(RATE + RATE / 2, rel=0.15)
    refused = here("import", path, "--prometheus", "nowhere", "--into", tmp_path / "u.duckdb")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_site_that_names_a_server_looks_at_its_counters_and_doctor_tries_them(server, tmp_path):
    links = [{"source": "r1", "target": "r2", "weight": 1, "capacity": "1G"}]
    (tmp_path / "topology.json").write_text(json.dumps({"nodes": [{"id": "r1"}, {"id": "r2"}], "links": links}))
    lines = ["[sources]", 'topology = "topology.json"', f'prometheus = "{server}"', "minutes = 2"]
    (tmp_path / "site.toml").write_text("\n".join([*lines, "matchers = 'job=\"snmp\"'", ""]))
    site = read_site(tmp_path)
    telemetry = site.look(lambda: datetime.now(UTC)).telemetry
    out = telemetry.links.out_mbps[np.isfinite(telemetry.links.out_mbps)]
    assert np.median(out) == pytest.approx(RATE, rel=0.1)
    counters = {x.name: x for x in try_site(site, lambda: datetime.now(UTC))}["counters"]
    assert counters.state in ("ok", "late")  # a busy machine scrapes late
    assert "of 2 of 2 links" in counters.got or "of 1 of 2 links" in counters.got
    (tmp_path / "site.toml").write_text("\n".join([*lines, "matchers = 'job=\"nobody\"'", ""]))
    counters = {x.name: x for x in try_site(read_site(tmp_path), lambda: datetime.now(UTC))}["counters"]
    assert counters.state == "broken"


@pytest.fixture(scope="module")
def live(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilesNetwork]:
    folder = tmp_path_factory.mktemp("site")
    two = Network("two", NODES[:2], NETWORK.links[:2], np.zeros((2, 2)))
    write_site(folder, two, f'prometheus = "{server}"', "minutes = 2")
    with advised(folder, lambda: datetime.now(UTC)) as opened:
        yield opened


class TestLiveNetworkOfAServer(LiveContract):
    """What is measured comes from the server, and a person makes the changes."""


def test_a_server_that_says_no_is_one_clear_line(server):
    with pytest.raises(InputError, match="answers 400"):
        counters_of(Prometheus(url=server, matchers='job=~"["'))
    with pytest.raises(InputError, match="one of the metrics"):
        counters_of(Prometheus(url=server, matchers='job="none"'))
    with pytest.raises(InputError, match="does not answer"):
        counters_of(Prometheus(url=f"http://127.0.0.1:{free_port()}"))


def answer(tmp_path, values):
    labels = {"__name__": "ifHCOutOctets", "ifName": "xe-0", "ifAlias": "to r2", "instance": "r1:9116"}
    series = {"metric": labels, "values": values}
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [series]}}))
    return path


def test_a_gap_and_a_restart_stay_missing(tmp_path):
    """A rate over either would be wrong: 8,900 and then 5,800 Mbit/s, with 20 s of silence and a counter from 0."""
    values, count = [], 0.0
    for second in (*range(0, 25, 5), *range(45, 80, 5)):
        count = (second - 43) * 725e6 if second >= 45 else second * 1_112.5e6
        values.append([1_795_946_000 + second, str(int(count))])
    fast = Network(
        "fast", NODES[:2], tuple(x._replace(capacity=100_000.0) for x in NETWORK.links[:2]), np.zeros((2, 2))
    )
    links = combine(read_parts([answer(tmp_path, values)], fast, Options()), fast, Options()).telemetry.links
    rates = links.out_mbps[np.isfinite(links.out_mbps)]
    assert rates.round().tolist() == [8900.0] * 4 + [5800.0] * 6


@pytest.mark.skipif(not ANSWER.is_file(), reason=f"no answer in {ANSWER}; set TWINOPS_DATA")
def test_a_recorded_answer_gives_its_mean_rates():
    options = Options(ports={(2, "xe-0-0-0"): NETWORK.link_index["lab-router-1->r1"]})
    links = combine(read_parts([ANSWER], NETWORK, options), NETWORK, options).telemetry.links
    rates = links.out_mbps[np.isfinite(links.out_mbps)]
    assert rates.mean() == pytest.approx(71_223.829 * 8e-6, rel=0.02)
