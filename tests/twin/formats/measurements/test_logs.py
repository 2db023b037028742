"""Log lines of many makes: their frame, their host, their interface as the twin calls it, and what was not known."""

import json
import os
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import FormatError
from twin.formats.measurements.log_frames import read_line
from twin.formats.measurements.logs import read_log, template
from twin.formats.measurements.part import Options
from twin.formats.measurements.read import read_part
from twin.live.network import Event
from twin.model import Link, Network, Node
from twin.observe.readings.syslog import read_events

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
NODES = tuple(Node(name, float(i), 0.0) for i, name in enumerate(("gw1", "gw2", "lon")))
PAIRS = [(a.name, b.name) for a in NODES for b in NODES if a is not b]
NETWORK = Network("three", NODES, tuple(Link(a, b, 1e4, 1) for a, b in PAIRS), np.zeros((3, 3)))
DIALECTS = Path(os.environ.get("TWINOPS_DATA", "../shared/data")) / "dialects" / "syslog"
KINDS = {
    ("interface", "up"): "interface_up",
    ("interface", "down"): "interface_down",
    ("isis_adjacency", "up"): "neighbour_up",
    ("isis_adjacency", "down"): "neighbour_down",
    ("ospf_neighbour", "up"): "neighbour_up",
    ("ospf_neighbour", "down"): "neighbour_down",
}

_PORT = re.compile(r"\b(?:[A-Za-z]+\d+/[\w/.-]*|(?:xe|ge)-[\d/.]+|(?:Gigabit|Fast)?Ethernet[\d./]+|et7)(?=[ ,]|$)")


def options(*names):
    return Options(now=NOW, ports={(0, name.lower()): NETWORK.link_index["gw1->lon"] for name in names})


@pytest.mark.parametrize(
    ("line", "host", "when", "severity", "message"),
    [
        (
            "<187>94307: gw1.site-devx LC/0/2/CPU0:Jul  7 20:16:14.834 : ifmgr[214]: "
            "%PKT_INFRA-LINK-3-UPDOWN : Interface x",
            *(
                "gw1.site-devx",
                datetime(2026, 7, 7, 20, 16, 14, 834000, UTC),
                3,
                "%PKT_INFRA-LINK-3-UPDOWN : Interface x",
            ),
        ),
        (
            '<165>1 2026-10-11T22:14:15.003Z gw2 rpd 312 RPD_X [meta@1 a="b\\]c"] RPD_OSPF_NBRUP: x',
            *("gw2", datetime(2026, 10, 11, 22, 14, 15, 3000, UTC), 5, "rpd[312]: RPD_OSPF_NBRUP: x"),
        ),
        (
            "<189>Nov 14 08:30:57 relay 521: *Nov 14 08:30:56.699: %LINK-5-CHANGED: Interface y",
            *("relay", datetime(2026, 11, 14, 8, 30, 56, 699000, UTC), 5, "%LINK-5-CHANGED: Interface y"),
        ),
        (
            "2026/11/29 11:12:00 ISIS: [Q7SVW-YVKRH][EC 100663304] %ADJCHANGE: Adjacency to lon (eth1)",
            *("", datetime(2026, 11, 29, 11, 12, 0, 0, UTC), 6, "ISIS: %ADJCHANGE: Adjacency to lon (eth1)"),
        ),
        (
            "<190>2018 Apr 20 13:15:07 gw1 %ETHPORT-5-IF_UP: Interface z",
            *("gw1", datetime(2018, 4, 20, 13, 15, 7, 0, UTC), 5, "%ETHPORT-5-IF_UP: Interface z"),
        ),
        (
            "<28>Jul 20 21:45:59  gw1 mib2d[2424]: SNMP_TRAP_LINK_DOWN: ifIndex 502",
            *("gw1", datetime(2026, 7, 20, 21, 45, 59, 0, UTC), 4, "mib2d[2424]: SNMP_TRAP_LINK_DOWN: ifIndex 502"),
        ),
        (
            "Dec 31 23:59:59 gw1 %SYS-5-CONFIG_I: x",
            *("gw1", datetime(2025, 12, 31, 23, 59, 59, 0, UTC), 5, "%SYS-5-CONFIG_I: x"),
        ),
    ],
)
def test_the_frame_is_taken_apart(line, host, when, severity, message):
    found = read_line(line, now=NOW)
    assert (found.host, found.severity, found.message) == (host, severity, message)
    assert found.time == pytest.approx(when.timestamp(), abs=1e-3)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('<187>1: gw1 RP/0:Jul  7 20:16:14.8 : ifmgr[2]: %PKT_INFRA-LINK-3-UPDOWN : Interface '
         'Te0/4, changed state to Down', 'interface_down'),
        ('<189>9: gw1: Nov 1 08:30:56.699: %LINEPROTO-5-UPDOWN: Line protocol on Interface Te0/4, '
         'changed state to up', 'interface_up'),
        ('<189>9: gw1: Nov 1 08:30:56: %OSPF-5-ADJCHG: Process 1, Nbr 10.0.0.4 on Te0/4 from FULL '
         'to DOWN, Neighbor Down: Dead timer expired', 'neighbour_timeout'),
        ('<189>9: gw1: Nov 1 08:30:56: %CLNS-5-ADJCHANGE: ISIS: Adjacency to lon (Te0/4) Down, '
         'interface deleted(non-iih)', 'neighbour_down'),
        ('<190>1: gw1 RP/0:Nov  1 01:17:24.9: isis[1]: %ROUTING-ISIS-5-ADJCHANGE : Adjacency to '
         'lon (Te0/4) (L2) Down, Hold time expired', 'neighbour_timeout'),
        ('<29>Mar 14 13:19:49 gw1 rpd[1167]: RPD_ISIS_ADJDOWN: IS-IS lost L2 adjacency to lon on '
         'Te0/4.0, reason: Aged Out', 'neighbour_timeout'),
        ('<29>Jun 21 14:03:12  gw1 rpd[9]: RPD_OSPF_NBRDOWN: OSPF neighbor 1.1.1.1 (realm ospf-v2 '
         'Te0/4.0 area 0.0.0.0) state changed from Full to Down due to KillNbr (event reason: neighbor down)',
         'neighbour_down'),
        ('<28>Jul 20 21:45:59 gw1 mib2d[2]: SNMP_TRAP_LINK_DOWN: ifIndex 5, ifAdminStatus up(1), '
         'ifOperStatus down(2), ifName Te0/4', 'interface_down'),
        ('2026-11-29T02:50:11Z gw1 %LINK-3-UPDOWN: Interface to lon, changed state to down', 'interface_down'),
        ('2026/11/29 11:12:00 gw1 ISIS: [Q7SVW-YVKRH] %ADJCHANGE: Adjacency to lon (Te0/4) for '
         'level-2 changed from Up to Down, holding time expired', 'neighbour_timeout'),
    ],
)  # fmt: skip
def test_a_line_in_known_words_is_a_fact_at_the_twins_interface(line, kind, tmp_path):
    path = tmp_path / "x.log"
    path.write_text(line + "\n", encoding="utf-8")
    part = read_log(str(path), NETWORK, options("Te0/4"))
    (fact,) = read_events(NETWORK, part.events)
    assert (fact.kind, fact.element) == (kind, "interface/gw1/lon")


