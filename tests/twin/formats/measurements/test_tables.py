"""Tables as people export them give the samples that their numbers mean, and an account of every column."""

from datetime import UTC, datetime

import numpy as np
import pytest

from twin.errors import FormatError, InputError, TwinError
from twin.formats import read_traffic
from twin.formats.measurements.columns import read_mapping, recognise_column
from twin.formats.measurements.moments import read_zone
from twin.formats.measurements.part import Options
from twin.formats.measurements.prefixes import read_prefixes
from twin.formats.measurements.read import combine, read_part, read_parts
from twin.model import Link, Network, Node

NAMES = ("a", "b", "c")
NODES = tuple(Node(name, float(i), 0.0) for i, name in enumerate(NAMES))
ARCS = (("a", "b", 1), ("a", "b", 2), ("b", "c", 1), ("c", "a", 1))
LINKS = tuple(Link(*ends, 1_000.0, 10, index=i) for x, y, i in ARCS for ends in ((x, y), (y, x)))
NETWORK = Network("three", NODES, LINKS, np.zeros((3, 3)))
START = 1_767_225_600


def saved(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def measured_in(files, network=NETWORK, options=None):
    options = options or Options()
    return combine(read_parts(files, network, options), network, options)


def rates(measured, quantity="out_mbps"):
    links, values = measured.telemetry.links, getattr(measured.telemetry.links, quantity)
    return {(round(t - START), NETWORK.links[i].name): round(float(v), 6)
            for t, i, v in zip(links.time, links.link, values, strict=True) if np.isfinite(v)}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [("out_bps", "500000000"), ("tx_kbps", "500000"), ("Tx Mbit/s", "500"), ("egress_gbps", "0.5"),
     ("out_Bps", "62500000"), ("out_MBps", "62.5"), ("OutBitsPerSec", "5e8"), ("sent_bytes_per_second", "62500000")],
)  # fmt: skip
def test_a_rate_is_the_same_in_every_unit(column, value, tmp_path):
    file = saved(tmp_path, f"time,link,{column}\n{START},b->c,{value}\n")
    assert rates(measured_in([file])) == {(0, "b->c"): 500.0}


def test_a_unit_that_nobody_says_is_asked_for_and_one_that_cannot_be_is_doubted(tmp_path):
    silent = saved(tmp_path, f"time,link,out\n{START},b->c,500\n")
    with pytest.raises(FormatError, match="--unit counters=mbps"):
        measured_in([silent])
    assert rates(measured_in([silent], NETWORK, Options(units={"counters": "mbps"}))) == {(0, "b->c"): 500.0}
    wrong = saved(tmp_path, f"time,link,out_bps\n{START},b->c,500\n")
    with pytest.raises(FormatError, match="near the capacities"):
        measured_in([wrong])
    assert rates(measured_in([wrong], NETWORK, Options(units={"counters": "mbps"}))) == {(0, "b->c"): 500.0}
    huge = saved(tmp_path, f"time,link,out_mbps\n{START},b->c,500000000\n")
    with pytest.raises(FormatError, match="near the capacities"):
        measured_in([huge])


def test_counters_by_router_and_interface_are_joined_by_a_table_the_neighbour_or_the_description(tmp_path):
    rows = ["polled,router,ifIndex,ifDescr,ifAlias,ifHCOutOctets,ifHCInOctets,ifOperStatus"]
    for k in range(4):
        t, up = START + 60 * k, 125_000 * 60 * k
        rows.append(f"{t},A.example.net,1,xe-0,,{10 * up},{20 * up},1")
        rows.append(f"{t},a.example.net,2,xe-1,to c (core),{30 * up},{40 * up},2")
        rows.append(f"{t},a.example.net,3,ge-9,customer,{50 * up},{60 * up},1")
    file = saved(tmp_path, "\n".join(rows))
    found = Options(columns={"time": "polled"}, ports={(0, "xe-0"): NETWORK.link_index["a->b.2"]})
    measured = measured_in([file], NETWORK, found)
    assert set(rates(measured).values()) == {10.0, 30.0}
    assert {name for _, name in rates(measured)} == {"a->b.2", "a->c"}
    assert {name for _, name in rates(measured, "in_mbps")} == {"b->a.2", "c->a"}
    up = dict(zip(measured.telemetry.links.link.tolist(), measured.telemetry.links.up.tolist(), strict=True))
    assert (up[NETWORK.link_index["a->b.2"]], up[NETWORK.link_index["a->c"]]) == (1.0, 0.0)
    assert measured.edges is not None
    assert (measured.edges.enters.round(6).tolist(), measured.edges.leaves.round(6).tolist()) == ([60.0], [50.0])
    (account,) = measured.accounts
    assert any("ge-9" in str(use) and use.became == "not modelled" for use in account.fields)


