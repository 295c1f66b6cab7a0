"""Prints notifications where Caretaker runs."""

from dataclasses import dataclass

from alerting.channels.place import Place
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings


@dataclass(frozen=True, slots=True)
class Console:
    """Writes one line a notification to standard output."""

    name: str

    def deliver(self, notification: Notification) -> Outcome:
        """Print it; that cannot fail."""
        mark = {"notice": "·", "alarm": "!", "critical": "!!"}[notification.severity.value]
        if notification.over:
            mark = "ok"
        body = " / ".join(notification.body.splitlines())
        print(f"[{mark}] {notification.title} - {body}", flush=True)
        return Outcome(delivered=True)


def build(settings: ChannelSettings, place: Place) -> Console:
    """Return the channel; it has no options."""
    del place
    return Console(name=settings.name)
