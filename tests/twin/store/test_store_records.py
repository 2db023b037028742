from datetime import timedelta

import duckdb
import pytest

from tests.twin.store.store_samples import NETWORK, NOW, PLAN, VERDICT
from twin.errors import UnknownElementError
from twin.gate.verdict import Check
from twin.model import SegmentList, Tunnel
from twin.plan import SetTunnel
from twin.store import RankedHypothesis, TwinStore


@pytest.fixture
def store():
    with TwinStore.open() as opened:
        yield opened


def test_plans_and_verdicts_come_back_whole(store):
    assert store.save_plan(PLAN, now=NOW) == store.save_plan(PLAN, now=NOW) == PLAN.hash
    assert store.plan(PLAN.hash) == PLAN
    failed = VERDICT.model_copy(update={"checks": (Check(name="nominal", passed=False, detail="too full"),)})
    for verdict in (VERDICT, VERDICT, failed):
        store.save_verdict(verdict, now=NOW)
    assert store.verdicts(PLAN.hash, NETWORK.id) == (VERDICT, failed)
    assert store.verdicts(PLAN.hash, "0" * 16) == ()


def test_an_unknown_plan_is_refused(store):
    with pytest.raises(UnknownElementError, match="no plan"):
        store.plan("0" * 16)


def test_what_was_found_and_done_can_be_queried(tmp_path):
    path = tmp_path / "twin.duckdb"
    tunnel = Tunnel(name="t", source="A", target="B", paths=(SegmentList(via=()),), on_invalid="igp")
    with TwinStore.open(path) as store:
        store.save_plan(PLAN.model_copy(update={"steps": (*PLAN.steps, SetTunnel(tunnel=tunnel))}), now=NOW)
        store.save_incident("i1", snapshot=NETWORK.id, status="open", opened=NOW, document=PLAN)
        store.save_incident("i1", snapshot=NETWORK.id, status="resolved", opened=NOW, document=PLAN)
        for score in (0.1, 0.9):
            store.save_hypotheses("i1", [RankedHypothesis("link_down", NETWORK.links[0].circuit, score, PLAN)])
        store.save_certificate("c1", verdict=VERDICT, issued=NOW, expires=NOW + timedelta(hours=1), document=VERDICT)
        store.save_execution("e1", plan=PLAN.hash, outcome="running", started=NOW, document=PLAN)
        store.save_execution("e1", plan=PLAN.hash, outcome="done", started=NOW, finished=NOW, document=PLAN)
    with duckdb.connect(str(path)) as connection:
        ask = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
        assert ask("SELECT id, status FROM incident") == [("i1", "resolved")]
        assert ask("SELECT rank, kind, score FROM hypothesis") == [(1, "link_down", 0.9)]
        assert ask("SELECT step, op, element FROM plan_step ORDER BY step")[2] == (3, "set_tunnel", "tunnel/t")
        assert ask("SELECT plan, expires - issued FROM certificate") == [(PLAN.hash, timedelta(hours=1))]
        assert ask("SELECT outcome, finished = started FROM execution") == [("done", True)]
        assert ask("SELECT document->>'goal' FROM incident") == [("relieve",)]