def test_what_is_not_told_of_a_link_is_known_of_nothing(tmp_path):
    file = saved(tmp_path, f"time,link,out_mbps\n{START},b->c,5\n")
    measured = measured_in([file])
    assert np.isnan(measured.telemetry.links.up).all()
    assert "state" not in measured.telemetry.declared.reads
    assert any(x.became == "assumed" and x.field == "state of interfaces" for x in measured.accounts[0].fields)


@pytest.mark.parametrize("turned", [False, True])
def test_which_end_received_is_told_by_the_numbers_where_the_header_leaves_it_open(turned, tmp_path):
    load = {"a->b": 10.0, "b->a": 90.0, "b->c": 30.0, "c->b": 70.0}
    back = {"a->b": "b->a", "b->a": "a->b", "b->c": "c->b", "c->b": "b->c"}
    rows = "\n".join(f"{START},{x},{y},{load[back[x]] if turned else y}" for x, y in load.items())
    measured = measured_in([saved(tmp_path, f"time,interface,tx_mbps,rx_mbps\n{rows}\n")])
    assert rates(measured, "in_mbps") == {(0, name): value for name, value in load.items()}
    assert any("received" in x.field and x.became == "assumed" for x in measured.accounts[0].fields)


def test_polls_at_different_seconds_become_samples_and_the_skew_is_declared(tmp_path):
    rows = ["time,link,out_octets"]
    for name, late in (("a->b", 0), ("b->c", 7), ("c->a", 13)):
        rows += [f"{START + 300 * k + late},{name},{k * 300 * 125_000}" for k in range(5)]
    measured = measured_in([saved(tmp_path, "\n".join(rows))])
    times = np.unique(measured.telemetry.links.time)
    assert times.size == 4
    assert np.diff(times) == pytest.approx([300.0] * 3)
    assert set(rates(measured).values()) == {1.0}
    assert 6.0 <= measured.telemetry.declared.skew_s <= 7.0


def test_a_pair_without_a_row_has_no_traffic_and_an_empty_cell_is_unknown(tmp_path):
    from twin.observe.readings.samples import read_samples

    text = f"ts,src,dst,mbps\n{START},a,b,5\n{START},b,c,\n{START + 300},a,b,6\n"
    measured = measured_in([saved(tmp_path, text)], NETWORK.with_demands(np.ones((3, 3)) - np.eye(3)))
    demands = np.array(list(read_samples(NETWORK, measured.telemetry, 2).demands))
    assert demands[:, 0, 1].tolist() == [5.0, 6.0]
    assert demands[:, 2, 0].tolist() == [0.0, 0.0]
    assert np.isnan(demands[0, 1, 2])
    assert demands[1, 1, 2] == 0.0


def test_octets_of_an_interval_are_a_rate_over_it(tmp_path):
    text = f"time,source,target,bytes\n{START},a,b,{300 * 125_000}\n{START + 300},a,b,{600 * 125_000}\n"
    measured = measured_in([saved(tmp_path, text)])
    assert measured.telemetry.traffic.mbps == pytest.approx([1.0, 2.0])
    one = saved(tmp_path, f"time,source,target,bytes\n{START},a,b,{300 * 125_000}\n")
    with pytest.raises(FormatError, match="how long they were counted"):
        measured_in([one])


def test_semicolons_and_decimal_commas_are_read(tmp_path):
    text = "Zeit;link;out_mbps;in_mbps\n13.01.2026 01:15;b->c;1.234,5;999,25\n"
    measured = measured_in([saved(tmp_path, text)], NETWORK, Options(zone=read_zone("Europe/Berlin")))
    assert measured.telemetry.links.out_mbps.tolist() == [1234.5]
    assert measured.now == datetime(2026, 1, 13, 0, 15, tzinfo=UTC)
    point = saved(tmp_path, "time;link;out_mbps\n2026-01-13T00:15:00Z;b->c;12.5\n")
    assert measured_in([point]).telemetry.links.out_mbps.tolist() == [12.5]


