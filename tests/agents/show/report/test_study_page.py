"""The page of a study is inert, whole, and says the figures that the study found."""

import os
from pathlib import Path

import numpy as np
import pytest

from agents.show.report.study import render_study, write_study
from agents.wording import on_screen
from tests.agents.show.report.test_report_page import ACTIVE, Page, skeleton
from twin.errors import InputError
from twin.formats import load_network
from twin.model import Network
from twin.study.demands import study_demands
from twin.study.failures import find_failures, study

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "study.txt"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m{{ 7*7 }}'


@pytest.fixture(scope="module")
def network():
    return load_network("synthetic/12-1")


@pytest.fixture(scope="module")
def found(network):
    failures = find_failures(network, ["all"])
    return study(network, failures), study_demands(network, failures)


@pytest.fixture(scope="module")
def html(network, found):
    return render_study(network, *found)


def test_the_page_says_what_it_said_before(html):
    if os.environ.get("TWINOPS_WRITE_GOLDEN"):
        GOLDEN.write_text(skeleton(html), encoding="utf-8")
    assert skeleton(html) == GOLDEN.read_text(encoding="utf-8")


def test_the_page_is_whole_and_inert(html):
    page = Page(html)
    assert (page.open, page.unbalanced) == ([], [])
    assert {tag for tag, _ in page.elements}.isdisjoint(ACTIVE)
    attributes = [(name, value) for _, attrs in page.elements for name, value in attrs.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name == "src"] == []
    assert [value for name, value in attributes if name.endswith("href") and not value.startswith("#")] == []
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_is_there_with_its_worst_case_and_the_failure_causing_it(html, found):
    cells = [x.strip() for x in Page(html).text if x.strip()]
    for case in found[0].links:
        row = cells[cells.index("Worst case of each link") :]
        row = row[row.index(on_screen(case.link)) :]
        assert row[2:4] == [f"{100 * x:.0f}\N{NO-BREAK SPACE}%" for x in (case.utilisation, case.worst_utilisation)]
        assert (case.worst_failure or "none").split("/")[-1].split(":")[0] in row[5]


def test_the_map_shows_the_worst_case_and_names_its_cause(html, found):
    worst = found[0].links[0]
    titles = "".join(Page(html).text)
    assert f"{on_screen(worst.link)}: {100 * worst.worst_utilisation:.0f}\N{NO-BREAK SPACE}% of" in titles
    assert "Worst case of" in titles


def test_without_failures_there_is_one_map_and_no_table_of_failures(network):
    html = render_study(network, study(network, ()), ())
    page = Page(html)
    assert sum(attrs.get("class") == "map" for _, attrs in page.elements) == 1
    assert [attrs["id"] for tag, attrs in page.elements if tag == "section"] == ["map", "links"]


def test_hostile_names_stay_text(network, found):
    evil = found[0].model_copy(update={"network": HOSTILE})
    html = render_study(network, evil, found[1])
    assert {tag for tag, _ in Page(html).elements}.isdisjoint(ACTIVE)
    assert "<script>alert(1)</script>" in "".join(Page(html).text)
    assert "\x1b" not in html
    assert "49 under" not in html


def test_a_network_without_traffic_has_a_page(network):
    idle = Network(network.name, network.nodes, network.links, np.zeros_like(network.demands))
    html = render_study(idle, study(idle, find_failures(idle, ["all"])), ())
    assert "no growth fills a link" in html


def test_a_long_list_says_how_much_of_it_is_shown(network):
    failures = find_failures(network, ["pairs"])
    assert len(failures) > 100
    html = render_study(network, study(network, failures), ())
    assert f"100 of {len(failures)} failures" in "".join(Page(html).text)


def test_the_same_study_gives_the_same_page(network, found, html):
    assert render_study(network, *found) == html


def test_a_page_is_written_whole_or_not_at_all(network, found, tmp_path):
    write_study(tmp_path / "study.html", network, *found)
    assert [path.name for path in tmp_path.iterdir()] == ["study.html"]
    with pytest.raises(InputError, match="cannot write"):
        write_study(Path(tmp_path / "nowhere" / "study.html"), network, *found)
