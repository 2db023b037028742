"""A site file says where one's files are; what is wrong with it is told in one line."""

from datetime import UTC, datetime

import pytest

from twin.errors import TwinError
from twin.live import adapters
from twin.live.emulated import EmulatedNetwork
from twin.observe.readings.syslog import read_events
from twin.site import connect, read_site

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
TOPOLOGY = '{"nodes": [{"id": "A"}, {"id": "B"}], "links": [{"source": "A", "target": "B", "weight": 5}]}'


def site(folder, text, **files):
    for name, content in {"topology.json": TOPOLOGY, **files}.items():
        (folder / name).write_text(content)
    (folder / "site.toml").write_text(text)
    return read_site(folder)


def test_capacities_and_places_are_laid_over_the_inventory(tmp_path):
    text = '[sources]\ntopology = "topology.json"\ncapacities = "caps.csv"\nplaces = ["places.csv"]\n'
    tables = {"caps.csv": "a,b,capacity_gbps\nA,B,40\n", "places.csv": "node,lat,lon\nA,48,11\nB,52,13\n"}
    network = site(tmp_path, text, **tables).reading().network
    assert {link.capacity for link in network.links} == {40_000.0}
    assert network.nodes[0].latitude == 48.0


def test_columns_and_zone_hold_for_planned_traffic_too(tmp_path):
    text = '[sources]\ntopology = "topology.json"\ntraffic = "t.csv"\n[columns]\ntraffic = "peak_mbps"\n'
    opened = site(tmp_path, text, **{"t.csv": "source,target,peak_mbps,mean_mbps\nA,B,7,3\n"})
    assert opened.reading().network.demands[0, 1] == 7.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "sources"),
        ("[sources]\n", "topology"),
        ('[sources]\ntopology = "gone.json"\n', "no file"),
        ('[sources]\ntopology = "topology.json"\ncapacities = "gone*.csv"\n', "no file matches"),
        ('[sources]\ntopology = "topology.json"\ncapacities = "../*.csv"\n', "leads out of"),
        ('[sources]\ntopology = "topology.json"\ncounter = "x.csv"\n', "counter"),
        ('zone = "Mars/Olympus"\n[sources]\ntopology = "topology.json"\n', "time zone"),
        ('clock = "sun"\n[sources]\ntopology = "topology.json"\n', "clock"),
        ('[sources]\ntopology = "topology.json"\n[units]\ncapacity = "furlongs"\n', "no unit"),
        ('[sources]\ntopology = "topology.json"\n[columns]\nspeed = "x"\n', "no mapping"),
        ('[sources]\ntopology = "topology.json"\n', "names no measurements"),
        ("[sources]\ntopology = [[1]]\n", "topology"),
        ("\x00\x01", ""),
        ("[sources\n", ""),
    ],
)
def test_a_broken_site_file_is_one_line_that_says_which_key(tmp_path, text, told):
    with pytest.raises(TwinError) as caught:
        site(tmp_path, text).look(lambda: NOW)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_live_network_is_opened_by_the_name_that_commands_take(tmp_path, monkeypatch):
    monkeypatch.setattr(adapters, "_held", {})
    rates = "".join(f"2026-11-29T0{h}:00:00Z,A->B,{h}\n2026-11-29T0{h}:00:00Z,B->A,{h}\n" for h in (1, 2, 3))
    text = '[sources]\ntopology = "topology.json"\ncounters = "rates.csv"\n[columns]\nout = "out_mbps"\n'
    site(tmp_path, text, **{"rates.csv": f"time,link,out_mbps\n{rates}"})
    live = connect(str(tmp_path / "site.toml"))
    assert len(live.read_topology().circuits) == 1
    assert live.read_telemetry(NOW.replace(hour=2)).links.out_mbps.max() == 3.0

    emulated = EmulatedNetwork(live.read_topology(), seed=1, start=NOW)
    adapters.hold("emulated:two", emulated)
    assert connect("emulated:two") is emulated
    with pytest.raises(TwinError):
        connect("nobody")


def test_reflectors_and_peers_of_a_site_are_in_its_routes_and_its_log_lines(tmp_path):
    text = (
        'reflectors = ["A"]\n[sources]\ntopology = "topology.json"\npeers = "peers.csv"\nlogs = "r.log"\n'
        'counters = "c.csv"\n[[exits]]\nname = "internet"\nat = { A = 1, B = 1 }\n'
    )
    files = {
        "peers.csv": "link,address\nB->internet,2001:db8::9\n",
        "r.log": "2026-11-29T02:50:00Z B %BGP-5-ADJCHANGE: neighbor 2001:db8::9 Down BGP Notification sent\n",
        "c.csv": "time,link,out_mbps\n2026-11-29T02:55:00Z,A->B,5\n",
    }
    opened = site(tmp_path, text, **files)
    look = opened.look(lambda: NOW)
    assert [(x.does, x.at) for x in look.network.astray] == [("reflect", "A")]
    (fact,) = read_events(look.network, look.telemetry.events)
    assert (fact.kind, fact.element) == ("session_down", "interface/B/internet")
    both = text + '[[exits]]\nname = "content"\nat = { B = 1 }\n'
    with pytest.raises(TwinError, match=r"(?i)2001:db8::9 at B->internet and B->content: expected one exit a session"):
        site(tmp_path, both, **files | {"peers.csv": files["peers.csv"] + "B->content,2001:DB8::9\n"}).look(lambda: NOW)
    with pytest.raises(TwinError, match=r"reflectors.*routers of"):
        site(tmp_path, text.replace('["A"]', '["internet"]'), **files).reading()
