"""Messages arrive in order, once, also when their receiver was down, and what no receiver takes is kept and told."""

import json
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.serve.channels import signature
from agents.serve.delivery import Postman
from agents.serve.ledger import Ledger
from agents.serve.record import Queued
from agents.serve.settings import Alertmanager, Mail, PagerDuty, Settings, Webhook
from tests.agents.serve.receivers import http_receiver, smtp_receiver

T0 = datetime(2026, 3, 2, 18, tzinfo=UTC)


def message(number, channel, moment="opened", incident="I-0001"):
    return Queued(
        time=T0,
        number=number,
        channel=channel,
        incident=incident,
        moment=moment,
        summary="Circuit down: A--B",
        source="A--B",
        family="state",
        kind="down",
        network="net",
        began=T0,
    )


def run_out(postman):
    """Let it work until nothing is left to send, and stop it."""
    postman.start()
    until = time.monotonic() + 10
    while not postman.idle and time.monotonic() < until:
        time.sleep(0.01)
    postman.stop()


def deliver(folder, channels, messages):
    ledger = Ledger(folder)
    ledger.write(*messages)
    postman = Postman(ledger, channels, first_s=0.01)
    run_out(postman)
    ledger.close()
    again = Ledger(folder)
    again.close()
    return again.board.messages


def test_all_that_was_queued_while_a_receiver_was_down_comes_in_order_and_once(tmp_path):
    with http_receiver([503, 500, 429, 202]) as (url, accepted):
        hook = Webhook(kind="webhook", name="hook", url=url)
        board = deliver(tmp_path, [hook], [message(n, "hook", incident=f"I-{n:04d}") for n in range(1, 7)])
    assert [json.loads(body)["number"] for _, _, body in accepted] == [1, 2, 3, 4, 5, 6]
    assert [x.state for x in board.values()] == ["delivered"] * 6
    assert board[1].attempts == 4


