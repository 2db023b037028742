"""The report is one inert, self-contained page that says everything the records say."""

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from agents.record.events import StageFinished
from agents.show.report.map import Look, draw
from agents.show.report.page import Sources, environment, headline, pictures_of, render
from agents.show.report.story import tell
from tools.box.handover import Decision, NoPlan
from twin.errors import JournalError

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "report.txt"
ACTIVE = {"script", "img", "image", "use", "link", "iframe", "object", "embed", "base", "form", "video", "audio"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)></title></style>'
VOID = {"meta", "br", "img", "input", "link"}


class Page(HTMLParser):
    """The page as a browser would read it: elements, attributes, visible text, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.open, self.unbalanced = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture
def html(records, sources):
    return render(tell(records), sources)


def skeleton(html):
    """What a reader reads, line by line, without ids, and without the axes and labels of the pictures."""
    words = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    spaced = re.sub(r"<(/?)(p|h\d|tr|li|section|div|dt|figcaption|summary|th|td)\b", r"\n<\1\2", words)
    text = "".join(Page(spaced).text)
    text = re.sub(r"\b[0-9a-f]{16,64}\b", "ID", text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return "\n".join(line for line in lines if line) + "\n"


def test_the_page_says_what_it_said_before(html):
    if os.environ.get("TWINOPS_WRITE_GOLDEN"):
        GOLDEN.write_text(skeleton(html), encoding="utf-8")
    assert skeleton(html) == GOLDEN.read_text(encoding="utf-8")


def test_every_element_is_closed(html):
    page = Page(html)
    assert (page.open, page.unbalanced) == ([], [])


def test_the_page_fetches_nothing_and_runs_nothing(html):
    page = Page(html)
    assert {tag for tag, _ in page.elements}.isdisjoint(ACTIVE)
    attributes = {(name, value) for _, attrs in page.elements for name, value in attrs.items()}
    assert [name for name, _ in attributes if name.startswith("on") or name == "src"] == []
    assert [value for name, value in attributes if name.endswith("href") and not value.startswith("#")] == []
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_of_the_page_forbids_scripts_and_requests(html):
    policies = [a["content"] for tag, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'")


def test_hostile_text_is_shown_as_text_wherever_it_comes_from(html):
    assert "".join(Page(html).text).count("<script>alert(1)</script>") >= 4  # symptom, explanation, answer, note
    assert "\x1b" not in html
    assert ">49<" not in html


def test_hostile_names_of_the_run_stay_text(records, sources):
    story = tell(records)
    started = story.started.model_copy(update={"network": HOSTILE, "run": HOSTILE, "model": HOSTILE})
    page = Page(render(replace(story, started=started), sources))
    assert {tag for tag, _ in page.elements}.isdisjoint(ACTIVE)


def test_hostile_names_stay_text_in_the_pictures(square):
    drawing = draw(square, Look(HOSTILE, (0.95,) * len(square.links), fault="node/Aa"))
    evil = drawing._replace(
        dots=tuple(dot._replace(name=HOSTILE, title=HOSTILE) for dot in drawing.dots),
        names=tuple(label._replace(text=HOSTILE) for label in drawing.names),
    )
    picture = environment().from_string('{% import "pictures.html.j2" as p %}{{ p.map(evil) }}').render(evil=evil)
    assert {tag for tag, _ in Page(picture).elements}.isdisjoint(ACTIVE)
    assert HOSTILE in "".join(Page(picture).text)


def test_the_same_run_gives_the_same_page(records, sources, html):
    assert render(tell(records), sources) == html


def test_every_section_of_a_whole_run_is_there(html):
    ids = [attrs["id"] for tag, attrs in Page(html).elements if tag == "section"]
    assert ids == ["map", "timeline", "symptoms", "causes", "plans", "execution", "conversation", "sources"]


def test_a_record_that_stops_early_still_gives_a_page(records, sources):
    for length in range(1, len(records)):
        story = tell(records[:length])
        assert story.outcome == "unfinished"
        assert "what happened after its last line is not known" in render(story, sources)


def test_a_page_without_snapshots_leaves_the_map_out(records):
    page = Page(render(tell(records), Sources()))
    assert "map" not in [attrs.get("id") for tag, attrs in page.elements if tag == "section"]


def test_a_run_without_a_plan_says_why(records, sources):
    why = NoPlan(round=1, reasons=(f"weights: nothing helps {HOSTILE}",), explanation="Nothing helps.")
    story = replace(tell(records), rounds=(), no_plan=why, certificate=None, execution=())
    page = Page(render(story, sources))
    assert f"weights: nothing helps {HOSTILE}" in "".join(page.text)
    assert (page.open, page.unbalanced) == ([], [])


def test_records_without_a_start_are_refused(records):
    with pytest.raises(JournalError, match="no start of a run"):
        tell(records[1:])


def test_the_headline_names_the_cause_and_the_end(records):
    assert headline(tell(records)) == "Circuit down, Bb--Cc. The incident is resolved."


def test_a_rejected_plan_shows_its_counterexample(html):
    assert "Aa → Ee when node Bb fails after step 1" in "".join(Page(html).text)


def test_a_plan_that_was_undone_is_no_rejected_one(records, sources):
    verify = next(
        x.event for x in records if isinstance(x.event, StageFinished) and isinstance(x.event.handover, Decision)
    )
    undone = verify.model_copy(update={"stage": "roll back", "round": 2})
    story = tell([*records, records[-1].model_copy(update={"event": undone})])
    assert [x.standing for x in story.rounds] == ["rejected", "taken back"]
    page = render(story, sources)
    assert "submitted, 1 rejected, 1 taken back" in page
    assert "After: the plan is taken back, measured" in page
    assert {mark.kind for mark in pictures_of(story, sources)[1].marks} == {"ring"}


def test_the_way_back_of_each_step_is_written_beside_it(html):
    text = "".join(Page(html).text)
    assert "set the IGP weight of Aa->Ee to 40" in text
    assert "set the IGP weight of Aa->Ee to 10" in text
    assert "remove tunnel relief" in text


def luminance(colour):
    """Relative luminance of WCAG 2.2."""
    full = "".join(x * 2 for x in colour) if len(colour) == 3 else colour
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_text_of_the_pages_stands_out_from_what_it_stands_on_in_both_themes():
    sheet = (files("agents") / "show" / "templates" / "style.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+):#([0-9a-f]+)", x)) for x in re.split(r"@media\(prefers-color-scheme:dark\)", sheet)
    )
    texts = ("ink", "soft", "faint", "accent", "good", "bad", "warn", "s0", "s1", "s2", "s3", "s4", "s5")
    pairs = [(text, ground) for text in texts for ground in ("paper", "card")]
    pairs += [(text, f"{text}-bg") for text in ("good", "bad", "warn")]
    for theme in (light, dark):
        for pair in pairs:
            low, high = sorted(luminance(theme[x]) for x in pair)
            assert (high + 0.05) / (low + 0.05) >= 4.5, pair


def test_every_table_that_scrolls_can_be_reached_by_key_and_has_a_name(html):
    scrolls = [attrs for _, attrs in Page(html).elements if attrs.get("class") == "scroll"]
    assert len(scrolls) >= 5
    assert all(x.get("tabindex") == "0" and x.get("aria-label") for x in scrolls)
    named = [x["aria-label"] for x in scrolls]
    assert len(named) == len(set(named))
