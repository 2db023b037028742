"""Calendars that a server gives: fetched when it is time to, stood in for while the server is away, and said to be."""

import http.server
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from twin.errors import InputError
from twin.formats.calendar_feed import FRESH, KEPT, feed_name, fetch_calendar

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@contextmanager
def serving():
    """A server that gives what `answers` says, the last one again and again, and counts who asks."""
    answers, asked = [(200, ICS, {})], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, content, headers = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/private-a1b2/basic.ics", answers, asked
    server.shutdown()
    server.server_close()


def aged(copy, seconds):
    """As if the copy had been fetched so long ago."""
    os.utime(copy.path, (NOW.timestamp() - seconds,) * 2)


def test_a_copy_is_used_while_it_is_fresh_and_asked_for_again_then_or_when_somebody_wants_it(tmp_path):
    with serving() as (url, _, asked):
        copy = fetch_calendar(url, tmp_path, now=NOW)
        assert copy.path.read_bytes() == ICS
        aged(copy, FRESH.total_seconds() - 1)
        assert fetch_calendar(url, tmp_path, now=NOW).fetched == NOW - FRESH + timedelta(seconds=1)
        assert len(asked) == 1
        assert fetch_calendar(url, tmp_path, now=NOW, anew=True).fetched == NOW
        aged(copy, FRESH.total_seconds() + 1)
        assert fetch_calendar(url, tmp_path, now=NOW).fetched == NOW
        assert len(asked) == 3


BAD = [
    (503, b"busy", {}, "it answers 503"),
    (200, b"<html>sign in</html>", {}, "it gives no iCalendar"),
    (302, b"", {"Location": "file:///etc/passwd"}, "it answers 302"),
    (200, ICS + b" " * (17 << 20), {}, "more than 16 MiB"),
]


@pytest.mark.parametrize(("status", "content", "headers", "said"), BAD)
def test_a_server_that_gives_no_calendar_is_stood_in_for_by_its_last_one_for_a_day(
    tmp_path, status, content, headers, said
):
    with serving() as (url, answers, _):
        copy = fetch_calendar(url, tmp_path, now=NOW)
        answers.append((status, content, headers))
        aged(copy, 3600)
        stands = fetch_calendar(url, tmp_path, now=NOW)
        assert stands.path.read_bytes() == ICS
        assert stands.fetched == NOW - timedelta(hours=1)
        assert said in stands.failed
        assert "private-a1b2" not in stands.failed  # it may be what lets one read it
        aged(copy, KEPT.total_seconds() + 1)
        with pytest.raises(InputError, match=r"basic\.ics cannot be read") as error:
            fetch_calendar(url, tmp_path, now=NOW)
        assert error.value.fix


def test_a_server_that_is_not_there_is_one_line_without_what_the_address_keeps_secret(tmp_path):
    with pytest.raises(InputError) as error:
        fetch_calendar("http://me:secret@127.0.0.1:9/token/work.ics?key=hidden", tmp_path, now=NOW)
    assert "\n" not in str(error.value)
    assert not {x for x in ("secret", "token", "hidden") if x in str(error.value)}
    assert feed_name("webcal://host.example/work.ics") == "webcal://host.example/work.ics"