@pytest.mark.parametrize(("written", "mbps"), [("12.5", 12.5), ("12,5", 12.5), ("1.234,5", 1234.5)])
def test_traffic_between_semicolons_keeps_its_decimal_mark(written, mbps, tmp_path):
    file = saved(tmp_path, f"time;source;target;mbps\n{START};a;b;{written}\n")
    assert read_traffic(file, NETWORK).demands[0, 0, 1] == mbps
    assert measured_in([file]).telemetry.traffic.mbps.tolist() == [mbps]


def test_rows_that_only_an_unknown_column_tells_apart_are_not_added_up(tmp_path):
    text = f"time,source,target,mbps,class\n{START},a,b,5,gold\n{START},a,b,6,silver\n"
    with pytest.raises(FormatError, match="'class'"):
        measured_in([saved(tmp_path, text)])
    same = saved(tmp_path, f"time,source,target,mbps\n{START},a,b,5\n{START},a,b,5\n{START},a,b,6\n")
    assert measured_in([same]).telemetry.traffic.mbps.tolist() == [11.0]


def test_probes_in_per_cent_and_round_trips_are_said_to_be(tmp_path):
    text = f"time,source,target,loss_percent,rtt_ms\n{START},a,b,25,12\n{START},b,c,0,8\n"
    link = saved(tmp_path, f"time,link,out_mbps\n{START},b->c,5\n", "l.csv")
    probes = measured_in([saved(tmp_path, text), link]).telemetry.probes
    assert (probes.loss.tolist(), probes.delay_ms.tolist()) == ([0.25, 0.0], [6.0, 4.0])


@pytest.mark.parametrize(
    ("name", "quantity", "shape"),
    [("ifHCOutOctets", "out", "counter"), ("node_network_receive_bytes_total", "in", "counter"),
     ("interfaces_interface_state_counters_out_octets", "out", "counter"), ("ifOutDiscards", "dropped", "counter"),
     ("ifInErrors", "errors", "counter"), ("tx", "out", "rate"), ("rx_rate", "in", "rate"),
     ("ibyt", "traffic", "amount"), ("mbps", "traffic", "rate")],
)  # fmt: skip
def test_columns_are_known_by_the_names_that_collectors_give_them(name, quantity, shape):
    found = recognise_column(name)
    assert found is not None
    assert (found.quantity, found.shape) == (quantity, shape)


def test_a_mapping_names_quantities_and_nothing_else():
    assert read_mapping(["out=x,in=y", "time=z"]) == {"out": "x", "in": "y", "time": "z"}
    for wrong in (["outs=x"], ["out"], ["out=x", "out=y"], ["out="]):
        with pytest.raises(InputError, match="no mapping"):
            read_mapping(wrong)


def test_a_walk_of_the_mib_by_name_or_number_is_read(tmp_path):
    rows = ["time,host,oid,value"]
    for k in range(3):
        t, n = START + 60 * k, 125_000 * 60 * k
        rows.append(f"{t},a,IF-MIB::ifHCOutOctets.7,Counter64: {5 * n}")
        rows.append(f"{t},a,.1.3.6.1.2.1.31.1.1.1.6.7,Counter64: {6 * n}")
        rows.append(f"{t},a,ifOperStatus.7,INTEGER: up(1)")
        rows.append(f"{t},a,.1.3.6.1.2.1.1.3.0,Timeticks: ({k * 6000 + 90_000}) 0:00:00.00")
    rows.append(f"{START},a,IF-MIB::ifAlias.7,STRING: core to c")
    measured = measured_in([saved(tmp_path, "\n".join(rows))])
    assert rates(measured) == {(60, "a->c"): 5.0, (120, "a->c"): 5.0}
    assert rates(measured, "in_mbps") == {(60, "c->a"): 6.0, (120, "c->a"): 6.0}


FLOW = "ts,te,td,sa,da,sp,dp,pr,ipkt,ibyt,ra\n"
PREFIXES = "prefix,node\n10.0.0.0/8,a\n10.1.0.0/16,b\n2001:db8::/32,a\n2001:db8:1::/48,c\n"


def flows(tmp_path, rows, **said):
    prefixes = read_prefixes(str(saved(tmp_path, PREFIXES, "p.csv")), NETWORK)
    part = read_part(saved(tmp_path, FLOW + "".join(rows), "f.csv"), NETWORK, Options(prefixes=prefixes, **said))
    totals: dict[tuple[str, str], float] = {}
    for s, t, mbps in zip(part.traffic.source, part.traffic.target, part.traffic.mbps, strict=True):
        totals[NAMES[s], NAMES[t]] = totals.get((NAMES[s], NAMES[t]), 0.0) + mbps * 300
    return {pair: round(total, 9) for pair, total in totals.items()}, part.account


