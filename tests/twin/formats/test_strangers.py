"""A file that is no topology is answered with what it looks like, what is supported, and the nearest way in."""

import os
from pathlib import Path

import pytest

from twin.errors import FormatError
from twin.formats.load import read_explained
from twin.formats.recognise import FORMATS
from twin.formats.strangers import STRANGERS, looks_like

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "dialects"
FILES = {
    "isis.json": ('{"areas": [{"levels": [{"lsps": [{"lsp": {"id": "r1.00-00"}}]}]}]}', "an IS-IS database as JSON"),
    "devices.csv": ("name,status,role,device_type\nr1,active,core,MX\n", "devices of NetBox"),
    "devices.json": ('{"results": [{"name": "r1", "device_type": {"id": 1}}]}', "devices of NetBox"),
    "cables.csv": ("id,termination_a_type,termination_a,b\n1,dcim.interface,r1 > e0,x\n", "cables of NetBox as CSV"),
    "prom.json": ('{"status": "success", "data": {"resultType": "vector", "result": []}}', "an answer of Prometheus"),
    "metrics.txt": ("# HELP up whether it is\n# TYPE up gauge\nup 1\n", "an answer of Prometheus"),
    "walk.txt": ("IF-MIB::ifHCInOctets.1 = Counter64: 5\n", "an SNMP walk"),
    "oc.json": ('{"openconfig-interfaces:interfaces": {"interface": []}}', "OpenConfig"),
    "pods.yaml": ("apiVersion: v1\nkind: Pod\n", "Kubernetes"),
    "hosts.yml": ("all:\n  hosts:\n    r1:\n", "Ansible"),
    "map.geojson": ('{"type": "FeatureCollection", "features": []}', "GeoJSON"),
    "map.xml": ("<kml><Document/></kml>", "KML"),
    "g.gexf": ('<gexf version="1.2"><graph/></gexf>', "GEXF"),
    "n.net": ("*Vertices 2\n1 a\n2 b\n*Edges\n1 2\n", "Pajek"),
    "g.dot": ("graph g { A -- B [weight=10]; }\n", "Graphviz"),
    "m.md": ("graph TD\n  A --> B\n", "Mermaid"),
    "r1.cfg": ("hostname r1\n!\nrouter isis core\n net 49.0001\n", "the configuration of a router"),
    "j.conf": ("set system host-name r1\nset protocols isis interface ge-0/0/0\n", "the configuration of a router"),
    "lldp.txt": ("Device ID        Local Intrfce     Holdtme\nr2  Gig 0/1  120\n", "CDP or LLDP"),
    "flows.csv": ("ts,te,td,sa,da,ibyt\n2026-01-01,2026-01-01,0,10.0.0.1,10.0.0.2,5\n", "flow records"),
    "log.txt": ("<189>1 2026-01-01T00:00:00Z r1 x - - - down\n", "lines of a log"),
    "m.ics": ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "a calendar"),
    "as.txt": ("# source\n1|2|-1|bgp\n", "AS relationship"),
    "t.csv": ("time,source,target,mbps\n2026-01-01,A,B,5\n", "a table"),
    "x.json": ('{"sensors": [1]}', "this is JSON with 'sensors'"),
    "x.txt": ("nothing in particular\n", "a table of links"),
}
PACKED = {
    "a.xlsx": b"PK\x03\x04",
    "a.gz": b"\x1f\x8b\x08",
    "a.pdf": b"%PDF-1.7",
    "a.png": b"\x89PNG",
    "a.pcap": b"\xd4\xc3\xb2\xa1",
}


@pytest.mark.parametrize("name", FILES)
def test_the_answer_names_what_a_file_looks_like(tmp_path, name):
    text, what = FILES[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as found:
        read_explained(path)
    assert what in str(found.value)
    assert "a format that is read" in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", PACKED)
def test_a_file_that_has_to_be_unpacked_or_exported_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PACKED[name] + bytes(100))
    with pytest.raises(FormatError, match="text, not "):
        read_explained(path)


def test_what_is_not_known_at_all_is_answered_with_every_format_that_is_read(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("nothing in particular\n")
    with pytest.raises(FormatError) as found:
        read_explained(path)
    assert all(known.name in str(found.value) for known in FORMATS)


def test_every_stranger_is_tried():
    tried = {found.name for text, _ in FILES.values() if (found := looks_like(text)) is not None}
    assert {stranger.name for stranger in STRANGERS} - tried == set()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no files of tools in {DATA}; set TWINOPS_DATA")
@pytest.mark.parametrize("kind", ["telemetry", "flows", "syslog", "maintenance"])
def test_measurements_logs_and_notices_of_real_tools_are_named_and_never_taken_for_a_network(kind):
    for path in sorted((DATA / kind).iterdir()):
        if path.name.endswith((".expected.json", ".eml", ".html")) or not path.is_file():
            continue
        with pytest.raises(FormatError, match=r"looks like|a format that is read"):
            read_explained(path)
