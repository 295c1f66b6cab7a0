"""Feishu and Lark group robot (飞书), signed: text."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field

from alerting.channels.http import Target, target_of
from alerting.channels.place import Place, needed, word
from alerting.channels.robot import cut, send
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings

_FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/"
_LARK = "https://open.larksuite.com/open-apis/bot/v2/hook/"
_TOO_FAST = frozenset({9499, 11232, 99991400})
_MOST_BYTES = 18_000


@dataclass(frozen=True, slots=True)
class Feishu:
    """Posts text messages; people cannot be mentioned by their phone number."""

    name: str
    target: Target
    secret: str = field(repr=False)
    most_bytes: int = _MOST_BYTES

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only code 0 counts."""
        stamp = str(int(time.time()))
        message = {
            "timestamp": stamp,
            "sign": sign(self.secret, stamp),
            "msg_type": "text",
            "content": {"text": cut(notification.text, _MOST_BYTES)},
        }
        return send(self.target, message, codes=("code", "StatusCode"), too_fast=_TOO_FAST)


def sign(secret: str, stamp: str) -> str:
    """Return the signature of a timestamp [s]: HMAC-SHA256 of nothing, keyed by both.

    >>> sign("demo", "1600000000")
    'HQV03+so/amIWQSXS50Llvl9vzTATYaRg+mJZ+EZzjY='
    """
    digest = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def build(settings: ChannelSettings, place: Place) -> Feishu:
    """Return the channel from `token` and `lark`; its secret is the robot's signing secret."""
    secret = needed(place.secret, settings, place, "the robot's signing secret")
    token = word(settings, place, "token", "the end of the robot's address")
    base = _LARK if settings.options.get("lark") is True else _FEISHU
    target = target_of(settings, file=place.file, default=base + token, hidden=(secret, token))
    return Feishu(settings.name, target, secret)