def test_unknown_lines_are_kept_and_counted_by_template(tmp_path):
    lines = [f"Nov  1 01:00:0{i} gw1 fand[{i}]: fan {i} at {4000 + i} rpm on 10.0.0.{i}" for i in range(5)]
    lines += ["Nov  1 01:00:09 elsewhere x: y z", "no time here"]
    path = tmp_path / "x.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    part = read_part(path, NETWORK, options())
    assert len(part.events) == 5
    told = Counter({x.field: x.count for x in part.account.fields if x.became == "not modelled"})
    assert told["lines like fand[*]: fan * at * rpm on *"] == 5
    assert any("elsewhere" in x.note for x in part.account.fields)
    assert any("without a time" in x.note for x in part.account.fields)


def test_a_file_that_names_no_host_is_of_the_node_it_is_called_after(tmp_path):
    path = tmp_path / "lon.log"
    path.write_text("2026/11/29 11:12:00 ISIS: [T83RR-8SM5G] isisd 8.4.4 starting: vty@0\n", encoding="utf-8")
    assert [x.node for x in read_part(path, NETWORK, options()).events] == ["lon"]


def test_a_table_of_time_node_and_message_is_a_log(tmp_path):
    path = tmp_path / "syslog.csv"
    text = 'time,node,message\n2026-11-29T02:50:11Z,gw1,"%LINK-3-UPDOWN: Interface to lon, changed state to down"\n'
    path.write_text(text, encoding="utf-8")
    (fact,) = read_events(NETWORK, read_part(path, NETWORK, options()).events)
    assert (fact.kind, fact.element) == ("interface_down", "interface/gw1/lon")


def test_no_line_with_a_time_is_a_clear_error(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("hello\n", encoding="utf-8")
    with pytest.raises(FormatError, match="log lines with a time"):
        read_log(str(path), NETWORK, options())


@pytest.mark.skipif(not DIALECTS.is_dir(), reason=f"no log files in {DIALECTS}; set TWINOPS_DATA")
@pytest.mark.parametrize("name", ["eos", "frr_isisA", "frr_ospfA", "ios", "iosxe", "iosxr", "junos", "nxos", "srlinux"])
def test_published_lines_of_routers_mean_what_they_mean(name):
    text = (DIALECTS / f"{name}.log").read_text(encoding="utf-8")
    told = json.loads((DIALECTS / f"{name}.log.expected.json").read_text(encoding="utf-8"))["lines"]
    lines = [read_line(line, now=NOW) for line in text.splitlines() if line.strip()]
    assert len(lines) == len(told)
    assert sum(line.time is None for line in lines) <= 1
    for line, expected in zip(lines, told, strict=True):
        kind = KINDS.get((expected["event"], expected["state"]))
        if kind is None:
            continue
        message = line.message
        for interface in ("(TenGigE0/2/0/8.995)", "(eth1)", "(eth0)", "(eth2)"):
            message = message.replace(interface, "(lon)")
        message = _PORT.sub("lon", message)
        facts = read_events(NETWORK, [Event(1.0, "gw1", 6, message)])
        assert [x.kind.replace("timeout", "down") for x in facts] == [kind], message


@given(st.text(max_size=200))
def test_any_line_has_a_frame_and_a_template(line):
    read_line(line, now=NOW)
    assert len(template(line)) <= 121
