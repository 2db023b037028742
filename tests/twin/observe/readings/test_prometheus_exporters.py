"""What real exporters count on loopback, by way of a real Prometheus: SNMP of a real agent, and probes of two kinds."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.twin.observe.readings.test_prometheus import free_port
from twin.errors import FormatError
from twin.formats.measurements.part import Options
from twin.formats.measurements.prometheus import ExposedSample
from twin.formats.measurements.prometheus_probes import METRICS, probes_part
from twin.formats.source import Source
from twin.live.network import ProbeSamples
from twin.model import Link, Network, Node
from twin.site import OpenSite, read_site
from twin.site_sources import try_site

PAIRS = (("r1", "r2"), ("r2", "r1"), ("r1", "r3"), ("r3", "r1"))
NETWORK = Network(
    "three", tuple(Node(x, 0.0, 0.0) for x in ("r1", "r2", "r3")), tuple(Link(a, b, 1e5, 1) for a, b in PAIRS),
    np.zeros((3, 3)),
)  # fmt: skip
PACKAGES = {
    "prometheus": "prometheus", "snmpd": "snmpd", "prometheus-snmp-exporter": "prometheus-snmp-exporter",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}  # fmt: skip
SMOKEPING = "prometheus-smokeping-prober"
IF_X = "1.3.6.1.2.1.31.1.1.1"
DEAD = "127.0.0.77:1"
"""No address to be pinged."""


def snmp_module() -> str:
    """A module of snmp_exporter for what this product reads of IF-MIB (RFC 2863)."""
    name = {"labels": ["ifIndex"], "labelname": "ifName", "oid": f"{IF_X}.1", "type": "DisplayString"}
    alias = {"labels": ["ifIndex"], "labelname": "ifAlias", "oid": f"{IF_X}.18", "type": "DisplayString"}
    oids = {
        "ifHCInOctets": (f"{IF_X}.6", "counter"), "ifHCOutOctets": (f"{IF_X}.10", "counter"),
        "ifOperStatus": ("1.3.6.1.2.1.2.2.1.8", "gauge"),
    }  # fmt: skip
    metrics = [
        {
            "name": metric, "oid": oid, "type": kind, "help": metric,
            "indexes": [{"labelname": "ifIndex", "type": "gauge"}], "lookups": [name, alias],
        }
        for metric, (oid, kind) in oids.items()
    ]  # fmt: skip
    walk = [f"{IF_X}.1", f"{IF_X}.18", *(oid for oid, _ in oids.values())]
    return json.dumps({"if_mib": {"walk": walk, "metrics": metrics, "version": 2, "auth": {"community": "public"}}})


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSite]:
    for program, package in PACKAGES.items():
        if shutil.which(program) is None and not Path(f"/usr/sbin/{program}").exists():
            pytest.skip(f"no {program} here: apt install {package}")
    if os.geteuid():
        pytest.skip("whoever pings needs to be root")
    folder, ports = tmp_path_factory.mktemp("exporters"), [free_port() for _ in range(5)]
    agent, snmp, blackbox, smokeping, server = ports
    (folder / "snmpd.conf").write_text(f"agentAddress udp:127.0.0.1:{agent}\nrocommunity public\n")
    (folder / "snmp.yml").write_text(snmp_module())
    (folder / "blackbox.yml").write_text(json.dumps({"modules": {"icmp": {"prober": "icmp", "timeout": "1s"}}}))
    probing = shutil.which(SMOKEPING) is not None
    (folder / "prometheus.yml").write_text(json.dumps(scraped(agent, snmp, blackbox, smokeping if probing else 0)))
    here = "--web.listen-address=127.0.0.1:"
    commands = [
        [shutil.which("snmpd") or "/usr/sbin/snmpd", "-f", "-Ln", "-C", "-c", str(folder / "snmpd.conf"),
         "-p", str(folder / "snmpd.pid")],
        ["prometheus-snmp-exporter", f"--config.file={folder / 'snmp.yml'}", f"{here}{snmp}"],
        ["prometheus-blackbox-exporter", f"--config.file={folder / 'blackbox.yml'}", f"{here}{blackbox}"],
        ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
         f"{here}{server}"],
    ]  # fmt: skip
    if probing:
        (folder / "smokeping.yml").write_text(json.dumps({"targets": []}))
        commands.append([SMOKEPING, "--privileged", "--ping.interval=200ms", f"{here}{smokeping}", "127.0.0.3",
                         f"--config.file={folder / 'smokeping.yml'}"])  # fmt: skip
    with ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait, timeout=30)
            stack.callback(process.terminate)
        wait_for(lambda: answers(f"http://127.0.0.1:{server}/-/ready"))
        yield own_site(folder, f"http://127.0.0.1:{server}")


def scraped(agent: int, snmp: int, blackbox: int, smokeping: int) -> dict[str, object]:
    """What Prometheus asks of whom; a port of 0 is of nobody."""

    def through(exporter: int) -> list[dict[str, object]]:
        return [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
        ]

    jobs: list[dict[str, object]] = [
        {"job_name": "snmp", "metrics_path": "/snmp", "params": {"module": ["if_mib"]},
         "static_configs": [{"targets": [f"127.0.0.1:{agent}"], "labels": {"router": "r1"}}],
         "relabel_configs": through(snmp)},
        {"job_name": "ping", "metrics_path": "/probe", "params": {"module": ["icmp"]},
         "static_configs": [{"targets": ["127.0.0.2", DEAD], "labels": {"source": "r1"}}],
         "relabel_configs": through(blackbox)},
    ]  # fmt: skip
    if smokeping:
        probing = {"targets": [f"127.0.0.1:{smokeping}"], "labels": {"prober": "r1"}}
        jobs.append({"job_name": "smokeping", "static_configs": [probing]})
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}


def own_site(folder: Path, url: str) -> OpenSite:
    links = [{"source": "r1", "target": x, "weight": 1, "capacity": "100G"} for x in ("r2", "r3")]
    (folder / "topology.json").write_text(
        json.dumps({"nodes": [{"id": x.name} for x in NETWORK.nodes], "links": links})
    )
    (folder / "interfaces.csv").write_text("link,interface\nr1->r2,lo\n")
    (folder / "prefixes.csv").write_text("prefix,node\n127.0.0.2,r2\n127.0.0.3,r3\n127.0.0.77,r3\n")
    lines = ["[sources]", 'topology = "topology.json"', 'interfaces = "interfaces.csv"', 'prefixes = "prefixes.csv"']
    (folder / "site.toml").write_text("\n".join([*lines, f'prometheus = "{url}"', "minutes = 2", ""]))
    return read_site(folder)


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not holds():
        assert time.monotonic() < end, "a busy machine does not take as long"
        time.sleep(0.5)


def probes(site: OpenSite, target: str) -> ProbeSamples:
    """What was probed from r1 to a node."""
    measured = site.measurements("probes", lambda: datetime.now(UTC))
    assert measured is not None
    found = measured.telemetry.probes
    chosen = (found.source == 0) & (found.target == NETWORK.node_index[target])
    return ProbeSamples(*(x[chosen] for x in found))


def test_counters_of_a_real_agent_are_those_that_the_kernel_counts(site: OpenSite) -> None:
    def polled() -> bool:
        try:
            measured = site.measurements("counters", lambda: datetime.now(UTC))
        except FormatError:  # nothing is scraped yet
            return False
        return measured is not None and np.isfinite(measured.telemetry.links.out_mbps).sum() >= 3

    wait_for(polled)
    measured = site.measurements("counters", lambda: datetime.now(UTC))
    assert measured is not None
    links = measured.telemetry.links
    out, received = (x[np.isfinite(x)] for x in (links.out_mbps, links.in_mbps))
    assert (out > 0).any()  # exporters are asked over loopback
    assert out.sum() == pytest.approx(received.sum(), rel=0.3)  # and what leaves by it comes in by it
    assert measured.telemetry.links.up[links.link == 0].max() == 1


def test_what_answers_pings_is_near_and_loses_nothing_and_what_does_not_is_lost(site: OpenSite) -> None:
    wait_for(lambda: probes(site, "r2").time.size >= 3)
    near = probes(site, "r2")
    assert np.median(near.loss) == 0.0
    assert 0 < np.nanmedian(near.delay_ms) < 50
    assert {x.name: x for x in try_site(site, lambda: datetime.now(UTC))}["probes"].state in ("ok", "late")


def test_counted_probes_are_shares_and_means_of_each_scrape(site: OpenSite) -> None:
    if shutil.which(SMOKEPING) is None:
        pytest.skip(f"no {SMOKEPING} here: apt install {SMOKEPING}")
    wait_for(lambda: (np.isfinite(probes(site, "r3").delay_ms)).sum() >= 3)
    far = probes(site, "r3")
    assert 0 < np.nanmedian(far.delay_ms) < 50


def sample(metric: str, time_: float, value: float, **labels: str) -> ExposedSample:
    return ExposedSample(metric, labels, time_, str(value))


def test_restarts_of_a_prober_are_missing_and_late_answers_no_gain() -> None:
    counts = [(0, 100, 100, 1.0), (10, 110, 108, 1.16), (20, 120, 119, 1.38), (30, 4, 4, 0.04), (40, 14, 14, 0.14)]
    labels = {"prober": "r1", "host": "r3"}
    samples = [
        sample(metric, 1e9 + at, value, **labels)
        for at, *values in counts
        for metric, value in zip(METRICS[2:], values, strict=True)
    ]
    part = probes_part(Source("x"), samples, NETWORK, Options())
    assert part is not None
    assert part.probes is not None
    assert part.probes.time.tolist() == [1e9 + x for x in (10, 20, 40)]
    assert part.probes.loss == pytest.approx([0.2, 0.0, 0.0])
    assert part.probes.delay_ms == pytest.approx([10.0, 10.0, 5.0])
    assert part.probe_packets == 10


def test_a_lost_ping_has_no_delay_and_who_probes_must_be_told() -> None:
    told = {"source": "r1", "instance": "r2"}
    samples = [sample(METRICS[0], 1e9, 0, **told), sample(METRICS[1], 1e9, 0, phase="rtt", **told)]
    samples += [sample(METRICS[1], 1e9, 9, phase="resolve", **told), sample(METRICS[0], 1e9, 1, instance="a.example")]
    part = probes_part(Source("x"), samples, NETWORK, Options())
    assert part is not None
    assert part.probes is not None
    assert (part.probes.loss.tolist(), np.isnan(part.probes.delay_ms).tolist()) == ([1.0], [True])
    assert part.account.fields[-1].count == 1
    with pytest.raises(FormatError, match="by relabelling"):
        probes_part(Source("x"), samples[3:], NETWORK, Options())
    assert probes_part(Source("x"), [sample("up", 1e9, 1)], NETWORK, Options()) is None
