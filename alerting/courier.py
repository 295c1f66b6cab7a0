"""Takes notifications from the outbox to their channels until each is delivered."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Mapping

from alerting.port import Notification, Notifier, Outcome
from alerting.texts import render
from caretaker.clock import Clock
from caretaker.config import SiteSettings
from caretaker.errors import StorageError
from storage import devices as device_records
from storage import incidents, outbox
from storage.journal import Journal
from storage.port import Stored

_LOOK_S = 0.5


class Courier:
    """A thread that delivers what is due; an outage of a channel only delays."""

    def __init__(
        self,
        journal: Journal,
        channels: Mapping[str, Notifier],
        *,
        site: SiteSettings,
        clock: Clock,
        link: str = "",
    ) -> None:
        self._journal = journal
        self._channels = dict(channels)
        self._site = site
        self._clock = clock
        self._link = link
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to deliver, first of all what waited from before."""
        self._stopping.clear()
        self._unsubscribe = self._journal.subscribe(self._committed)
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery under way; the rest waits in the journal."""
        self._stopping.set()
        self._wake.set()
        self._unsubscribe()
        if self._thread is not None:
            self._thread.join(30)
            self._thread = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _committed(self, stored: Stored) -> None:
        if stored.readings:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            with contextlib.suppress(StorageError, sqlite3.Error):  # looked at again in a moment
                self.deliver_due()

    def deliver_due(self) -> int:
        """Deliver what is due now and return how many were handed over."""
        with self._journal.reader() as connection:
            waiting = outbox.due(connection, now_ms=self._clock.now_ms())
        count = 0
        for item in waiting:
            if self._stopping.is_set():
                break
            count += self._deliver(item)
        return count

    def _deliver(self, item: outbox.Waiting) -> bool:
        channel = self._channels.get(item.channel)
        now_ms = self._clock.now_ms()
        if channel is None:
            self._journal.call(
                lambda connection: outbox.failed(
                    connection,
                    item,
                    now_ms=now_ms,
                    retry=False,
                    retry_after_s=0.0,
                    detail="this channel is not set up any more",
                )
            )
            return False
        try:
            outcome = channel.deliver(self._notification(item))
        except Exception as error:  # one sick channel or text must not silence all the others
            outcome = Outcome(
                delivered=False, retry=True, detail=f"{type(error).__name__}: {error}"
            )

        def record(connection: sqlite3.Connection) -> None:
            if outcome.delivered:
                outbox.delivered(connection, item.id, now_ms=now_ms, detail=outcome.detail)
            else:
                outbox.failed(
                    connection,
                    item,
                    now_ms=now_ms,
                    retry=outcome.retry,
                    retry_after_s=outcome.retry_after_s,
                    detail=outcome.detail,
                )

        self._journal.call(record)
        return outcome.delivered

    def _notification(self, item: outbox.Waiting) -> Notification:
        with self._journal.reader() as connection:
            incident = incidents.find(connection, item.incident)
            assert incident is not None
            device = device_records.find(connection, incident.device)
        title, body = render(
            lang=self._site.lang,
            rule=incident.rule,
            kind=item.kind,
            device=(device.name or device.key) if device else "?",
            since_ms=incident.since_ms,
            zone=self._site.zone,
            evidence=incident.evidence,
        )
        return Notification(
            id=item.id,
            incident=incident.id,
            kind=item.kind,
            severity=incident.severity,
            title=title,
            body=body,
            lang=self._site.lang,
            link=f"{self._link}/incidents/{incident.id}" if self._link else "",
            key=item.key,
        )
