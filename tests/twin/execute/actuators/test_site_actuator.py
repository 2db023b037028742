"""`[actuator]` of a site file: what it says is enough to open the hand, and what it lacks is asked for in one line."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.twin.execute.actuators.servers import METRIC, netconf_server
from twin.errors import FormatError, InputError
from twin.site import read_site
from twin.site_sources import try_site

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "own-network"
SITE = """
[sources]
topology = "topology.json"
traffic = "traffic.csv"
interfaces = "interfaces.csv"
counters = "counters.csv"
flows = "flows.csv"

[routers]
dialect = "junos"

[actuator]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    return tmp_path


def test_doctor_asks_every_router_and_names_what_differs_from_the_inventory(folder: Path) -> None:
    (folder / "site.toml").write_text(SITE + 'kind = "advice"\n')
    network = read_site(folder).reading().network
    names = {x.name: f"if-{i}" for i, x in enumerate(network.links)}
    (folder / "interfaces.csv").write_text("link,interface\n" + "".join(f'"{x}",{y}\n' for x, y in names.items()))
    (folder / "metric.xml").write_text(METRIC.text)
    told = {names[x.name]: x.weight for x in network.links} | {"if-0": 999}
    with netconf_server(folder / "server", told) as server:
        hosts = "\n".join(f'"{x.name}" = "127.0.0.1:{server.port}"' for x in network.nodes)
        (folder / "site.toml").write_text(
            f'{SITE}kind = "netconf"\nuser = "{server.access({}).user}"\nkey = "server/client"\nmetric = "metric.xml"\n'
            f'known_hosts = "server/known_hosts"\ntrial_s = 60\n[actuator.hosts]\n{hosts}\n'
        )
        found = {x.name: x for x in try_site(read_site(folder), lambda: datetime(2026, 12, 1, tzinfo=UTC))}
    assert found["configuration"].got == "8 of 8 routers say what they run"
    assert found["drift"].state == "broken"
    assert "1 settings differ" in found["drift"].got
    assert "999" in found["drift"].got
    assert "over netconf; 60 s of trial" in found["actuator"].got


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        ('kind = "netconf"', InputError, "where the routers keep the metric"),
        ('kind = "ssh"', InputError, "junos: rehearsed on published transcripts, never on a router"),
        ('kind = "ssh"\nuntried = true\n[routers.named.x]\ndialect = "sros"', InputError, "does not speak sros"),
        ('kind = "netconf"\nmetric = "metric.xml"', FormatError, "one element holds"),
        ('kind = "telnet"', FormatError, "actuator.kind"),
        ('kind = "netconf"\npassword = "x"', FormatError, "actuator.password"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(folder: Path, lines: str, error: type[InputError], words: str) -> None:
    (folder / "site.toml").write_text(SITE + lines)
    (folder / "metric.xml").write_text("<a><b>{interface}</b></a>")
    with pytest.raises(error, match=words):
        read_site(folder).network(lambda: datetime(2026, 11, 30, tzinfo=UTC))


def test_a_dialect_that_has_met_no_router_is_opted_into_and_doctor_says_so(folder: Path) -> None:
    (folder / "site.toml").write_text(
        SITE + 'kind = "ssh"\nuntried = true\n[actuator.hosts]\n"core1.bcn" = "[::1]:9"\n'
    )
    (folder / "known_hosts").write_text("")
    found = {x.name: x for x in try_site(read_site(folder), lambda: datetime(2026, 12, 1, tzinfo=UTC))}
    assert (found["configuration"].state, found["configuration"].complete) == ("broken", 0.0)
    assert "junos: rehearsed against published transcripts alone, never on a router" in found["actuator"].got


def test_the_past_cannot_be_changed(folder: Path) -> None:
    (folder / "site.toml").write_text('clock = "newest"\n' + SITE + 'kind = "advice"')
    with pytest.raises(InputError, match="the past cannot be changed"):
        read_site(folder).network(lambda: datetime(2026, 11, 30, tzinfo=UTC))
