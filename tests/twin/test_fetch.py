"""Answers over HTTP that never end: in the status line, among the headers, in the body, and in what an error says."""

import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress

import pytest

from twin.fetch import WHOLE, fetch

OK = b"HTTP/1.1 200 OK\r\n"
BODY = OK + b"Content-Length: 1000000\r\n\r\n"
NO = b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n"


def drips(server, first):
    asked, _ = server.accept()
    with asked, suppress(OSError):
        asked.sendall(first)
        while True:
            asked.sendall(b"H")
            time.sleep(0.02)


@pytest.mark.parametrize("first", [b"", OK, BODY, NO], ids=["status", "headers", "body", "error"])
def test_an_answer_that_never_ends_is_given_up(first):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=drips, args=(server, first), daemon=True).start()
        request = urllib.request.Request(f"http://127.0.0.1:{server.getsockname()[1]}/")
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError if first == NO else TimeoutError) as told:
            fetch(request, timeout_s=0.1, most=10_000_000)
        assert time.monotonic() - began >= WHOLE * 0.1 - 0.05
    if first != NO:
        assert str(told.value) == "its answer has no end within 1.2 s"


def test_a_whole_answer_is_given_with_one_byte_more_than_is_wanted_where_there_are_more():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answers():
            asked, _ = server.accept()
            with asked:
                asked.recv(4096)
                asked.sendall(OK + b"Content-Length: 6\r\n\r\nabcdef")

        threading.Thread(target=answers, daemon=True).start()
        given = fetch(urllib.request.Request(f"http://127.0.0.1:{server.getsockname()[1]}/x"), timeout_s=10, most=3)
    assert (given.url.endswith("/x"), given.content) == (True, b"abcd")
