"""`twinops forecast --until` on a twin file and on tables."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.show.growth import link_growth
from agents.show.measurements import Brought
from agents.show.upgrades import plan_upgrades
from twin.errors import InputError
from twin.formats import load_network
from twin.formats.plan import read_plan_file
from twin.plan import apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures

START = datetime(2026, 1, 5, tzinfo=UTC)


def table(tmp_path, weeks=20):
    lines = ["time,link,out_mbps"]
    for k in range(1, weeks * 14 + 1):
        rate = 40 * 1.6 ** (k / 14 / 52.18) * (1 if k % 2 else 0.6)
        lines += [
            f"{(START + timedelta(hours=12 * k)).isoformat()},{x},{y:.4f}" for x, y in (("a->b", rate), ("b->a", 5))
        ]
    (tmp_path / "loads.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "net.json").write_text(
        '{"nodes":[{"id":"a"},{"id":"b"}],"links":[{"source":"a","target":"b","capacity":100000000,"weight":1}]}'
    )
    return tmp_path / "loads.csv", str(tmp_path / "net.json")


def test_the_links_that_fill_first_come_first_with_their_weeks(tmp_path):
    loads, network = table(tmp_path)
    answer = link_growth([loads], network, START + timedelta(days=900), Policy())
    first, second = answer.document["links"]
    assert (first["name"], first["limit"]) == ("a->b", 80)
    full = START + timedelta(weeks=52.18 * np.log(2) / np.log(1.6))
    assert abs(datetime.fromisoformat(first["likely"]) - full) < timedelta(weeks=4)
    assert second["likely"] is None
    text = [str(x) for x in answer.text]
    assert "1 of 2 links may pass 80 %" in text[0]


def square(tmp_path, **capacity):
    """A square of 10G circuits, or as said, 2.5 Gbit/s on each, which grow by a half a year."""
    lines = ["time,link,out_mbps"]
    for k in range(1, 30 * 14 + 1):
        level = 2_500 * 1.5 ** ((k / 14 - 30) / 52.18) * (1 if k % 2 else 0.6)
        stamp = (START + timedelta(hours=12 * k)).isoformat()
        lines += [f"{stamp},{x},{level:.4f}" for x in ("a->b", "b->d", "a->c", "c->d")]
    (tmp_path / "loads.csv").write_text("\n".join(lines) + "\n")
    links = ",".join(
        f'{{"source":"{x}","target":"{y}","capacity_mbps":{capacity.get(x + y, 10000)},"weight":1}}'
        for x, y in ("ab", "bd", "ac", "cd")
    )
    nodes = ",".join(f'{{"id":"{x}"}}' for x in "abcd")
    (tmp_path / "net.json").write_text(
        f'{{"nodes":[{nodes}],"links":[{links}],"graph":{{"demands":{{"a":{{"d":1000}}}}}}}}'
    )
    return tmp_path / "loads.csv", str(tmp_path / "net.json")


PRICED = Policy(upgrade_costs={"*": 100.0}, currency="EUR")


def test_what_grows_is_upgraded_in_the_week_in_which_its_worst_failure_fills_it(tmp_path):
    """What goes all the way is estimated from the loads, so that the week is bounded."""
    square(tmp_path)
    policy, until = PRICED, START + timedelta(weeks=30 + 156)
    answer = link_growth([tmp_path / "loads.csv"], str(tmp_path / "net.json"), until, policy)
    found = answer.document["upgrades"]
    assert {x["circuit"] for x in found} == {
        "link/a:b--b:a", "link/b:d--d:b", "link/a:c--c:a", "link/c:d--d:c"
    }  # fmt: skip
    # each way takes the other one, 5 Gbit/s, in a failure at most, and keeps to 80 % of its own 2.5 at least
    first, last = (START + timedelta(weeks=30 + 52.18 * np.log(x) / np.log(1.5)) for x in (10 / 5, 10 / 3.125))
    for upgrade in found:
        assert first < datetime.fromisoformat(upgrade["likely"]) < last
        assert (upgrade["capacity"], upgrade["cost"]) == (40_000, 3_000)
    text = [str(x) for x in answer.text]
    assert any("4 circuits need more capacity" in x and "12,000 EUR" in x for x in text)
    soon = START + timedelta(weeks=50)
    none = link_growth([tmp_path / "loads.csv"], str(tmp_path / "net.json"), soon, policy)
    assert none.document["upgrades"] == []


def test_upgrades_are_planned_in_the_order_of_the_weeks_in_which_they_are_due(tmp_path):
    loads, network = square(tmp_path, ac=8_000, bd=6_000)
    until, output = START + timedelta(weeks=30 + 156), tmp_path / "plan.json"
    answer = plan_upgrades(network, PRICED, until, [loads], Brought(), now=START, output=output)
    told, plan = answer.document["upgrades"], answer.document["plan"]
    assert [x["likely"] for x in told] == sorted(x["likely"] for x in told)
    assert [x["circuit"] for x in told[:2]] == ["link/b:d--d:b", "link/a:c--c:a"]
    assert [(x["circuit"], x["capacity"]) for x in plan["steps"]] == [(x["circuit"], x["capacity"]) for x in told]
    assert (answer.code, answer.document["request"], answer.document["usable"]) == (0, True, True)
    assert read_plan_file(output).plan.steps[0].circuit == "link/b:d--d:b"
    # what was asked for carries, under every failure, what the demands have grown to: an even split of both ways
    state = apply_all(load_network(network), read_plan_file(output).plan.steps)
    grown = simulate(state.with_demands(state.demands * 5 * 1.5**3), failures=single_failures(state))
    assert grown.sweep.max_utilisation.max() <= 1
    text = [str(x) for x in answer.text]
    week = datetime.fromisoformat(told[0]["likely"])
    assert any(f"The first is due in {week:%G-W%V}" in x for x in text)
    soon = plan_upgrades(network, PRICED, START + timedelta(weeks=34), [loads], Brought(), now=START)
    assert (soon.code, soon.document["plan"], soon.document["upgrades"]) == (3, None, [])


@pytest.mark.parametrize("exported", [True, False])
def test_each_demand_grows_by_what_was_exported_of_it_and_all_alike_where_nothing_tells_them_apart(tmp_path, exported):
    """Of three demands on two circuits in a row the one that goes all the way grows by 60 % a year, the others not."""
    rng, yearly = np.random.default_rng(3), {"ab": 1.0, "ac": 1.6, "bc": 1.0}
    loads, traffic = ["time,link,out_mbps"], ["time,source,target,mbps"]
    for k in range(1, 30 * 14 + 1):
        stamp = (START + timedelta(hours=12 * k)).isoformat()
        noise = {x: rng.normal(1, 0.02) * (1 if k % 2 else 0.6) for x in yearly}
        rate = {x: 1_000 * y ** (k / 14 / 52.18) * noise[x] for x, y in yearly.items()}
        traffic += [f"{stamp},{x[0]},{x[1]},{y:.4f}" for x, y in rate.items()]
        loads += [
            f"{stamp},{x},{y:.4f}" for x, y in (("a->b", rate["ab"] + rate["ac"]), ("b->c", rate["ac"] + rate["bc"]))
        ]
    for name, lines in (("loads.csv", loads), ("traffic.csv", traffic)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    links = ",".join(f'{{"source":"{x}","target":"{y}","capacity_mbps":5000,"weight":1}}' for x, y in ("ab", "bc"))
    (tmp_path / "net.json").write_text(f'{{"nodes":[{{"id":"a"}},{{"id":"b"}},{{"id":"c"}}],"links":[{links}]}}')
    sources = [tmp_path / x for x in ("loads.csv", "traffic.csv")[: 1 + exported]]
    answer = link_growth(sources, str(tmp_path / "net.json"), START + timedelta(weeks=200), Policy())
    assert answer.document["growth_told_by"] == ("demands" if exported else "all traffic")
    told = {x["name"]: x["per_year"] for x in answer.document["demands"]}
    words = " ".join(str(x) for x in answer.text)
    if not exported:
        assert told == {}
        assert "all demands are taken to grow as all links together do" in words
        return
    assert "by what was exported of them" in words
    for name, wanted in (("a->c", 0.6), ("a->b", 0.0), ("b->c", 0.0)):
        low, likely, high = told[name]
        assert low - 0.02 < wanted < high + 0.02
        assert likely == pytest.approx(wanted, abs=0.06)


def test_growth_asks_for_measured_links(tmp_path):
    with pytest.raises(InputError, match="measured links"):
        link_growth([], None, START, Policy())
    _, network = square(tmp_path)
    with pytest.raises(InputError, match="measured links"):
        plan_upgrades(network, Policy(), START, [], Brought(), now=START)
