"""The written form: read strictly, printed so that it reads back, and whatever is no word of it is a question."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.goals import Goal, Limits, Question, TimeWindow
from agents.goals.questions import FORMS, read_question
from agents.goals.times import zone_of
from agents.goals.types import VERBS
from agents.goals.written import read_goal
from twin.formats import load_network
from twin.optimise.preference import OBJECTIVES

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)
NODES = [node.id for node in NETWORK.nodes]
CIRCUITS = [*NETWORK.circuits]
LINKS = [link.name for link in NETWORK.links]
DEMANDS = [f"{a.name}->{b.name}" for a in NETWORK.nodes for b in NETWORK.nodes if a != b]
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC+02:00", "UTC-09:30"]


def read(text, **options):
    return read_goal(text, NETWORK, now=NOW, **options)


def goal(text, **options):
    found = read(text, **options)
    assert isinstance(found, Goal), found.question
    return found


def test_every_part_of_a_goal_is_read():
    found = goal(
        "drain:Frankfurt-Leipzig,ulm from:02:00 until:04:00 zone:Europe/Berlin max_utilisation:0.8 "
        "max_failure_utilisation:0.95 max_steps:4 max_delay_stretch:1.2 max_blast_radius:0.1 protect:Berlin rehearse"
    )
    assert (found.verb, found.network, found.rehearse) == ("drain", NETWORK.name, True)
    assert found.elements == ("link/Frankfurt:Leipzig--Leipzig:Frankfurt", "node/Ulm")
    assert found.protected == ("node/Berlin",)
    assert found.window.start == datetime(2026, 3, 5, 1, tzinfo=UTC)
    assert found.window.end == datetime(2026, 3, 5, 3, tzinfo=UTC)
    assert found.limits == Limits(
        max_utilisation=0.8,
        max_failure_utilisation=0.95,
        max_steps=4,
        max_delay_stretch=1.2,
        max_blast_radius=0.1,
    )


@pytest.mark.parametrize(("written", "share"), [("80%", 0.8), ("7%", 0.07), ("81.3%", 0.813), ("100%", 1.0)])
@pytest.mark.parametrize("limit", ["max_utilisation", "max_failure_utilisation", "max_blast_radius"])
def test_what_is_a_share_may_be_written_in_per_cent_and_is_printed_as_a_share(limit, written, share):
    found = goal(f"drain:Ulm {limit}:{written}")
    assert found.limits == goal(f"drain:Ulm {limit}:{share}").limits
    assert f"{limit}:{share:g}" in found.words


@pytest.mark.parametrize(
    ("text", "part", "value"),
    [
        ("grow:1.3", "factor", 1.3),
        ("set_weight:Berlin->Hamburg weight:20", "elements", ("Berlin->Hamburg",)),
        ("set_weight:Berlin-Hamburg weight:20", "elements", ("Hamburg->Berlin", "Berlin->Hamburg")),
        ("rate_limit:Berlin->Ulm rate:2.5G", "rate", 2500.0),
        ("upgrade:Frankfurt-Leipzig capacity:1T", "capacity", 1_000_000.0),
        ("drain:Ulm mode:cost_out", "mode", "cost_out"),
        ("relieve objective:changes", "prefer", ("changes",)),
        ("relieve prefer:delay>changes>power", "prefer", ("delay", "changes", "energy")),
        ("relieve prefer: margin > cost max_steps:4", "prefer", ("margin", "money")),
        ("sleep:Berlin-Hamburg", "elements", ("link/Berlin:Hamburg--Hamburg:Berlin",)),
        ('drain:"Ulm","node Berlin"', "elements", ("node/Ulm", "node/Berlin")),
        ('drain:"circuit Berlin--Hamburg"', "elements", ("link/Berlin:Hamburg--Hamburg:Berlin",)),
        ("max_utilisation:0.7 limit", "verb", None),
        ("limit max_utilisation:0.7", "verb", "limit"),
    ],
)
def test_values_names_and_quotes_are_read(text, part, value):
    found = read(text)
    if value is None:
        assert found.code == "unknown word"  # the verb stands first
    else:
        assert getattr(found, part) == value


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("drain:Kassel", "unknown element", "Kassel"),
        ("drain:Muenchn", "unknown element", "Muenchen"),
        ("drian:Ulm", "unknown word", "drain"),
        ("drain:Ulm form:02:00", "unknown word", "from"),
        ("drain:Ulm reherse", "unknown word", "rehearse"),
        ("drain:Ulm Berlin", "unknown word", "Berlin"),
        ("drain:Ulm not:Berlin", "unknown word", "not"),
        ("drain:Ulm undrain:Berlin", "unknown word", "undrain"),
        ("drain:Ulm max_utilisation:0.8 max_utilisation:0.9", "repeated word", "max_utilisation"),
        ("drain:Ulm rehearse rehearse", "repeated word", "rehearse"),
        ("drain:Ulm,Ulm", "repeated element", "Ulm"),
        ("drain:Ulm,node/Ulm", "repeated element", "Ulm"),
        ("drain:", "missing element", "drain"),
        ("drain", "missing element", "drain:NODE"),
        ("drain:Ulm,", "missing element", "empty"),
        ("drain:,Ulm", "missing element", "empty"),
        ('drain:""', "missing element", "empty"),
        ("drain:Ulm protect:", "missing value", "protect"),
        ("drain:Ulm protect:Ulm", "contradiction", "Ulm"),
        ("grow", "missing value", "grow:1.3"),
        ("grow:0.9", "bad value", "greater than 1"),
        ("grow:nan", "bad value", "nan"),
        ("grow:1e3", "bad value", "1e3"),
        ("limit", "missing value", "max_utilisation"),
        ("limit max_utilisation:80%%", "bad value", "0.8"),
        ("limit max_utilisation:%", "bad value", "0.8"),
        ("limit max_utilisation:180%", "bad value", "1.8"),
        ("limit max_delay_stretch:120%", "bad value", "no number"),
        ("grow:30%", "bad value", "30%"),
        ("limit max_utilisation:80", "bad value", "80"),
        ("limit max_utilisation:0.9 max_failure_utilisation:0.8", "contradiction", "failure"),
        ("relieve:Ulm", "does not fit", "Ulm"),
        ("drain:Ulm weight:20", "does not fit", "weight"),
        ("drain:Ulm objective:delay", "does not fit", "objective"),
        ("drain:Ulm mode:gently", "unknown word", "cost_out"),
        ("sleep mode:cost_out", "does not fit", "mode"),
        ("sleep objective:beauty", "unknown word", "beauty"),
        ("sleep prefer:delay>beauty", "unknown word", "beauty"),
        ("sleep prefer:delay>energy>delay", "repeated word", "delay>energy>delay"),
        ("sleep prefer:energy>power", "repeated word", "energy>power"),
        ("sleep prefer:delay>", "unknown word", ""),
        ("sleep objective:delay prefer:energy", "repeated word", "prefer"),
        ("drain:Ulm prefer:delay>changes", "does not fit", "objective"),
        ("set_weight:Berlin->Hamburg", "missing value", "weight:20"),
        ("set_weight:Berlin->Hamburg weight:2.5", "bad value", "weight"),
        ("set_weight:Ulm weight:20", "unknown element", "Ulm"),
        ("rate_limit:Berlin->Ulm rate:500", "bad value", "500M"),
        ("rate_limit:Berlin rate:500M", "unknown element", "Berlin"),
        ("upgrade:Berlin-Hamburg", "missing value", "capacity:400G"),
        ("sleep:Ulm", "unknown element", "Ulm"),
        ('drain:"Ulm', "bad value", "quote"),
        ("drain:Ulm " + "x" * 1000, "bad value", "1000"),
    ],
)
def test_what_is_open_is_one_question_that_names_the_word(text, code, words):
    found = read(text)
    assert isinstance(found, Question), found.words
    assert found.code == code
    assert words in found.question
    assert "\n" not in found.question


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("drain Ulm, the Berlin team is on site", "drain:Ulm"),
        ("Please drain Ulm and Berlin", "drain:Ulm,Berlin"),
        ("drain Hamburg 02:00-04:00 Berlin time", "drain:Hamburg from:02:00 until:04:00 zone:Europe/Berlin"),
        (
            "drain Ulm tonight 2:00 to 4:00, nothing above 80 %",
            "drain:Ulm from:02:00 until:04:00 zone:UTC max_utilisation:0.8",
        ),
        ("undrain it", "undrain:ELEMENT"),
        ("grow by 30 %", "grow:FACTOR"),
        ("do not drain Ulm", "drain:Ulm"),
        ("rate limit Berlin", "rate_limit:A->B rate:RATE"),
    ],
)
def test_plain_words_are_answered_with_the_closest_written_form_and_never_a_goal(text, form):
    found = read(text)
    assert (found.code, found.choices) == ("plain words", (form,))
    assert form in found.question
    assert "--model" in found.question


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("How full is Berlin-Hamburg?", "busiest at:Berlin-Hamburg"),
        ("What happens if Ulm or Essen goes down?", "what_if fail:Ulm,Essen"),
        ("May I drain Ulm?", "what_if drain:Ulm"),
        ("How does traffic reach Essen from Ulm, by which path?", "path Essen Ulm"),
        ("What is the worst failure?", "worst"),
        ("please reboot the closest router", None),
    ],
)
def test_a_question_in_plain_words_is_answered_with_the_closest_written_one_and_all_others(text, form):
    found = read_question(text, NETWORK, now=NOW)
    assert isinstance(found, Question)
    assert (found.code, found.choices) == ("plain words", (form,) if form else ())
    assert "--model" in found.question
    assert all(x in found.question for x in FORMS)
    assert form is None or not isinstance(read_question(form, NETWORK, now=NOW), Question)


@pytest.mark.parametrize("text", ["", "hello", "what is the weather?", "win", "Note: drain Ulm"])
def test_words_without_a_verb_are_answered_with_the_verbs(text):
    found = read(text)
    assert isinstance(found, Question)
    assert "drain" in found.question


@st.composite
def goals(draw):
    verb = draw(st.sampled_from(VERBS))
    pools = {"drain": NODES + CIRCUITS, "undrain": NODES + CIRCUITS, "restore": NODES + CIRCUITS, "sleep": CIRCUITS,
             "wake": CIRCUITS, "upgrade": CIRCUITS, "set_weight": LINKS, "rate_limit": DEMANDS}  # fmt: skip
    must = verb in ("drain", "undrain", "set_weight", "rate_limit")
    picked = st.lists(st.sampled_from(pools.get(verb, [""])), unique=True, min_size=must, max_size=4)
    elements = tuple(draw(picked)) if verb in pools else ()
    share = st.floats(1e-6, 1.0)
    limits = Limits(
        max_utilisation=draw(share if verb == "limit" else st.none() | share),
        max_steps=draw(st.none() | st.integers(1, 50)),
        max_delay_stretch=draw(st.none() | st.floats(1, 10)),
        max_blast_radius=draw(st.none() | share),
    )
    window = None
    if draw(st.booleans()):
        start = datetime(2026, 3, 5, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 60 * 24 * 14)))
        end = start + timedelta(minutes=draw(st.integers(1, 60 * 24 * 3)))
        window = TimeWindow(start=start, end=end, zone=draw(st.sampled_from(ZONES)))
    rest = [x for x in NODES if x not in elements]
    mbps = st.integers(1, 10**6).map(float)
    return Goal(
        verb=verb,
        elements=elements,
        network=NETWORK.name,
        window=window,
        limits=limits,
        protected=tuple(draw(st.lists(st.sampled_from(rest), unique=True, max_size=3))),
        factor=draw(st.floats(1.001, 100)) if verb == "grow" else None,
        weight=draw(st.integers(1, 2**24)) if verb == "set_weight" else None,
        capacity=draw(mbps) if verb == "upgrade" and elements else None,
        rate=draw(mbps) if verb == "rate_limit" else None,
        mode=draw(st.none() | st.just("cost_out")) if verb == "drain" else None,
        prefer=tuple(draw(st.lists(st.sampled_from(OBJECTIVES), unique=True))) if verb in ("relieve", "sleep") else (),
        rehearse=draw(st.booleans()),
    )


@settings(max_examples=300)
@given(goals())
def test_a_goal_that_is_printed_reads_back_as_the_same_goal(wanted):
    found = goal(wanted.words)
    assert found.model_copy(update={"text": ""}) == wanted
    assert found.words == wanted.words
    if wanted.window is not None:  # the clock that is printed is that of the zone
        local = wanted.window.start.astimezone(zone_of(wanted.window.zone))
        assert f"from:{local:%Y-%m-%dT%H:%M} " in wanted.words


@given(st.text(alphabet=st.sampled_from('drainUlm:,"->/ 0.8%from\n\x00é'), max_size=60))
def test_any_text_is_a_goal_or_a_question_and_nothing_is_raised(text):
    found = read(text)
    assert isinstance(found, Goal | Question)


def test_a_goal_is_the_same_after_its_record():
    found = goal("drain:Ulm from:02:00 until:04:00 zone:Europe/Berlin")
    assert Goal.model_validate_json(found.model_dump_json()) == found
