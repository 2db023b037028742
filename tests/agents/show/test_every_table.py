"""What commands print, at the widths of terminals and with names as networks have them: each word whole, none lost."""

import json
import re
from io import StringIO

import pytest
from rich.cells import cell_len

from agents.goals.written import read_goal
from agents.show.answer import Verbatim
from agents.show.differences import judge_change
from agents.show.judging import judge_plan
from agents.show.lines import parts_of, wrapped
from agents.show.listing import element_table, elements_of, fault_table, faults_of
from agents.show.planning import Failing, Wish, import_files, make_plan, rehearse_drain, study_failures, wait_in_queues
from agents.show.tables import console
from evals.run.table import Row
from evals.show.terminal import rows_table
from tests.agents.show.test_fitted_tables import ENDS
from twin.clock import utc_now
from twin.formats import load_network
from twin.formats.build import Choices
from twin.policy import Policy

NAMES = (
    *(x.replace(" ", "_") for x in ENDS),
    "core-router-berlin-9000.example.net",
    "xr-nyc-1/0",
    "São Paulo (Barueri)",
)
ROOMY = Policy(max_delay_stretch=9.0, max_blast_radius=1.0, min_gain=0.0)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder, ends = tmp_path_factory.mktemp("long"), [(a, b) for a in range(6) for b in range(a)]
    links = [{"source": NAMES[a], "target": NAMES[b], "capacity_gbps": 10, "weight": 10} for a, b in [*ends, (1, 0)]]
    links[0]["srlg"] = links[1]["srlg"] = "Trasse Nord-Süd entlang der Autobahn A7"
    demands = {a: {b: 900.0 for b in NAMES if b != a} for a in NAMES}
    graph = {"name": "Weitverkehrsnetz der Gesellschaft für Fernübertragung", "demands": demands}
    document = {
        "directed": False,
        "multigraph": True,
        "graph": graph,
        "nodes": [{"id": x} for x in NAMES],
        "links": links,
    }
    (folder / "net.json").write_text(json.dumps(document))
    document["links"] = [link | {"weight": 11, "capacity_gbps": 40} if i == 4 else link for i, link in enumerate(links)]
    (folder / "other.json").write_text(json.dumps(document))
    return folder / "net.json"


def wish(network, text, now):
    return Wish(read_goal(text, load_network(network), now=now, zone="UTC"))


@pytest.fixture(scope="module")
def printed(file):
    """Everything that planners' commands print of one network, by command."""
    name, plan, now = str(file), file.with_name("plan.json"), utc_now()
    drain, undrain = (wish(name, f"{verb}:xr-nyc-1_0", now) for verb in ("drain", "undrain"))
    answers = {
        "whatif": study_failures(name, Failing(), ROOMY, demands=True, top=4),
        "drain": rehearse_drain(name, ["xr-nyc-1_0"], "02:00-04:00", ROOMY, day=None),
        "queues": wait_in_queues(name, 1.0, 4),
        "plan": make_plan(name, ROOMY, drain, now=now, output=plan),
        "no plan": make_plan(name, ROOMY, undrain, now=now),
        "verify": judge_plan(plan, name, Policy(max_utilisation=0.1), None, now=now),
        "change": judge_change(name, str(file.with_name("other.json")), ROOMY),
        "import": import_files([file], None, file.with_name("twin.duckdb"), now=now, choices=Choices()),
    }
    shown = {command: [x for x in answer.text if not isinstance(x, Verbatim)] for command, answer in answers.items()}
    measured = {"suite": "closed_loop", "system": "twinops", "value": 0.98, "low": 0.9, "high": 1.0, "cases": 108}
    rows = [Row(metric=f"resolved_by_plan_{i}", bar=0.9, higher=True, share=True, **measured) for i in range(3)]
    return shown | {
        "elements": [element_table(elements_of(load_network(name)))],
        "faults": [fault_table(faults_of())],
        "eval run": [rows_table(rows)],
    }


def at(width, parts):
    out = StringIO()
    screen = console(out)
    screen.width = width
    for part in parts:
        screen.print("\n".join(wrapped(line, width) for line in part.split("\n")) if isinstance(part, str) else part)
    return out.getvalue()


def words(text):
    return {part for word in re.findall(r"[^\s─]+", text) for part in parts_of(word)}


@pytest.mark.parametrize("width", [80, 60])
def test_no_command_splits_a_word_loses_a_name_or_prints_beyond_the_terminal(printed, width):
    for command, parts in printed.items():
        wide, narrow = at(600, parts), at(width, parts)
        assert [line for line in narrow.splitlines() if cell_len(line) > width] == [], command
        whole = words(wide)
        assert words(narrow) - whole - {f"{x}:" for x in whole} - {"no", "room", "for:"} - spared(parts) == set(), (
            command
        )
        assert words(" ".join(kept(parts))) <= words(narrow), command


def kept(parts):
    """What is told whatever room there is: sentences, and the first column of every table."""
    for part in parts:
        yield from [part] if isinstance(part, str) else (x.plain for x in part.columns[0].cells)


def spared(parts):
    """The headings of tables, as the line that says which columns have no room writes them."""
    return {
        f"{word}," for part in parts if not isinstance(part, str) for x in part.columns for word in x.heading.split()
    }


def test_every_figure_of_a_table_has_its_unit(printed):
    for command in ("whatif", "drain", "plan", "verify", "change"):
        text = at(600, printed[command])
        assert re.findall(r"\d(?:\.\d+)?e[+-]\d+", text) == [], command
