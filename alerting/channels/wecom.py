"""WeCom group robot (企业微信群机器人): text, phone numbers are mentioned."""

from dataclasses import dataclass

from alerting.channels.http import Target, target_of
from alerting.channels.place import Place, needed
from alerting.channels.robot import cut, send
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings

_URL = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
_TOO_FAST = frozenset({45009, 45033, 130101})
_MOST_BYTES = 2048


@dataclass(frozen=True, slots=True)
class WeCom:
    """Posts text messages of at most 2,048 bytes; the robot takes 20 a minute."""

    name: str
    target: Target
    key: str
    most_bytes: int = _MOST_BYTES

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; only errcode 0 counts."""
        text: dict[str, object] = {"content": cut(notification.text, _MOST_BYTES)}
        if notification.recipients:
            text["mentioned_mobile_list"] = list(notification.recipients)
        return send(
            self.target,
            {"msgtype": "text", "text": text},
            codes=("errcode",),
            too_fast=_TOO_FAST,
            query=f"key={self.key}",
        )


def build(settings: ChannelSettings, place: Place) -> WeCom:
    """Return the channel; its secret is the robot's key."""
    key = needed(place.secret, settings, place, "the robot's key (after key= in its address)")
    target = target_of(settings, file=place.file, default=_URL, hidden=(key,))
    return WeCom(settings.name, target, key)
