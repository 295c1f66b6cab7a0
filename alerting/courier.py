"""Takes notifications from the outbox to their channels until each is delivered."""

import contextlib
import sqlite3
import threading
import time
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
_REST_MS = 5_000
_JOIN_S = 30.0


class Courier:
    """One thread a channel delivers what is due; an outage of one delays nobody else's.

    At least once: when Caretaker dies between handing over and recording, the same notification
    goes again under the same key.
    """

    def __init__(
        self,
        journal: Journal,
        channels: Mapping[str, Notifier],
        *,
        site: SiteSettings,
        clock: Clock,
        link: str = "",
    ) -> None:
        self.failing: dict[str, str] = {}
        """Why a channel took nothing when last tried, by its name; empty when all is well."""
        self._journal = journal
        self._channels = dict(channels)
        self._site = site
        self._clock = clock
        self._link = link
        self._wakes = {name: threading.Event() for name in ("", *channels)}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._rest_until_ms: dict[str, int] = {}
        self._unrecorded: dict[int, Outcome] = {}

    def start(self) -> None:
        """Begin to deliver, first of all what waited from before."""
        self._stopping.clear()
        self._unsubscribe = self._journal.subscribe(self._committed)
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"courier {name}", daemon=True)
            for name in self._wakes
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the deliveries under way; the rest waits in the journal."""
        self._stopping.set()
        self._wake()
        self._unsubscribe()
        self._unsubscribe = lambda: None
        deadline = time.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads = []

    @property
    def alive(self) -> bool:
        """Whether the threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _committed(self, stored: Stored) -> None:
        if stored.readings:
            self._wake()

    def _wake(self) -> None:
        for event in self._wakes.values():
            event.set()

    def _run(self, channel: str) -> None:
        while not self._stopping.is_set():
            self._wakes[channel].wait(_LOOK_S)
            self._wakes[channel].clear()
            with contextlib.suppress(StorageError, sqlite3.Error):  # looked at again in a moment
                if channel:
                    self._deliver_on(channel)
                else:
                    self._give_up_unknown()

    def deliver_due(self) -> int:
        """Deliver what is due now on every channel and return how many were handed over."""
        self._give_up_unknown()
        return sum(self._deliver_on(name) for name in self._channels)

    def _deliver_on(self, channel: str) -> int:
        count = 0
        while not self._stopping.is_set():
            now_ms = self._clock.now_ms()
            if now_ms < self._rest_until_ms.get(channel, 0):
                return count
            with self._journal.reader() as connection:
                waiting = outbox.due(connection, channel=channel, now_ms=now_ms, limit=1)
            if not waiting:
                return count
            count += self._deliver(waiting[0])
        return count

    def _give_up_unknown(self) -> None:
        now_ms = self._clock.now_ms()
        with self._journal.reader() as connection:
            unknown = [n for n in outbox.waiting_channels(connection) if n not in self._channels]
            waiting = [w for n in unknown for w in outbox.due(connection, channel=n, now_ms=now_ms)]
        for item in waiting:
            detail = "this channel is not set up any more"
            self._record(item, Outcome(delivered=False, retry=False, detail=detail))

    def _deliver(self, item: outbox.Waiting) -> bool:
        outcome = self._unrecorded.get(item.id)
        if outcome is None:
            try:
                outcome = self._channels[item.channel].deliver(self._notification(item))
            except Exception as error:  # one sick channel or text must not silence all the others
                outcome = Outcome(
                    delivered=False, retry=True, detail=f"{type(error).__name__}: {error}"
                )
        if outcome.delivered:
            self.failing.pop(item.channel, None)
            # Until the journal takes it (disk full), it is not sent a second time.
            self._unrecorded[item.id] = outcome
        else:
            self.failing[item.channel] = outcome.detail
        if not outcome.delivered and outcome.retry:
            rest_ms = max(_REST_MS, round(min(outcome.retry_after_s, 900.0) * 1000))
            self._rest_until_ms[item.channel] = self._clock.now_ms() + rest_ms
        self._record(item, outcome)
        self._unrecorded.pop(item.id, None)
        return outcome.delivered

    def _record(self, item: outbox.Waiting, outcome: Outcome) -> None:
        now_ms = self._clock.now_ms()

        def work(connection: sqlite3.Connection) -> None:
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

        self._journal.call(work)

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
