"""A plan that somebody brings for a network of their own: judged, waits for people, survives being killed anywhere.

`TWINOPS_SWEEP=1` kills after every single record, each in a run of its own.
"""

import asyncio
import json
import os
import shutil
from datetime import UTC, datetime

import pytest

from agents.record.approvers import enrol, key_of
from agents.record.events import CalendarRead, RunFinished, RunStarted, VerdictReached
from agents.record.journal import read_journal
from agents.record.waiting import decide
from agents.run.replay import replay_run
from agents.run.request import RunRequest
from agents.run.resume import resume_run
from agents.run.run import run_incident
from tests.agents.killed import folder_of, killer
from tests.agents.run.test_resume import assert_same, decisions
from tests.command_line import here
from twin.plan import DrainLink, Plan, SetWeight
from twin.site import read_site

SITE = """clock = "newest"
[sources]
topology = "topology.json"
counters = "counters.csv"
flows = "flows.csv"
"""
EDGES = (("A", "B", 10), ("B", "C", 10), ("C", "D", 10), ("D", "A", 10), ("A", "C", 30))
DEMANDS = {("A", "B"): 4_000.0, ("A", "C"): 2_500.0, ("C", "D"): 1_000.0}
LOADS = {"A->B": 5_250.0, "B->C": 1_250.0, "A->D": 1_250.0, "D->C": 1_250.0, "C->D": 1_000.0}
# no day is declared and nothing else was planned for: every hour is the one now, in which A->B carries 5,250 of 10,000
# Mbit/s, give or take the 1 % by which samples stray
NOW = 0.525
ENTRIES = "name,element,begins,ends\n"
SWEEP = bool(os.environ.get("TWINOPS_SWEEP"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A ring of four with a chord, healthy, measured every five minutes for an hour; loads by hand."""
    folder = tmp_path_factory.mktemp("site")
    links = [f'{{"source": "{a}", "target": "{b}", "weight": {w}, "capacity": "10G"}}' for a, b, w in EDGES]
    nodes = ", ".join(f'{{"id": "{x}"}}' for x in "ABCD")
    (folder / "topology.json").write_text(f'{{"nodes": [{nodes}], "links": [{", ".join(links)}]}}')
    times = [f"2026-11-29T{hour:02}:{minute:02}:00Z" for hour in (2,) for minute in range(0, 60, 5)]
    names = [f"{x}->{y}" for a, b, _ in EDGES for x, y in ((a, b), (b, a))]
    samples = list(zip(times, [1.0, 1.01, 0.99, 1.005] * 3, strict=True))
    loads = {name: LOADS.get(name, 0.0) for name in names}
    rows = [f"{t},{x},{load * w:.1f},{load * w:.1f}" for t, w in samples for x, load in loads.items()]
    (folder / "counters.csv").write_text("\n".join(["time,link,out_mbps,in_mbps", *rows]) + "\n")
    rows = [f"{t},{a},{b},{d * w:.1f}" for t, w in samples for (a, b), d in DEMANDS.items()]
    (folder / "flows.csv").write_text("\n".join(["time,source,target,mbps", *rows]) + "\n")
    (folder / "site.toml").write_text(SITE)
    return folder / "site.toml"


def plan_of(site, *steps):
    network = read_site(site).reading().network
    return Plan(goal="Spare A-B.", base=network.id, steps=steps, objective="change")


def request(site, plan):
    return RunRequest(network="topology", seed=1, site=str(site), plan=plan)


def run(site, plan, tmp):
    clock = iter(datetime(2026, 11, 29, 12, 0, second, tzinfo=UTC) for second in range(60))
    last = datetime(2026, 11, 29, 12, 1, tzinfo=UTC)
    return asyncio.run(
        run_incident(request(site, plan), runs=tmp / "runs", home=tmp / "home", clock=lambda: next(clock, last))
    )


def events(folder, kind):
    return [x.event for x in read_journal(folder / "journal.jsonl").records if isinstance(x.event, kind)]


@pytest.fixture(scope="module")
def brought(site):
    return plan_of(site, SetWeight(link="A->C", weight=25))


@pytest.fixture(scope="module")
def ended(site, brought, tmp_path_factory):
    return run(site, brought, tmp_path_factory.mktemp("brought"))


def test_a_plan_that_is_brought_is_judged_waits_for_people_and_is_replayed(brought, ended):
    assert ended.finished.outcome == "awaiting approval"
    (started,), (verdict,) = events(ended.folder, RunStarted), events(ended.folder, VerdictReached)
    assert started.plan == brought
    assert verdict.verdict.passed
    assert verdict.plan.steps == brought.steps
    assert asyncio.run(replay_run(ended.folder)).same


def test_a_plan_is_told_the_same_of_the_hours_ahead_by_verify_and_by_a_run(site, ended, tmp_path):
    (verdict,) = events(ended.folder, VerdictReached)
    (tmp_path / "plan.json").write_text(verdict.plan.model_dump_json())
    done = here("verify", tmp_path / "plan.json", "--site", site, "--json", home=tmp_path)
    told = {x["name"]: x["detail"] for x in json.loads(done.stdout)["checks"]}
    (ahead,) = (x for x in verdict.verdict.checks if x.name == "horizon")
    assert told["horizon"] == ahead.detail
    assert "25 hours by the planned peak in every one, as no day is declared" in ahead.detail
    assert ahead.measured == pytest.approx(NOW, rel=0.01)


def test_a_plan_that_the_gate_rejects_is_given_back_and_no_other_is_made_in_its_place(site, tmp_path):
    ended = run(site, plan_of(site, SetWeight(link="A->B", weight=60)), tmp_path)
    assert ended.finished.outcome in ("no safe plan", "needs a person")
    assert len(events(ended.folder, VerdictReached)) == 1
    assert "brought" in ended.finished.because


def test_a_plan_whose_steps_cannot_be_made_here_is_told_so(site, tmp_path):
    ended = run(site, plan_of(site, DrainLink(circuit="link/A:Z--Z:A")), tmp_path)
    assert ended.finished.outcome == "no safe plan"
    assert "cannot be made here" in ended.finished.because


def test_work_that_others_enter_while_a_plan_waits_stops_it_and_is_on_record(site, tmp_path):
    """Without A-B, which others take away by then, nothing but the drained chord joins A and C once A-D fails."""
    calendar, places = tmp_path / "site" / "work.csv", (tmp_path / "read", tmp_path / "unread")
    shutil.copytree(site.parent, calendar.parent)
    calendar.write_text(ENTRIES)
    ours, home = calendar.with_name("site.toml"), places[0] / "home"
    ours.write_text(f'{SITE}calendar = "work.csv"\n')
    waits = run(ours, plan_of(ours, DrainLink(circuit="link/A:C--C:A")), places[0])
    assert waits.finished.outcome == "awaiting approval"
    enrol(home, "ada")
    later = datetime(2026, 11, 29, 12, 5, tzinfo=UTC)
    decide(waits.folder, "approve", who="ada", key=key_of(home, "ada"), clock=lambda: later, home=home)
    shutil.copytree(*places)
    calendar.write_text(f"{ENTRIES}CHG9,link/A:B--B:A,2026-11-29T04:00Z,2026-11-29T06:00Z\n")
    ended = asyncio.run(resume_run(waits.folder, home=home, clock=lambda: later))
    assert ended.finished.outcome == "no safe plan"
    assert "does not hold any more" in ended.finished.because
    assert "(CHG9)" in ended.finished.because
    (read,) = events(ended.folder, CalendarRead)
    assert [x.name for x in read.works] == ["CHG9"]
    calendar.unlink()
    replayed = asyncio.run(replay_run(ended.folder))
    assert (replayed.same, replayed.difference) == (True, "")
    unread = places[1] / "runs" / waits.folder.name
    blind = asyncio.run(resume_run(unread, home=places[1] / "home", clock=lambda: later)).finished
    assert "what others plan is not known" in blind.because


def test_a_run_on_a_site_that_is_killed_comes_to_the_same_end_and_does_nothing_twice(site, brought, ended, tmp_path):
    asked = request(site, brought).model_dump(mode="json")
    with killer(tmp_path / "home") as processes:
        reference = ended.folder
        count = len(read_journal(reference / "journal.jsonl").records)
        for at in range(1, count) if SWEEP else (count - 2,):
            killed = tmp_path / f"at{at}"
            assert processes.run(killed, asked, at=at)["signal"] == 9
            assert processes.resume(killed)["outcome"] == "awaiting approval"
            assert_same(folder_of(killed), reference)
            (last,) = (x for x in decisions(folder_of(killed))[-1:])
            assert last["outcome"] == decisions(reference)[-1]["outcome"]
            assert len(events(folder_of(killed), RunFinished)) == 1
