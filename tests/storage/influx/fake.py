"""A store that speaks every answer of the table, over real sockets, and remembers what it took."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, str, dict[str, str]]
Rule = Callable[["FakeStore", list[str]], Reply]

STORED: Reply = (204, "", {})


@dataclass
class FakeStore:
    """Answers writes by `rule`; what it stored is `lines`."""

    rule: Rule
    lines: set[str] = field(default_factory=set)
    requests: list[tuple[float, int]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    trickle_s: float = 0.0
    hang: bool = False
    delay_s: float = 0.0
    url: str = ""

    def keep(self, lines: list[str]) -> Reply:
        """Store the lines."""
        self.lines.update(line for line in lines if not line.startswith("caretaker_probe"))
        return STORED


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    store: FakeStore

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A cut connection is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    @property
    def store(self) -> FakeStore:
        assert isinstance(self.server, _Server)
        return self.server.store

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its base's name)
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer((204, "", {"X-Influxdb-Version": "2.7.0"}))

    def do_POST(self) -> None:
        store = self.store
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self.path.startswith(("/api/v2/write", "/write")):
            store.created.append(body.decode())
            self._answer((201, "{}", {}))
            return
        lines = body.decode().split("\n")
        store.requests.append((time.monotonic(), len(lines)))
        if store.hang:
            time.sleep(30)
            return
        time.sleep(store.delay_s)
        self._answer(store.rule(store, lines))

    def _answer(self, reply: Reply) -> None:
        status, text, headers = reply
        if self.store.trickle_s:
            self._trickle(status)
            return
        body = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)
        self.wfile.flush()

    def _trickle(self, status: int) -> None:
        with suppress(OSError):
            for letter in f"HTTP/1.1 {status} No Content\r\nX-Slow: {'a' * 500}\r\n\r\n":
                self.wfile.write(letter.encode())
                self.wfile.flush()
                time.sleep(self.store.trickle_s)


@contextmanager
def fake_store(rule: Rule) -> Iterator[FakeStore]:
    """Run a fake store on a free loopback port."""
    store = FakeStore(rule)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.store = store
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def deaf_port() -> Iterator[str]:
    """Accept connections and never read or answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
