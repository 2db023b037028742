"""Receivers of messages on this machine: HTTP that may be down for a while, and SMTP."""

import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def http_receiver(answers):
    """Yield its URL and what it accepted.

    `answers` gives the status of each request in turn, or the bytes it is answered with, the last one for all that
    follow; or is asked each time.
    """
    accepted, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = answers() if callable(answers) else answers[min(len(asked), len(answers) - 1)]
            asked.append(status)
            if isinstance(status, int) and status < 300:
                accepted.append((self.path, dict(self.headers), body))
            if isinstance(status, bytes):  # what no server would say
                self.wfile.write(status)
                return
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "/sign-in")
            self.end_headers()

        def do_GET(self):
            self.send_response(200)  # of the page that somebody is sent to
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", accepted
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def smtp_receiver():
    """Yield its port and the mails that it got."""
    mails = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                if verb == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()
