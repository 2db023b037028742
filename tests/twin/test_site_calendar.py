"""The calendar of one's own network: from its site file into the gate."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from twin.formats.load import read_explained
from twin.site import read_site

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own-network"
NOW = datetime(2026, 11, 29, 18, tzinfo=UTC)


def test_a_site_names_its_calendar_and_what_providers_call_its_circuits(tmp_path):
    shutil.copy(EXAMPLE / "topology.json", tmp_path)
    network = read_explained(tmp_path / "topology.json", None).network
    circuit = next(iter(network.circuits))
    (tmp_path / "site.toml").write_text(
        'zone = "Europe/Madrid"\n[sources]\ntopology = "topology.json"\ncalendar = "*.csv"\nobjects = "names.txt"\n'
    )
    (tmp_path / "changes.csv").write_text(
        "element,begins,ends,name\nIC-1,2026-11-30T02:00,2026-11-30T04:00,CHG1\nIC-2,2026-11-30T02:00,2026-11-30T04:00,CHG2\n"
    )
    (tmp_path / "names.txt").write_text(f"object,element\nIC-1,{circuit}\n")
    found = read_site(tmp_path).calendar(network, NOW)
    assert [(x.name, x.elements, x.begins) for x in found.works] == [
        ("CHG1", (circuit,), datetime(2026, 11, 30, 1, tzinfo=UTC))
    ]
    assert "CHG2" in found.questions[0]
