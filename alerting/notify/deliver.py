"""Takes notifications from the outbox to their channels until each is delivered."""

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from alerting.notify.compose import Composer
from alerting.notify.digest import Bundle, bundles
from alerting.port import Notification, Notifier, Outcome
from caretaker.clock import MINUTE_MS, Clock
from caretaker.config import SiteSettings
from caretaker.errors import StorageError
from caretaker.faultpoints import reach
from caretaker.worker import Worker
from storage import outbox
from storage.journal import Journal
from storage.port import Stored

PER_MIN = 18
"""Messages a minute on one channel: robots ban at 20."""

_LOOK_S = 0.5
_REST_MS, _LONGEST_REST_MS = 5_000, 900_000
_JOIN_S = 30.0
_TAKE = 1_000


class Courier:
    """One thread a channel delivers what is due; an outage of one delays nobody else's.

    At least once: when Caretaker dies between handing over and recording, the same notification
    goes again under the same key. `fence` is asked before each message; False means that another
    Caretaker leads now, and nothing more is sent.
    """

    def __init__(
        self,
        journal: Journal,
        channels: Mapping[str, Notifier],
        *,
        site: SiteSettings,
        clock: Clock,
        link: str = "",
        sign: Callable[[int, str], str] = lambda *_: "",
        fence: Callable[[], bool] = lambda: True,
    ) -> None:
        self.failing: dict[str, str] = {}
        """Why a channel took nothing when last tried, by its name; empty when all is well."""
        self._journal = journal
        self._channels = dict(channels)
        self._clock = clock
        self._fence = fence
        self._composer = Composer(site, link=link, sign=sign)
        limits = {c.name: int(c.options.get("per_min", PER_MIN)) for c in site.channels}
        self._per_min = {name: max(1, limits.get(name, PER_MIN)) for name in channels}
        self._sent: dict[str, deque[int]] = {}
        self._wakes = {name: threading.Event() for name in ("", *channels)}
        self._stopping = threading.Event()
        self._workers: list[Worker] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._rest_until_ms: dict[str, int] = {}
        self._unrecorded: dict[str, Outcome] = {}

    def start(self) -> None:
        """Begin to deliver, first of all what waited from before."""
        self._stopping.clear()
        self._unsubscribe = self._journal.subscribe(self._committed)
        self._workers = [
            Worker(f"courier {name}".strip(), partial(self._run, name), stopping=self._stopping)
            for name in self._wakes
        ]
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop after the deliveries under way; the rest waits in the journal."""
        self._stopping.set()
        self._wake()
        self._unsubscribe()
        self._unsubscribe = lambda: None
        deadline = time.monotonic() + _JOIN_S
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self._workers = []

    @property
    def alive(self) -> bool:
        """Whether the threads run."""
        return bool(self._workers) and all(worker.alive for worker in self._workers)

    @property
    def workers(self) -> Sequence[Worker]:
        """Return its threads, one a channel."""
        return tuple(self._workers)

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

    # -- one channel ------------------------------------------------------------------------

    def _deliver_on(self, channel: str) -> int:
        count = 0
        while not self._stopping.is_set() and self._fence():
            now_ms = self._clock.now_ms()
            room = self._room(channel, now_ms)
            rest_ms = self._rest_until_ms.get(channel, 0) - now_ms
            if 0 < rest_ms <= _LONGEST_REST_MS or not room:  # longer: the clock was set back
                return count
            with self._journal.reader() as connection:
                waiting = outbox.due(connection, channel=channel, now_ms=now_ms, limit=_TAKE)
                if not waiting:
                    return count
                most = getattr(self._channels[channel], "most_bytes", 0)
                bundle = bundles(waiting, room=room)[0]
                notification, left = self._composer.compose(connection, bundle, most_bytes=most)
            bundle = Bundle(tuple(i for i in bundle.items if i not in left), digest=bundle.digest)
            reach("courier.taken")
            count += self._deliver(channel, bundle, notification)
        return count

    def _room(self, channel: str, now_ms: int) -> int:
        """Return how many messages the channel may still get within this minute."""
        sent = self._sent.get(channel)
        if sent is None:
            with self._journal.reader() as connection:
                known = outbox.sent_since(connection, channel, since_ms=now_ms - MINUTE_MS)
            sent = self._sent[channel] = deque(known)
        while sent and not now_ms - MINUTE_MS < sent[0] <= now_ms:
            sent.popleft()
        return self._per_min[channel] - len(sent)

    def _deliver(self, channel: str, bundle: Bundle, notification: Notification) -> int:
        outcome = self._unrecorded.get(notification.key)
        if outcome is None:
            self._sent[channel].append(self._clock.now_ms())
            try:
                outcome = self._channels[channel].deliver(notification)
            except Exception as error:  # one sick channel or text must not silence all the others
                outcome = Outcome(
                    delivered=False, retry=True, detail=f"{type(error).__name__}: {error}"
                )
        reach("courier.handed")
        if outcome.delivered:
            self.failing.pop(channel, None)
            # Until the journal takes it (disk full), it is not sent a second time.
            self._unrecorded[notification.key] = outcome
        else:
            self.failing[channel] = outcome.detail
        if not outcome.delivered and outcome.retry:
            asked_ms = round(outcome.retry_after_s * 1000)
            rest_ms = max(_REST_MS, min(asked_ms, _LONGEST_REST_MS))
            self._rest_until_ms[channel] = self._clock.now_ms() + rest_ms
        self._record(bundle.items, outcome, message=notification.key if bundle.digest else "")
        self._unrecorded.pop(notification.key, None)
        reach("courier.recorded")
        return len(bundle.items) if outcome.delivered else 0

    def _record(
        self, items: Sequence[outbox.Waiting], outcome: Outcome, *, message: str = ""
    ) -> None:
        now_ms = self._clock.now_ms()

        def work(connection: sqlite3.Connection) -> None:
            if outcome.delivered:
                outbox.delivered(
                    connection, items, now_ms=now_ms, detail=outcome.detail, message=message
                )
            else:
                outbox.failed(
                    connection,
                    items,
                    now_ms=now_ms,
                    retry=outcome.retry,
                    retry_after_s=outcome.retry_after_s,
                    detail=outcome.detail,
                )

        self._journal.call(work)

    def _give_up_unknown(self) -> None:
        now_ms = self._clock.now_ms()
        with self._journal.reader() as connection:
            unknown = [n for n in outbox.waiting_channels(connection) if n not in self._channels]
            waiting = [w for n in unknown for w in outbox.due(connection, channel=n, now_ms=now_ms)]
        if waiting:
            detail = "this channel is not set up any more"
            self._record(waiting, Outcome(delivered=False, retry=False, detail=detail))