def test_a_receiver_that_sends_elsewhere_or_talks_nonsense_has_not_taken_the_message_and_gets_it_later(tmp_path):
    odd = [302, 301, 303, 307, b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 two hundred\r\n\r\n", 202]
    with http_receiver(odd) as (url, accepted):
        board = deliver(tmp_path, [Webhook(kind="webhook", name="h", url=url)], [message(1, "h"), message(2, "h")])
    assert [json.loads(body)["number"] for _, _, body in accepted] == [1, 2]
    assert [(x.state, x.attempts) for x in board.values()] == [("delivered", len(odd)), ("delivered", 1)]


def test_what_nobody_thought_of_in_a_receiver_ends_no_channel(tmp_path):
    calls = []

    def send(_channel, told, _now):
        calls.append(told.number)
        if len(calls) == 1:
            raise RecursionError("its answer")

    ledger = Ledger(tmp_path)
    ledger.write(message(1, "h"), message(2, "h"))
    postman = Postman(ledger, [Webhook(kind="webhook", name="h", url="http://h")], send=send, first_s=0.01)
    run_out(postman)
    ledger.close()
    assert calls == [1, 1, 2]
    assert {x.state for x in ledger.board.messages.values()} == {"delivered"}


class Hastened:
    """A clock on which waiting takes no time; every wait is told."""

    def __init__(self):
        self.now, self.waits = T0, []

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


def test_a_receiver_that_is_down_for_half_an_hour_has_all_of_it_then_in_order_and_once(tmp_path):
    clock, ledger = Hastened(), Ledger(tmp_path)
    back = T0 + timedelta(minutes=30)
    with http_receiver(lambda: 202 if clock.now >= back else 503) as (url, accepted):
        hook = Webhook(kind="webhook", name="hook", url=url)
        postman = Postman(ledger, [hook], clock=lambda: clock.now, pause=clock.wait)
        ledger.write(*(message(n, "hook", incident=f"I-{n:04d}") for n in range(1, 21)))
        postman.start()
        until = time.monotonic() + 20
        while not postman.idle and time.monotonic() < until:
            time.sleep(0.01)
        postman.stop()
    ledger.close()
    assert [json.loads(body)["number"] for _, _, body in accepted] == list(range(1, 21))
    assert {x.state for x in ledger.board.messages.values()} == {"delivered"}
    assert clock.now - back <= timedelta(minutes=5)  # no later than its longest pause
    assert len(clock.waits) <= 15  # it was not asked every second either
    assert clock.waits[:3] == [2, 4, 8]


def test_what_a_receiver_refuses_for_good_is_a_dead_letter_and_holds_up_nothing(tmp_path):
    with http_receiver([400, 202]) as (url, accepted):
        board = deliver(tmp_path, [Webhook(kind="webhook", name="h", url=url)], [message(1, "h"), message(2, "h")])
    assert (board[1].state, board[2].state) == ("dead", "delivered")
    assert "answers 400" in board[1].because
    assert len(accepted) == 1


def test_a_channel_that_is_down_does_not_hold_up_another(tmp_path):
    with http_receiver([202]) as (url, accepted):
        down = Webhook(kind="webhook", name="down", url="http://127.0.0.1:9/")
        ledger = Ledger(tmp_path)
        ledger.write(message(1, "down"), message(2, "up"))
        postman = Postman(ledger, [down, Webhook(kind="webhook", name="up", url=url)], first_s=30)
        postman.start()
        until = time.monotonic() + 5
        while not accepted and time.monotonic() < until:
            time.sleep(0.01)
        postman.stop()
        ledger.close()
    assert len(accepted) == 1
    assert "does not answer" in postman.trouble["down"]


def test_a_webhook_is_signed_so_that_its_receiver_can_tell_who_sent_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    with http_receiver([202]) as (url, accepted):
        deliver(tmp_path, [Webhook(kind="webhook", name="h", url=url, secret_env="HOOK_SECRET")], [message(1, "h")])
    _, headers, body = accepted[0]
    assert headers["X-Twinops-Signature"] == signature("s3cret", headers["X-Twinops-Timestamp"], body)
    assert headers["X-Twinops-Signature"] != signature("other", headers["X-Twinops-Timestamp"], body)


def test_alertmanager_and_pagerduty_get_what_their_apis_ask_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PD_KEY", "routing")
    moments = ("opened", "acknowledged", "resolved")
    with http_receiver([200]) as (am_url, alerts), http_receiver([202]) as (pd_url, events):
        channels = [
            Alertmanager(kind="alertmanager", name="am", url=am_url),
            PagerDuty(kind="pagerduty", name="pd", url=f"{pd_url}/v2/enqueue", key_env="PD_KEY"),
        ]
        queued = [message(2 * i + j, name, m) for i, m in enumerate(moments) for j, name in enumerate(("am", "pd"), 1)]
        deliver(tmp_path, channels, queued)
    assert {path for path, _, _ in alerts} == {"/api/v2/alerts"}
    first, _, last = [json.loads(body)[0] for _, _, body in alerts]
    assert first["labels"] == last["labels"]
    assert first["labels"]["alertname"] == "twinops_state"
    assert first["startsAt"] < first["endsAt"]
    assert last["endsAt"] == T0.isoformat()
    sent = [json.loads(body) for _, _, body in events]
    assert [x["event_action"] for x in sent] == ["trigger", "acknowledge", "resolve"]
    assert {x["dedup_key"] for x in sent} == {"net/I-0001"}
    assert {x["routing_key"] for x in sent} == {"routing"}
    assert sent[0]["payload"]["severity"] in ("critical", "error", "warning", "info")


def test_mail_says_what_is_wrong_and_carries_its_own_id(tmp_path):
    with smtp_receiver() as (port, mails):
        mail = Mail(
            kind="email", name="m", host="127.0.0.1", port=port, sender="noc@example.net", to=("a@example.net",)
        )
        board = deliver(tmp_path, [mail], [message(1, "m")])
    assert board[1].state == "delivered"
    assert "Subject: [net] Circuit down: A--B" in mails[0]
    assert "Message-ID: <net.I-0001.1@twinops.invalid>" in mails[0]


def test_a_secret_that_is_missing_is_named_before_anything_begins(monkeypatch):
    from agents.serve.channels import require_secrets
    from twin.errors import InputError

    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(InputError, match="pd: NO_KEY is not set"):
        require_secrets((PagerDuty(kind="pagerduty", name="pd", key_env="NO_KEY"),))


def test_the_settings_that_the_documentation_shows_are_settings():
    page = (Path(__file__).parents[3] / "docs" / "serve.md").read_text()
    shown = [Settings.model_validate(tomllib.loads(x.split("```")[0])) for x in page.split("```toml\n")[1:]]
    assert [x.kind for x in shown[0].channels] == ["alertmanager", "pagerduty", "webhook", "email"]
    assert [(x.role, x.scope) for x in shown[1].grants_of("ada")] == [("approver", ())]
