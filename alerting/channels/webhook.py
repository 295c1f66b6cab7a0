"""Posts notifications as JSON, signed, to a URL."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass

import httpx2

from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError

_TIMEOUT_S = 10.0
_KEY_LENGTH = 16  # a path segment this long is a key, as Slack and Feishu have it
_FINAL = frozenset({400, 405, 410, 411, 413, 414, 415, 422})
"""The message itself is refused. Wrong login, wrong path or a ban (302) are mended by people."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """POSTs to `url`; `X-Caretaker-Signature` is HMAC-SHA256 of `timestamp.body` (RFC 2104)."""

    name: str
    url: str
    secret: str = ""

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only a 2xx counts, and only a refused message is given up."""
        body = json.dumps(
            {
                "key": notification.key,
                "incident": notification.incident,
                "kind": notification.kind,
                "severity": notification.severity.value,
                "title": notification.title,
                "body": notification.body,
                "lang": notification.lang,
                "link": notification.link,
            },
            ensure_ascii=False,
        ).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": notification.key}
        if self.secret:
            stamp = str(int(time.time()))
            digest = hmac.new(
                self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256
            ).hexdigest()
            headers |= {"X-Caretaker-Timestamp": stamp, "X-Caretaker-Signature": digest}
        try:
            answer = httpx2.post(self.url, content=body, headers=headers, timeout=_TIMEOUT_S)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            detail = self._clean(f"{type(error).__name__}: {error}")
            return Outcome(delivered=False, retry=True, detail=detail)
        if answer.is_success:
            return Outcome(delivered=True, detail=str(answer.status_code))
        wait = answer.headers.get("Retry-After", "0")
        return Outcome(
            delivered=False,
            retry=answer.status_code not in _FINAL,
            retry_after_s=float(wait) if wait.isascii() and wait.isdigit() else 0.0,
            detail=self._clean(f"{answer.status_code} {answer.text[:400]}")[:160],
        )

    def _clean(self, text: str) -> str:
        """Return a text without what only the receiver may know: robots carry keys in the URL."""
        beyond = self.url.partition("://")[2]
        host, _, path = beyond.partition("/")
        login, at, _ = host.rpartition("@")
        query = path.partition("?")[2]
        hidden = [self.url, path, query, login if at else "", self.secret]
        hidden += [part.partition("=")[2] for part in query.split("&")]
        hidden += [part for part in path.partition("?")[0].split("/") if len(part) >= _KEY_LENGTH]
        for item in sorted(hidden, key=len, reverse=True):
            if len(item) > 3:
                text = text.replace(item, "***")
        return text


def build(settings: ChannelSettings, *, secret: str, file: str) -> Webhook:
    """Return the channel from its options: `url`."""
    url = settings.options.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ConfigurationError(
            file=file,
            key=f"channels.{settings.name}.url",
            problem="is no http(s) address",
            remedy='Write url = "https://..." of the service that takes the alerts.',
        )
    return Webhook(name=settings.name, url=url, secret=secret)
