"""DingTalk group robot (钉钉), signed: text, phone numbers are mentioned."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from alerting.channels.http import Target, target_of
from alerting.channels.place import Place, needed, word
from alerting.channels.robot import cut, send
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings

_URL = "https://oapi.dingtalk.com/robot/send"
_TOO_FAST = frozenset({130101, 130102, 410100, 90030})
_MOST_BYTES = 18_000


@dataclass(frozen=True, slots=True)
class DingTalk:
    """Posts text messages; the robot takes 20 a minute and bans for ten when there are more."""

    name: str
    target: Target
    token: str = field(repr=False)
    secret: str = field(repr=False)
    most_bytes: int = _MOST_BYTES

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only errcode 0 counts."""
        message = {
            "msgtype": "text",
            "text": {"content": cut(notification.text, _MOST_BYTES)},
            "at": {"atMobiles": list(notification.recipients), "isAtAll": False},
        }
        stamp = str(time.time_ns() // 1_000_000)
        query = f"access_token={quote(self.token, safe='')}&timestamp={stamp}"
        query += f"&sign={quote(sign(self.secret, stamp), safe='')}"
        return send(self.target, message, codes=("errcode",), too_fast=_TOO_FAST, query=query)


def sign(secret: str, stamp: str) -> str:
    """Return the signature of a timestamp [ms] by the robot's secret (SEC...).

    >>> sign("SEC1", "1600000000000")
    '251ymK1DMiOoZfQVOB8rUvdQVSxdr7zMtavd+PlY6Ew='
    """
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def build(settings: ChannelSettings, place: Place) -> DingTalk:
    """Return the channel from `token`; its secret is the signing secret of the robot."""
    secret = needed(place.secret, settings, place, "the robot's signing secret (SEC...)")
    token = word(settings, place, "token", "the access token of the robot's address")
    target = target_of(settings, file=place.file, default=_URL, hidden=(secret, token))
    return DingTalk(settings.name, target, token, secret)
