"""Posts notifications as JSON, signed, to a URL."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from alerting.channels.http import Answer, Target, retry_after_s, target_of
from alerting.channels.place import Place
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings


@dataclass(frozen=True, slots=True)
class Webhook:
    """POSTs to an address; `X-Caretaker-Signature` is HMAC-SHA256 of `timestamp.body` (RFC 2104).

    Only a 2xx counts whose body names no error (errcode, code, error, ok, success).
    """

    name: str
    target: Target
    secret: str = field(default="", repr=False)

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only a refused message is given up."""
        return post_signed(
            self.target, content(notification), key=notification.key, secret=self.secret
        )


def content(notification: Notification) -> dict[str, object]:
    """Return a notification as other programs read it."""
    return {
        "key": notification.key,
        "incident": notification.incident,
        "kind": notification.kind,
        "severity": notification.severity.value,
        "title": notification.title,
        "body": notification.body,
        "lang": notification.lang,
        "link": notification.link,
        "recipients": list(notification.recipients),
    }


def post_signed(target: Target, message: Mapping[str, object], *, key: str, secret: str) -> Outcome:
    """Post JSON with the key of idempotence and, with a secret, its signature."""
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = {"Idempotency-Key": key}
    if secret:
        stamp = str(int(time.time()))
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers |= {"X-Caretaker-Timestamp": stamp, "X-Caretaker-Signature": digest}
    try:
        answer = target.post(body, headers=headers)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return target.failed(error)
    if not 200 <= answer.status < 300:
        return target.refused(answer)
    if wrong := error_in(answer):
        detail = target.clean(f"{answer.status} {wrong}")[:160]
        wait_s = retry_after_s(answer)
        return Outcome(delivered=False, retry=True, retry_after_s=wait_s, detail=detail)
    return Outcome(delivered=True, detail=str(answer.status))


def error_in(answer: Answer) -> str:
    """Return the error that a body of a 2xx names, or ''.

    >>> error_in(Answer(200, {}, b'{"errcode": 130101}')), error_in(Answer(200, {}, b"ok"))
    ('errcode 130101', '')
    """
    said = answer.object()
    for name in ("errcode", "code", "StatusCode"):
        if said.get(name) not in {None, 0, 200, "0", "ok", "OK", "200"}:
            return f"{name} {said[name]}"
    if said.get("error"):
        return f"error {said['error']}"
    for name in ("ok", "success"):
        if said.get(name) is False:
            return f"{name} false"
    return ""


def build(settings: ChannelSettings, place: Place) -> Webhook:
    """Return the channel from `url`, `allow_private`, `ca_file`; the secret signs."""
    target = target_of(settings, file=place.file, hidden=(place.secret,))
    return Webhook(name=settings.name, target=target, secret=place.secret)
