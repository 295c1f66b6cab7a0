"""HTTP to a store with a deadline for the whole exchange, however slowly it trickles."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

from storage.influx.answers import Answer, answer_of

MAX_TEXT = 4_096
"""How much of a refusal's body is read."""


class Deadline:
    """Cuts the connections in its care when an exchange takes longer than `seconds`.

    A socket's own timeout counts from the last byte, so one byte a second would hold a request
    for ever; and no exchange may outlive `cut`, which is how a stop reaches a request.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._sockets: list[socket.socket] = []

    def watch(self, found: socket.socket | None) -> None:
        """Take a connection in care."""
        self._sockets = [item for item in self._sockets if item.fileno() >= 0]
        if found is not None:
            self._sockets.append(found)

    def cut(self) -> None:
        """End what is under way; the one who waits gets a connection error."""
        for item in tuple(self._sockets):
            with suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold one exchange to the deadline."""
        timer = threading.Timer(self.seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class Wire:
    """Requests over httpx2 to one address, each within its deadline."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        ca_file: str = "",
        timeout_s: float,
        deadline: Deadline,
    ) -> None:
        self._deadline = deadline
        self._client = httpx2.Client(
            base_url=url,
            headers=dict(headers or {}),
            auth=auth,
            timeout=timeout_s,
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            trust_env=False,
        )

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._deadline.watch(info["return_value"].get_extra_info("socket"))

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        content: bytes = b"",
        **more: Any,
    ) -> Iterator[httpx2.Response]:
        """Lend a response whose body is read while the deadline runs."""
        with (
            self._deadline.running(),
            self._client.stream(
                method,
                path,
                params=dict(params),
                content=content or None,
                extensions={"trace": self._trace},
                **more,
            ) as response,
        ):
            yield response

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        content: bytes = b"",
        **more: Any,
    ) -> tuple[Answer, Mapping[str, str]]:
        """Return (answer, headers); never raises for what a server does or does not do."""
        try:
            with self.open(method, path, params=params, content=content, **more) as response:
                # A success is known by its head alone: no store has more to say about a write.
                text = b"" if response.status_code == 204 else _some(response, MAX_TEXT * 64)
                return answer_of(response.status_code, text, response.headers), response.headers
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Answer(0, f"{type(error).__name__}: {error}"[:300]), {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _some(response: httpx2.Response, most: int) -> bytes:
    found = bytearray()
    for part in response.iter_bytes():
        found += part
        if len(found) >= most:
            break
    return bytes(found[:most])
