"""In a notebook networks, outcomes, plans and verdicts show the report's own map and tables, and nothing acts."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

import twinops
from twin.drawn import Drawn


def page_of(shown):
    frame = shown._repr_html_()
    assert re.fullmatch(r"<iframe srcdoc=\"[^\"]*\" style=\"[^\"]*\" title=\"\w+\" sandbox=\"\"></iframe>", frame)
    return unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])


@pytest.fixture(scope="module")
def network():
    return twinops.load_network("synthetic/8-1")


@pytest.fixture(scope="module")
def plan(network):
    step = twinops.DrainNode(node="node/R3")
    return twinops.Plan(goal="Free <b>R3</b>.", base=network.id, steps=(step,), objective="drain")


def test_a_network_and_an_outcome_are_the_map_with_every_node_and_link(network):
    for shown in (network, twinops.simulate(network)):
        page = page_of(shown)
        assert page.count('<circle class="dot') == len(network.nodes)
        assert page.count('<g class="half') >= len(network.links)
        assert "predicted" in page or "lost" in page


def test_a_plan_is_its_steps_and_its_words_are_text(plan):
    page = page_of(plan)
    assert "drain node" in page
    assert plan.hash in page
    assert "<b>R3</b>" not in page


def test_a_verdict_is_its_checks_with_their_units(network, plan):
    verdict = twinops.verify(plan, network, twinops.Policy())
    page = page_of(verdict)
    rows = dict(re.findall(r"<tr><td>([^<]+)<div [^>]*>(\w+)</div></td>", page))  # what each asks, and its name
    assert list(rows.values()) == [check.name for check in verdict.checks]
    assert rows["No link gets too full"] == "nominal"
    assert ("Safe" if verdict.passed else "Rejected") in page
    assert re.search(r"\d\N{NO-BREAK SPACE}%", page)


def test_the_page_is_whole_and_asks_for_nothing(network):
    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ("script", "link", "img", "iframe")
            assert not {name for name, _ in attrs} & {"src", "href", "onclick", "onload"}

    Reader().feed(page_of(network))


def test_the_twin_alone_draws_nothing():
    class Stranger(Drawn):
        pass

    with pytest.raises(TypeError, match="no drawing of a Stranger"):
        Stranger()._repr_html_()
