"""Text messages through a gateway that takes a signed request; it knows the SMS house."""

from dataclasses import dataclass, field

from alerting.channels.http import Target, target_of
from alerting.channels.place import Place, needed
from alerting.channels.robot import cut
from alerting.channels.webhook import post_signed
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings

_MOST_BYTES = 600  # three text messages of Chinese


@dataclass(frozen=True, slots=True)
class Sms:
    """POSTs `{to, text, key}`; the signature is the webhook's."""

    name: str
    target: Target
    secret: str = field(repr=False)
    sign: str = ""
    most_bytes: int = _MOST_BYTES

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; without a number there is nobody to send it to."""
        if not notification.recipients:
            return Outcome(delivered=False, detail="no phone number")
        short = notification.title if notification.over else notification.text
        message = {
            "to": list(notification.recipients),
            "text": self.sign + cut(short, _MOST_BYTES),
            "key": notification.key,
        }
        return post_signed(self.target, message, key=notification.key, secret=self.secret)


def build(settings: ChannelSettings, place: Place) -> Sms:
    """Return the channel from `url` and `sign`; the secret signs the requests."""
    secret = needed(place.secret, settings, place, "the secret that the gateway checks")
    target = target_of(settings, file=place.file, hidden=(secret,))
    return Sms(settings.name, target, secret, str(settings.options.get("sign", "")))
