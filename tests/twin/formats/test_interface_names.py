"""What routers call their interfaces is kept beside the network, by the link that leaves each, and never made up."""

from datetime import UTC, datetime

import pytest

from twin.formats.load import load_reading, read_explained
from twin.formats.stored import import_networks

NOW = datetime(2026, 11, 29, tzinfo=UTC)
FILE = """{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}], "links": [
  {"source": "A", "target": "B", "metric": 1, "source_interface": "ge-0/0/1", "target_interface": "HundredGigE0/0/0/7"},
  {"source": "A", "target": "B", "metric": 1, "local-port": "ge-0/0/2"},
  {"source": "B", "target": "C", "metric": 1, "ifname": "eth3"}]}"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "n.json"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_each_end_of_a_circuit_has_the_name_that_the_file_gives_it(file):
    found = read_explained(file).interfaces
    assert found == {"A->B": "ge-0/0/1", "B->A": "HundredGigE0/0/0/7", "A->B.2": "ge-0/0/2", "B->C": "eth3"}


def test_a_name_given_once_is_the_near_ends_and_the_far_end_has_none(file):
    assert "C->B" not in read_explained(file).interfaces
    assert "B->A.2" not in read_explained(file).interfaces


def test_the_account_says_that_the_names_were_used(file):
    used = {x.field for x in read_explained(file).account.fields if x.became == "used"}
    assert {"link source_interface", "link target_interface", "link local-port", "link ifname"} <= used


def test_a_twin_file_gives_the_names_back_also_for_a_derived_state(file, tmp_path):
    into = tmp_path / "own.duckdb"
    import_networks([file], into, now=NOW)
    assert load_reading(str(into)).interfaces == read_explained(file).interfaces


def test_a_name_that_hides_something_is_made_legible(tmp_path):
    path = tmp_path / "n.json"
    path.write_text(FILE.replace("eth3", "eth3\\nno router isis 1"), encoding="utf-8")
    assert read_explained(path).interfaces["B->C"] == "eth3 no router isis 1"
