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


@dataclass(frozen=True, slots=True)
class Webhook:
    """POSTs to `url`; `X-Caretaker-Signature` is HMAC-SHA256 of `timestamp.body` (RFC 2104)."""

    name: str
    url: str
    secret: str = ""

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only a 2xx counts, 429 and 5xx are tried again."""
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
        except httpx2.HTTPError as error:
            return Outcome(delivered=False, retry=True, detail=f"{type(error).__name__}: {error}")
        if answer.is_success:
            return Outcome(delivered=True, detail=str(answer.status_code))
        again = answer.status_code == 429 or answer.status_code >= 500
        wait = answer.headers.get("Retry-After", "0")
        return Outcome(
            delivered=False,
            retry=again,
            retry_after_s=float(wait) if wait.isdigit() else 0.0,
            detail=f"{answer.status_code} {answer.text[:120]}",
        )


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
