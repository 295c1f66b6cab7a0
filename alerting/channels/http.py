"""Posts to people's services: pinned address, no redirects, one deadline for everything."""

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from alerting.port import Outcome
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError

DEADLINE_S = 10.0
_CONNECT_S = 5.0
_MOST = 64 * 1024
_KEY_LENGTH = 16  # a path segment this long is a key, as Slack and Feishu have it
_FINAL = frozenset({400, 405, 410, 411, 413, 414, 415, 422})
"""The message itself is refused. Wrong login, wrong path or a ban (302) are mended by people."""

_BAN_S = 600.0
"""A robot that sends too much is answered with redirects for ten minutes."""


class RefusedAddressError(OSError):
    """The address is one that nothing may be sent to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; the body is cut at 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def object(self) -> dict[str, object]:
        """Return the body as a JSON object; {} when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Target:
    """One address that is posted to. `private` admits the school's own network, and http."""

    url: str
    private: bool = False
    ca_file: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Secrets that no record may hold."""

    deadline_s: float = DEADLINE_S

    def post(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """Post and return the answer. Raises OSError, ValueError or HTTPException."""
        parts = urlsplit(self.url)
        host, tls = parts.hostname or "", parts.scheme == "https"
        if not tls and not self.private:
            raise RefusedAddressError("only https is sent to")
        port = parts.port or (443 if tls else 80)
        connection = _Pinned(host, port, address=resolve(host, port, private=self.private))
        context = ssl.create_default_context(cafile=self.ca_file or None) if tls else None
        # Whatever drips, hangs or stalls on the way: this ends it.
        timer = threading.Timer(self.deadline_s, connection.cut)
        timer.daemon = True
        timer.start()
        try:
            connection.open(context)
            joined = "&".join(part for part in (parts.query, query) if part)
            path = (parts.path or "/") + (f"?{joined}" if joined else "")
            sent = {"Content-Type": "application/json; charset=utf-8", "Connection": "close"}
            connection.request("POST", path, body, sent | dict(headers or {}))
            answer = connection.getresponse()
            found = Answer(answer.status, dict(answer.getheaders()), answer.read(_MOST))
            if connection.late:  # cut off, the head alone looks like an answer
                raise TimeoutError
            return found
        except (OSError, ValueError, http.client.HTTPException) as error:
            if connection.late:
                raise TimeoutError(f"no whole answer within {self.deadline_s:g} s") from error
            raise
        finally:
            timer.cancel()
            connection.close()

    def clean(self, text: str) -> str:
        """Return a text without what only the receiver may know: robots carry keys in the URL."""
        beyond = self.url.partition("://")[2]
        host, _, path = beyond.partition("/")
        login, at, _ = host.rpartition("@")
        query = path.partition("?")[2]
        hidden = [self.url, path, query, login if at else "", *self.hidden]
        hidden += [part.partition("=")[2] for part in query.split("&")]
        hidden += [p for p in path.partition("?")[0].split("/") if len(p) >= _KEY_LENGTH]
        for item in sorted(hidden, key=len, reverse=True):
            if len(item) > 3:
                text = text.replace(item, "***")
        return text

    def failed(self, error: Exception) -> Outcome:
        """Return what an error on the way means: it is tried again."""
        detail = self.clean(f"{type(error).__name__}: {error}")
        return Outcome(delivered=False, retry=True, detail=detail[:160])

    def refused(self, answer: Answer) -> Outcome:
        """Return what an answer other than 2xx means."""
        wait_s = retry_after_s(answer)
        if 300 <= answer.status < 400:
            wait_s = max(wait_s, _BAN_S)
        words = answer.body[:400].decode("utf-8", "replace")
        return Outcome(
            delivered=False,
            retry=answer.status not in _FINAL,
            retry_after_s=wait_s,
            detail=self.clean(f"{answer.status} {' '.join(words.split())}")[:160],
        )


class _Pinned(http.client.HTTPConnection):
    """A connection to one resolved address, under the name it was resolved from."""

    def __init__(self, host: str, port: int, *, address: str) -> None:
        super().__init__(host, port, timeout=_CONNECT_S)
        self._pinned = address
        self.late = False

    def open(self, context: ssl.SSLContext | None) -> None:
        """Connect, and prove by its certificate that it is the host."""
        self.sock = socket.create_connection((self._pinned, self.port), _CONNECT_S)
        if context is not None:
            # The handshake comes after, so that `cut` reaches the socket it waits on.
            tls = context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = tls
            tls.do_handshake()

    def cut(self) -> None:
        """End it, whatever it waits for."""
        self.late = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def resolve(host: str, port: int, *, private: bool) -> str:
    """Return the one address to connect to; every address of the name must be allowed.

    Raises RefusedAddressError for loopback and private networks (unless `private`), and always for
    link-local, multicast and reserved ones: there stand the metadata services of clouds.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(item[4][0]) for item in found]
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not _allowed(mapped or address, private=private):
            raise RefusedAddressError(f"{host} is an address that nothing is sent to")
    return addresses[0]


def _allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, private: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if private and (address.is_loopback or address.is_private):
        return True
    return address.is_global and not address.is_reserved


def retry_after_s(answer: Answer) -> float:
    """Return how long the other side asks to wait [s], 0 when it does not say so in seconds."""
    for name, value in answer.headers.items():
        if name.lower() == "retry-after" and value.isascii() and value.isdigit():
            return float(value)
    return 0.0


def target_of(
    settings: ChannelSettings, *, file: str, default: str = "", hidden: tuple[str, ...] = ()
) -> Target:
    """Return the target of a channel's `url` and `allow_private`. Raises ConfigurationError."""
    url = settings.options.get("url", default)
    private = settings.options.get("allow_private", False) is True
    key = f"channels.{settings.name}.url"
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ConfigurationError(
            file=file,
            key=key,
            problem="is no http(s) address",
            remedy='Write url = "https://..." of the service that takes the alerts.',
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host:
        raise ConfigurationError(
            file=file, key=key, problem="names no host", remedy="Copy the address once more."
        )
    if not private and not url.startswith("https://"):
        raise ConfigurationError(
            file=file,
            key=key,
            problem="is not encrypted",
            remedy="Use https, or allow_private = true for an address of the school's network.",
        )
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if not _allowed(address, private=private):
            raise ConfigurationError(
                file=file,
                key=key,
                problem=f"{host} is an address that nothing is sent to",
                remedy="Add allow_private = true if it is of the school's network.",
            )
    ca_file = str(settings.options.get("ca_file", ""))
    return Target(url, private=private, ca_file=ca_file, hidden=hidden)