def flow(source, target, octets, *, exporter="192.0.2.1", port=1, minutes=(1, 2)):
    when, last = (f"2026-01-13 00:{x:02d}:00" for x in minutes)
    return f"{when},{last},60.0,{source},{target},{port},2,TCP,1,{octets},{exporter}\n"


def test_the_longest_prefix_says_which_node_an_address_is_behind(tmp_path):
    rows = [flow("10.9.9.9", "10.1.2.3", 125_000), flow("2001:db8::1", "2001:db8:1::2", 250_000)]
    rows += [flow("10.9.9.9", "10.8.8.8", 1), flow("10.9.9.9", "8.8.8.8", 125_000)]
    found, account = flows(tmp_path, rows)
    assert found == {("a", "b"): 1.0, ("a", "c"): 2.0}
    told = [str(x) for x in account.fields if x.became == "not modelled"]
    assert any("8.8.8.8" in x for x in told)
    assert any("one node" in x for x in told)


def test_a_flow_that_two_exporters_saw_counts_once_and_two_flows_count_twice(tmp_path):
    twice = [flow("10.9.9.9", "10.1.2.3", 125_000, exporter=x) for x in ("192.0.2.1", "192.0.2.2")]
    found, account = flows(tmp_path, twice)
    assert found == {("a", "b"): 1.0}
    assert any("second exporter" in str(x) for x in account.fields)
    found, _ = flows(tmp_path, [*twice, flow("10.9.9.9", "10.1.2.3", 125_000, port=9, exporter="192.0.2.2")])
    assert found == {("a", "b"): 2.0}


def test_the_sampling_rate_that_is_said_multiplies_and_is_declared(tmp_path):
    found, account = flows(tmp_path, [flow("10.9.9.9", "10.1.2.3", 125)], sampling=1000)
    assert found == {("a", "b"): 1.0}
    assert any(x.field == "sampling" and "1000" in x.note for x in account.fields)


def test_a_flow_over_two_samples_is_spread_over_both(tmp_path):
    row = flow("10.9.9.9", "10.1.2.3", 125_000, minutes=(4, 6))
    prefixes = read_prefixes(str(saved(tmp_path, PREFIXES, "p.csv")), NETWORK)
    part = read_part(saved(tmp_path, FLOW + row, "f.csv"), NETWORK, Options(prefixes=prefixes))
    assert (part.traffic.mbps * 300).round(9).tolist() == [0.5, 0.5]


def test_flows_without_prefixes_ask_for_them(tmp_path):
    with pytest.raises(FormatError, match="--prefixes"):
        read_part(saved(tmp_path, FLOW + flow("10.0.0.1", "10.1.0.1", 1)), NETWORK, Options())


def test_a_prefix_at_two_nodes_is_a_clear_error(tmp_path):
    text = PREFIXES + "10.1.7.9/16,c\n"
    with pytest.raises(FormatError, match="row 5"):
        read_prefixes(str(saved(tmp_path, text)), NETWORK)


HEADS = (
    "time,link,out_mbps,in_mbps",
    "time,source,target,mbps",
    "time,host,oid,value",
    FLOW.strip(),
    "time,node,message",
)
WORDS = ("", "a", "b->c", "a->b.2", "1", "-1", "1e400", "nan", "2026-01-13T00:00:00Z", "1767225600", "9" * 30,
         "10.0.0.1", "ifHCInOctets.1", '"', "%LINK-3-UPDOWN: Interface x, changed state to down", "\x00")  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_in_a_file_it_is_telemetry_or_one_of_our_errors(seed, tmp_path):
    rng = np.random.default_rng(seed)
    head = HEADS[seed % len(HEADS)]
    width = head.count(",") + 1
    rows = [",".join(rng.choice(WORDS, width + int(rng.integers(-1, 2)))) for _ in range(int(rng.integers(0, 6)))]
    prefixes = read_prefixes(str(saved(tmp_path, PREFIXES, "p.csv")), NETWORK)
    try:
        measured_in([saved(tmp_path, "\n".join([head, *rows]))], NETWORK, Options(prefixes=prefixes))
    except TwinError:
        return
