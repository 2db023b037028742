"""One small valid file per format, all written for these tests."""

import duckdb
import numpy as np

from twin.model import DemandLimit, Link, Network, Node, RiskGroup, SegmentList, Tunnel

SNDLIB = """<?xml version="1.0" encoding="UTF-8"?>
<network xmlns="http://sndlib.zib.de/network" version="1.0">
 <networkStructure>
  <nodes coordinatesType="geographical">
   <node id="Ulm"><coordinates><x>9.99</x><y>48.40</y></coordinates></node>
   <node id="Bonn"><coordinates><x>7.10</x><y>50.73</y></coordinates></node>
   <node id="Kiel"><coordinates><x>10.12</x><y>54.32</y></coordinates></node>
  </nodes>
  <links>
   <link id="L1"><source>Ulm</source><target>Bonn</target></link>
   <link id="L2"><source>Bonn</source><target>Kiel</target></link>
   <link id="L3"><source>Kiel</source><target>Ulm</target>
    <additionalModules><addModule><capacity>40.0</capacity><cost>1.0</cost></addModule></additionalModules>
   </link>
  </links>
 </networkStructure>
 <demands>
  <demand id="D1"><source>Ulm</source><target>Kiel</target>
   <routingUnit>2</routingUnit><demandValue>10.0</demandValue></demand>
  <demand id="D2"><source>Bonn</source><target>Kiel</target>
   <routingUnit>1</routingUnit><demandValue>5.0</demandValue></demand>
  <demand id="D3"><source>Kiel</source><target>Bonn</target>
   <routingUnit>1</routingUnit><demandValue>4.0</demandValue></demand>
 </demands>
</network>
"""

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d1" />
  <key attr.name="label" attr.type="string" for="node" id="d2" />
  <key attr.name="Longitude" attr.type="double" for="node" id="d3" />
  <key attr.name="Latitude" attr.type="double" for="node" id="d4" />
  <graph edgedefault="undirected">
    <node id="0"><data key="d2">New York</data><data key="d3">-74.0</data><data key="d4">40.7</data></node>
    <node id="1"><data key="d2">Chicago</data><data key="d3">-87.6</data><data key="d4">41.8</data></node>
    <node id="2"><data key="d2">New York</data></node>
    <edge source="0" target="1"><data key="d1">10000000000.0</data></edge>
    <edge source="0" target="1"><data key="d1">10000000000.0</data></edge>
    <edge source="1" target="2"><data key="d1">2500000000.0</data></edge>
    <edge source="2" target="0"><data key="d1">2500000000.0</data></edge>
    <edge source="2" target="2" />
  </graph>
</graphml>
"""

REPETITA = """NODES 3
label x y
0_New_York -74.0 40.7
1_Chicago -87.6 41.8
2_Denver -104.9 39.7

EDGES 6
label src dest weight bw delay
edge_0 0 1 10 9953280 1913
edge_1 1 0 10 9953280 1913
edge_2 0 1 10 9953280 1913
edge_3 1 0 10 9953280 1913
edge_4 1 2 7 2488320 99
edge_5 2 1 7 2488320 99
"""

DEMANDS = """DEMANDS 4
label src dest bw
demand_0 0 2 300632
demand_1 0 2 1000
demand_2 2 0 158179
demand_3 1 1 500
"""

NODE_LINK = """{"directed": true, "multigraph": false, "graph": {},
 "nodes": [{"id": 0}, {"id": 1}, {"id": 2}],
 "links": [{"capacity": 10000000000.0, "source": 0, "target": 1}, {"capacity": 10000000000.0, "source": 1, "target": 0},
           {"capacity": 2400000000.0, "source": 1, "target": 2}, {"capacity": 2400000000.0, "source": 2, "target": 1}]}
"""

IETF = """{"ietf-network:networks": {"network": [{
 "network-id": "metro", "network-types": {"ietf-l3-unicast-topology:l3-unicast-topology": {}},
 "node": [{"node-id": "198.51.100.1", "ietf-te-topology:te-node-id": "198.51.100.1",
           "ietf-te-topology:te": {"geolocation": {"latitude": "48.85660000", "longitude": "2.35220000"}}},
          {"node-id": "198.51.100.2",
           "ietf-te-topology:te": {"oper-status": "down", "te-node-attributes": {"admin-status": "maintenance"}}}],
 "ietf-network-topology:link": [
  {"link-id": "a", "source": {"source-node": "198.51.100.1", "source-tp": "1"},
   "destination": {"dest-node": "198.51.100.2", "dest-tp": "1"},
   "ietf-l3-unicast-topology:l3-link-attributes": {"metric1": "20"},
   "ietf-te-topology:te": {"te-link-attributes": {
     "max-link-bandwidth": {"te-bandwidth": {"generic": "0x1.2A05F2p+30"}},
     "te-delay-metric": 2500, "te-default-metric": 7, "te-srlgs": {"value": [12, 4]}}}},
  {"link-id": "b", "source": {"source-node": "198.51.100.2"}, "destination": {"dest-node": "198.51.100.1"},
   "ietf-te-topology:te": {"oper-status": "down", "te-link-attributes": {
     "max-link-bandwidth": {"te-bandwidth": {"generic": "0x1.2A05F2p+30"}}, "te-default-metric": 7}}}]}]}}
"""

CSV = "time,source,target,mbps\n2026-01-01 00:00,A,B,1.5\n2026-01-01 00:00,B,A,2\n2026-01-01 00:15,A,B,8\n"


def full_network() -> Network:
    """A network that uses every field of the model, with numbers that no short decimal holds."""
    nodes = (
        Node("Köln.1", 6.95 + 1e-13, 50.9375, drained=True),
        Node("B+C", -0.1, 1 / 3, up=False),
        Node("x_y", 400.5, 248.0),
    )
    links = (
        Link("Köln.1", "B+C", 1e5 / 3, 7, 1 / 7, loss=0.01),
        Link("B+C", "Köln.1", 40_000.0, 9, 0.2, up=False, drained=True),
        Link("Köln.1", "B+C", 10_000.0, 2**24, 0.0, index=2, asleep=True),
        Link("B+C", "x_y", 12.5, 1, 3.25),
        Link("x_y", "B+C", 12.5, 1, 3.25, adjacent=False),
    )
    demands = np.array([[0.0, 1 / 3, 0.0], [2.5e-7, 0.0, 1e6], [0.1 + 0.2, 0.0, 0.0]])
    lists = (SegmentList(via=("B+C",), share=1 / 3), SegmentList(via=(), share=1 - 1 / 3))
    groups = (RiskGroup("duct 7", (links[3].circuit, links[0].circuit)), RiskGroup("empty", ()))
    tunnels = (Tunnel(name="t1", source="Köln.1", target="x_y", paths=lists, on_invalid="igp"),)
    return Network("Netz „Süd“", nodes, links, demands, tunnels, groups, (DemandLimit("x_y", "B+C", 0.1),))


def parquet(path, network, demands):
    """Matrices [t, n, n] as rows of time, source, target and Mbit/s, in Parquet."""
    moment, s, t = np.nonzero(demands)
    names = np.array([node.name for node in network.nodes], dtype=object)
    rows = {"time": moment.astype(str).astype(object), "source": names[s], "target": names[t]}
    with duckdb.connect(":memory:") as connection:
        connection.register("matrices", {**rows, "mbps": demands[moment, s, t]})
        connection.sql("SELECT * FROM matrices").write_parquet(str(path))
    return path
