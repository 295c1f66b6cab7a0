"""A button in the kitchen: one press takes on what calls there."""

import sqlite3
from collections.abc import Callable, Mapping

import structlog

from caretaker.clock import Clock
from caretaker.config import Button, SiteSettings
from caretaker.errors import StorageError
from ingest.transport.port import Message
from storage import devices as device_records
from storage import incidents
from storage.journal import Journal

log = structlog.get_logger()
Command = Callable[[Message], None]


class Buttons:
    """Acknowledges by message; a retained one is an old press and does nothing."""

    def __init__(self, journal: Journal, site: SiteSettings, *, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._buttons = site.buttons

    def commands(self) -> Mapping[str, Command]:
        """Return what to do by topic."""
        return {button.topic: self.pressed for button in self._buttons}

    def pressed(self, message: Message) -> None:
        """Take on what calls; kept before the message is acknowledged."""
        text = message.payload.decode("utf-8", "replace")
        for button in self._buttons:
            if button.topic == message.topic and button.match in text and not message.retained:
                try:
                    count = self._journal.call(lambda c, b=button: self._take(c, b))  # type: ignore[misc]
                    log.info("button", person=button.person, acknowledged=count)
                except (StorageError, sqlite3.Error) as error:
                    log.warning("button", problem=str(error))  # it goes on calling: press again

    def _take(self, connection: sqlite3.Connection, button: Button) -> int:
        now_ms = self._clock.now_ms()
        taken = 0
        for item in incidents.listing(connection, state="live", limit=1000):
            if not item.calling or item.kind == incidents.CANARY:
                continue
            if button.building and button.building != _building(connection, item):
                continue
            incidents.acknowledge(connection, item.id, actor=button.person, now_ms=now_ms)
            taken += 1
        return taken


def _building(connection: sqlite3.Connection, item: incidents.Incident) -> str:
    device = device_records.find(connection, item.device)
    if device is not None:
        return device.building
    return item.scope.partition(":")[2]
