"""Interfaces that went down and came up between two polls: by their counts, or by when they say that they changed."""

import os
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import ExitStack

import pytest

from tests.twin.formats.measurements.test_tables import NETWORK, START, measured_in, saved
from twin.formats.measurements.part import Options
from twin.formats.measurements.prometheus import ExposedSample, sheet_of
from twin.formats.measurements.read import combine, read_sheet
from twin.formats.source import Source
from twin.observe.readings.syslog import read_events

IF = NETWORK.links[NETWORK.link_index["a->c"]].interface
A = IF.rpartition("/")[2]


def facts(measured):
    found = read_events(NETWORK, measured.telemetry.events)
    return [(round(x.time - START, 3), x.kind.removeprefix("interface_")) for x in found if x.element == IF]


def table(tmp_path, *rows, header="time,link,out_mbps,up,carrier_changes"):
    lines = [header, *(f"{START + t},a->c,5,{rest}" for t, rest in rows)]
    return saved(tmp_path, "\n".join([*lines, ""]))


def test_changes_between_two_polls_that_both_found_it_up_are_evenly_spaced_falls_and_rises(tmp_path):
    found = measured_in([table(tmp_path, (0, "1,6"), (50, "1,10"), (100, "1,10"))])
    assert facts(found) == [(10, "down"), (20, "up"), (30, "down"), (40, "up")]


def test_what_polls_tell_by_themselves_is_no_news(tmp_path):
    assert facts(measured_in([table(tmp_path, (0, "1,6"), (50, "0,7"), (100, "1,8"))])) == []
    turned = measured_in([table(tmp_path, (0, "1,6"), (40, "0,9"))])
    assert facts(turned) == [(10, "down"), (20, "up"), (30, "down")]


def test_a_count_that_began_anew_and_one_that_nobody_tells_say_nothing(tmp_path):
    assert facts(measured_in([table(tmp_path, (0, "1,6"), (50, "1,2"), (100, "1,"))])) == []


def test_so_many_changes_that_they_say_no_more_are_told_by_some(tmp_path):
    assert len(facts(measured_in([table(tmp_path, (0, "1,6"), (50, "1,40000006"))]))) == 64


WALK = """time,host,oid,value
{0},a,.1.3.6.1.2.1.1.3.0,Timeticks: (90000) 0:15:00.00
{0},a,.1.3.6.1.2.1.2.2.1.9.7,Timeticks: (500) 0:00:05.00
{0},a,IF-MIB::ifOperStatus.7,INTEGER: up(1)
{0},a,IF-MIB::ifHCOutOctets.7,Counter64: 1000
{0},a,IF-MIB::ifAlias.7,STRING: core to c
{1},a,.1.3.6.1.2.1.1.3.0,Timeticks: ({2}) 0:16:00.00
{1},a,IF-MIB::ifLastChange.7,Timeticks: ({3}) 0:15:50.00
{1},a,IF-MIB::ifOperStatus.7,INTEGER: up(1)
{1},a,IF-MIB::ifHCOutOctets.7,Counter64: 2000
"""


def test_an_interface_that_says_when_it_came_up_went_down_before(tmp_path):
    walk = WALK.format(START, START + 60, 96_000, 95_000)
    assert facts(measured_in([saved(tmp_path, walk)])) == [(25, "down"), (50, "up")]


def test_a_router_that_was_started_between_two_polls_turned_nothing(tmp_path):
    walk = WALK.format(START, START + 60, 3_000, 1_000)
    assert facts(measured_in([saved(tmp_path, walk)])) == []


def test_what_the_routers_own_log_tells_of_the_interface_counts_alone(tmp_path):
    path = table(tmp_path, (0, "1,6"), (50, "1,8"))
    logged = f"2026-01-01T00:00:20Z a %LINK-3-UPDOWN: Interface {A}, changed state to down\n"
    log = saved(tmp_path, f"{logged}{logged.replace(':20Z', ':21Z').replace('down', 'up')}", "now.log")
    assert facts(measured_in([path, log])) == [(20, "down"), (21, "up")]
    other = saved(tmp_path, logged.replace(f"Interface {A},", f"Interface {A}x,"), "now.log")
    assert len(facts(measured_in([path, other]))) == 2


def test_uptime_is_of_the_router_in_what_snmp_exporter_says():
    def of(metric, at, value, **labels):
        return ExposedSample(metric, {"instance": "a", **labels}, START + at, str(value))

    port = {"ifIndex": "7", "ifName": "xe-0", "ifAlias": "core to c"}
    samples = [
        x
        for at, up, last in ((0, 90_000, 500), (60, 96_000, 95_000))
        for x in (
            of("sysUpTime", at, up),
            of("ifLastChange", at, last, **port),
            of("ifOperStatus", at, 1, **port),
            of("ifHCOutOctets", at, 1000 * (1 + at), **port),
        )
    ]
    with sheet_of(Source("x"), samples) as sheet:
        part = read_sheet(sheet, NETWORK, Options())
    assert facts(combine([part], NETWORK, Options())) == [(25, "down"), (50, "up")]


def scraped(url, at):
    with urllib.request.urlopen(url, timeout=30) as answer:
        page = answer.read().decode()
    for name, labels, value in re.findall(r"^(node_network_\w+)\{([^}]*)\} (\S+)$", page, re.MULTILINE):
        told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if told.get("device") == "twturn0":
            yield ExposedSample(name, {"instance": "a", "ifAlias": "core to c", **told}, at, value)


def test_node_exporter_counts_what_the_kernel_saw_of_a_real_interface():
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None or os.geteuid() or shutil.which("ip") is None:
        pytest.skip("no node_exporter here, or nobody who may make interfaces")
    from tests.twin.observe.readings.test_prometheus import free_port

    def ip(*words):
        subprocess.run(["ip", "link", *words], check=True)

    port, quiet = free_port(), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:
        ip("add", "twturn0", "type", "veth", "peer", "name", "twturn1")
        stack.callback(ip, "del", "twturn0")
        ip("set", "twturn0", "up")
        ip("set", "twturn1", "up")
        process = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{port}"], **quiet)
        stack.callback(process.wait, timeout=30)
        stack.callback(process.terminate)
        url, end = f"http://127.0.0.1:{port}/metrics", time.monotonic() + 120
        before = list[ExposedSample]()
        while not before:
            assert time.monotonic() < end, "a busy machine does not take as long"
            try:
                before = list(scraped(url, START))
            except OSError:
                time.sleep(0.2)
        for _ in range(2):  # the light of one end goes with the other end
            ip("set", "twturn1", "down")
            ip("set", "twturn1", "up")
        after = list(scraped(url, START + 60))
    with sheet_of(Source("x"), [*before, *after]) as sheet:
        part = read_sheet(sheet, NETWORK, Options())
    found = facts(combine([part], NETWORK, Options()))
    assert [kind for _, kind in found] == ["down", "up", "down", "up"]
