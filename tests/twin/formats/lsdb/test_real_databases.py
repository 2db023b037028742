"""Databases as real routers print them, where the texts are at hand: the folder is named by TWINOPS_DATA."""

import json
import os
from pathlib import Path

import pytest

from twin.errors import FormatError
from twin.formats.content import read_content
from twin.formats.load import read_explained
from twin.formats.lsdb import isis_text, junos_json, ospf_json, ospf_text
from twin.formats.source import Source

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[5] / "shared" / "data")) / "dialects"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no texts of routers in {DATA}; set TWINOPS_DATA")
NAMES = DATA / "isis" / "frr_isisA_hostname.txt"


def texts(*patterns):
    found = [path for pattern in patterns for path in sorted(DATA.glob(pattern))]
    return [pytest.param(path, id=path.name) for path in found if Path(f"{path}.expected.json").is_file()]


def expected(path):
    return json.loads(Path(f"{path}.expected.json").read_text())


def read(path):
    text = path.read_bytes().decode(errors="replace")
    return NAMES.read_text() + "\n" + text if path.name.startswith(("frr_isisA", "frr_purged")) else text


def routers(database):
    return sorted(x.name for x in database.alive.values() if not x.lan)


def same(found, wanted):
    """The database of the wanted level, of the wanted instance where it has one, with the wanted routers."""
    instance = wanted.get("instance") or ""
    level = f"level {wanted['level']}"
    at_level = [one for one in found if one.title.endswith(level) and one.title.startswith(instance)]
    return next(one for one in at_level if routers(one) == sorted(wanted["routers"]))


REFUSED = ("iosxe_summary_only", "iosxr_detail_ipv6_only", "iosxr_detail_sysids_es", "iosxr_summary", "iosxr_truncated")


@pytest.mark.parametrize("path", texts("isis/*.txt", "isis_constructed/*.txt", "isis_pastes/*.txt"))
def test_every_adjacency_of_an_isis_database_is_read_with_its_metric(path):
    if path.name.startswith(REFUSED):
        pytest.skip("refused, see below")
    found = isis_text.read_databases(Source(str(path)), read(path))
    for wanted in expected(path)["databases"]:
        if not wanted.get("lsps", 1):
            continue
        one = same(found, wanted)
        stated = [([system.name, x.system, x.metric], back) for system, x, back in one.adjacencies()]
        assert sorted(x for x, _ in stated) == sorted(wanted["adjacencies"])
        if "not_two_way" in wanted:
            assert sorted(x for x, back in stated if not back) == sorted(wanted["not_two_way"])
        assert sorted(x.name for x in one.alive.values() if x.overloaded) == sorted(wanted.get("overloaded", []))
        assert [f"{x.name}.00-00" for x in one.systems.values() if x.purged] == wanted.get("purged", [])


def test_junos_as_json_is_the_same_database_as_its_text():
    path = DATA / "isis_constructed" / "junos_extensive_A.json"
    (wanted,) = [one for one in expected(path)["databases"] if one.get("adjacencies")]
    (one,) = junos_json.read_databases(read_content(path))
    stated = [[system.name, x.system, x.metric] for system, x, _ in one.adjacencies()]
    assert sorted(stated) == sorted(wanted["adjacencies"])
    assert [x.name for x in one.alive.values() if x.overloaded] == wanted["overloaded"]
    assert {x.name for x in one.alive.values() if x.lan} == set(wanted["pseudonodes"])
    assert {node.kind for node in read_explained(path).network.nodes} == {"router", "lan"}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("isis/iosxe_summary_only.txt", "show isis database detail"),
        ("isis/iosxr_summary_pseudonodes.txt", "show isis database detail"),
        ("isis/frr_isisA_up_detail.txt", "show isis hostname"),
        ("isis_pastes/iosxr_truncated.txt", "cut here, and the last whole LSP is that of R4.01"),
        ("isis/frr_isisA_detail_json_broken.json", "an IS-IS database as JSON"),
        ("isis/iosxe_detail_three_vendor_lans.txt", "choose with --network-id"),
        ("ospf/eos_summary.txt", "show ip ospf database router"),
        ("ospf/junos_summary.txt", "show ip ospf database router"),
    ],
)
def test_a_text_that_is_not_the_whole_database_says_what_to_paste(name, word):
    with pytest.raises(FormatError, match=word.replace(".", r"\.")):
        read_explained(DATA / name)


NO_LINKS = ("eos_summary", "junos_summary", "iosxe_external", "ios_router_asbr_abr")


@pytest.mark.parametrize("path", texts("ospf/*.txt", "ospf/*router.json", "ospf/*network.json"))
def test_every_link_of_an_ospf_database_is_read_with_its_metric(path):
    if path.name.startswith(NO_LINKS):
        pytest.skip("holds no links")
    source, wanted = Source(str(path)), expected(path)
    text = path.read_bytes().decode(errors="replace")
    is_json = path.suffix == ".json"
    found = [ospf_json.read_database(source, text)] if is_json else ospf_text.read_databases(source, text)
    systems = [system for one in found for system in one.systems.values()]
    stated = [(s.name, x.system, x.metric) for s in systems if not s.lan for x in s.neighbours]
    lans = {s.name.removeprefix(ospf_text.LAN): sorted(x.system for x in s.neighbours) for s in systems if s.lan}
    transit = [(name, f"{ospf_text.LAN}{lan}", metric) for name, lan, metric, *_ in wanted["transit"]]
    assert sorted(stated) == sorted([*(tuple(x[:3]) for x in wanted["p2p"]), *transit])
    assert lans == {key.split()[-1]: sorted(value["attached"]) for key, value in wanted["lans"].items()}
    assert sorted(s.name for s in systems if s.overloaded and not s.lan) == sorted(wanted["stub_routers_max_metric"])
