"""A room with its console on a port of this machine."""

import http.client
import threading
import time

from agents.serve.room import Room
from agents.serve.web.server import Server


class Served:
    """Serves from `with` on; people are told apart by the header X-Remote-User where the settings say so."""

    def __init__(self, place, settings, policy=None):
        self.room = Room(place, settings, policy=policy)
        try:
            self.server = Server(self.room, port=0)
        except BaseException:
            self.room.stop()
            raise
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.room.start()
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.server.stop()
        self.thread.join(timeout=10)
        self.room.stop()

    def ask(self, method, path, *, who=None, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request(method, path, body, {**({"X-Remote-User": who} if who else {}), **(headers or {})})
        answer = connection.getresponse()
        content = b"" if answer.headers.get_content_type() == "text/event-stream" else answer.read()
        connection.close()
        return answer.status, dict(answer.headers), content

    def token(self, who):
        page = self.ask("GET", "/health", who=who)[2].decode()
        return page.partition('data-csrf="')[2].partition('"')[0]

    def until_a_plan_waits(self, fault, *, seed=0, quiet=14):
        """Let the detector learn what is usual, a fault strike, and the agents come to a plan."""
        for _ in range(quiet):
            self.room.step()
        self.room.live.strike(fault, seed=seed)
        for _ in range(4):
            self.room.step()
        self.room.settle(120)
