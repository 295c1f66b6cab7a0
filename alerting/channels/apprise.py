"""Every other service, through Apprise (the extra `apprise`)."""

import importlib
import threading
from dataclasses import dataclass, field
from typing import Any

from alerting.channels.place import Place, needed
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Apprise:
    """Hands plain text to one Apprise address; that says only whether it was taken."""

    name: str
    service: Any = field(repr=False)
    deadline_s: float = 20.0

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; a refusal is tried again, and so is what did not end in time."""
        body = "\n".join(part for part in (notification.body, notification.link) if part)
        taken: list[bool] = []

        def work() -> None:
            taken.append(
                bool(
                    self.service.notify(
                        body=body or notification.title,
                        title=notification.title,
                        body_format="text",
                    )
                )
            )

        # Its own timeouts begin anew with each byte that drips in.
        thread = threading.Thread(target=work, name=f"apprise {self.name}", daemon=True)
        thread.start()
        thread.join(self.deadline_s)
        if taken and taken[0]:
            return Outcome(delivered=True)
        why = "no whole answer in time" if thread.is_alive() else "the service did not take it"
        return Outcome(delivered=False, retry=True, detail=why)


def build(settings: ChannelSettings, place: Place) -> Apprise:
    """Return the channel; its secret is the Apprise address."""
    address = needed(place.secret, settings, place, "the Apprise address")
    try:
        module = importlib.import_module("apprise")
    except ImportError as error:
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}.kind",
            problem="apprise is not installed",
            remedy="Install it with: pip install 'caretaker[apprise]'",
        ) from error
    service = module.Apprise()
    if not service.add(address):
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}",
            problem="is no address that Apprise knows",
            remedy="See the list of services in the Apprise documentation.",
        )
    return Apprise(settings.name, service)
