"""Plans in their hours: made after a fresh verdict, taken back at the end, missed aloud; judged beside each other."""

import asyncio
from datetime import UTC, datetime, timedelta

from agents.goals.written import read_goal
from agents.run.request import RunRequest
from agents.run.run import run_incident
from agents.serve.calendar import GRACE, schedule
from agents.serve.emulated import LivingNetwork
from agents.serve.jointly import objection
from agents.serve.room import Room
from agents.serve.settings import Settings
from tests.agents.serve.killed_room import place
from twin.formats.load import load_network
from twin.plan import DrainLink, Plan
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.site import TriedCalendar

SITE = "emulated:sndlib/nobel-germany,seed=3"
CIRCUIT = "link/Berlin:Hamburg--Hamburg:Berlin"
FAR = "link/Dortmund:Koeln--Koeln:Dortmund"


def is_drained(network):
    return all(network.links[i].drained for i in network.circuits[CIRCUIT])


def test_a_plan_is_made_when_its_window_begins_and_taken_back_at_its_end_and_a_start_that_is_past_is_missed(tmp_path):
    LivingNetwork.open(SITE, tmp_path / "room", start=datetime(2026, 3, 3, 1, 10, tzinfo=UTC))
    room = Room(place(tmp_path, SITE), Settings(agents=False))
    room.start()
    for _ in range(4):
        room.step()
    network = room.live.read_topology()
    goal = read_goal("drain:Berlin-Hamburg from:02:00 until:02:30 max_utilisation:0.8", network, now=room.now)
    asked = RunRequest(network="sndlib/nobel-germany", seed=0, site=SITE, goal=goal, policy=room.policy)
    result = asyncio.run(run_incident(asked, runs=tmp_path / "runs", home=tmp_path / "home"))
    assert result.finished.outcome == "scheduled", result.finished.because
    entry = schedule(result.folder, number=1, who="ada", now=room.now)
    late = entry.model_copy(update={"id": "C-0002", "begins": room.now - 2 * GRACE, "ends": room.now + 2 * GRACE})
    room.change(lambda _: [entry, late])
    drained = []
    for _ in range(22):
        room.step()
        room.settle(60)
        drained += [room.now] if is_drained(room.live.read_topology()) else []
    calendar = room.board.calendar
    assert [calendar[x].state for x in ("C-0001", "C-0002")] == ["taken back", "missed"]
    assert entry.begins <= drained[0] <= entry.begins + timedelta(minutes=10)
    assert entry.ends - timedelta(minutes=5) <= drained[-1] <= entry.ends + timedelta(minutes=5)
    assert room.live.read_topology().id == network.id
    assert [(x.source, x.kind) for x in room.board.alive if x.source.startswith("calendar/")] == [
        ("calendar/C-0002", "missed")
    ]
    others = (f"link/Berlin:{x}--{x}:Berlin" for x in ("Hannover", "Leipzig"))  # of the three ways to Berlin
    work = PlannedWork(name="CHG7", elements=tuple(others), begins=room.now, ends=room.now + timedelta(hours=1))
    away = TriedCalendar("https://provider.example/works.ics", failed="it does not answer")
    nothing = room.calendars.newest
    for name, read, told in (
        ("C-0003", nothing._replace(works=(work,)), "CHG7"),
        ("C-0004", nothing._replace(tried=(away,)), "what others plan is not known"),
    ):
        room.calendars.newest = read
        begins, ends = room.now + timedelta(minutes=5), room.now + timedelta(minutes=35)
        again = entry.model_copy(update={"id": name, "begins": begins, "ends": ends})
        again = again.model_copy(update={"plan": entry.plan.model_copy(update={"until": ends})})
        room.change(lambda _, again=again: [again])
        for _ in range(3):
            room.step()
            room.settle(60)
        refused = room.board.calendar[name]
        assert (refused.state, told in refused.because) == ("refused", True), refused
    room.stop()


def test_two_plans_that_are_safe_alone_and_not_together_are_held_against_each_other():
    network = load_network("sndlib/nobel-germany")
    network = network.with_demands(network.demands * 0.2)
    policy = Policy(max_failure_utilisation=5.0, max_utilisation=0.9)
    two = ("link/Berlin:Hannover--Hannover:Berlin", CIRCUIT)  # of the three ways to Berlin
    one, other = (
        Plan(goal="maintenance", objective="change", steps=(DrainLink(circuit=x),), base=network.id) for x in two
    )
    elsewhere = one.model_copy(update={"steps": (DrainLink(circuit=FAR),)})
    assert objection(one, elsewhere, network, policy) is objection(elsewhere, other, network, policy) is None
    found = objection(one, other, network, policy)
    assert found.words.startswith("with the other plan made first, ")
    assert found.shown.after.title.startswith("After step 1 of 1")  # on the network with the other one made
    assert next(x for x in found.shown.before.halves if "Berlin->Hannover" in x.title).band == "b0"
    assert objection(other, one, network, policy) is not None
