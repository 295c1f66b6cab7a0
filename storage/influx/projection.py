"""Keeps InfluxDB a true copy of the journal, in a thread of its own, whatever either does."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from caretaker.clock import DAY_MS, Clock
from caretaker.errors import StorageError
from storage.influx import progress
from storage.influx.deliver import (
    MAX_ROWS,
    Delivery,
    EmptiedError,
    StoppedError,
    backoff,
)
from storage.influx.feeds.history import History
from storage.influx.feeds.readings import Readings
from storage.influx.names import Names
from storage.influx.port import Feed, Moment
from storage.influx.readback import ReadBack
from storage.influx.server import Server
from storage.influx.status import Status
from storage.journal import Journal
from storage.port import Stored

log = structlog.get_logger()

_KEEP_S = 5.0
_NAMES_S = 5.0
_IDLE_S = 1.0
_LACKING = "Look at the store's retention and log; the hours are sent again."
_UNREAD = "Give Caretaker a token that may read: caretaker influx setup"
_ASIDE = "Mend what they conflict with, then: caretaker influx rebuild"
_NEVER_MS = -(2**62)


class Projection:
    """Feeds one store from the journal; nothing of it ever waits for a store but its own thread.

    `prepare` takes up the thread where the journal says it was left; `start` runs it; `flush`
    does its work in the caller's thread until all is delivered.
    """

    def __init__(
        self,
        journal: Journal,
        server: Server,
        *,
        site: str,
        feeds: Sequence[Feed],
        clock: Clock,
        pause: Callable[[int], float] = backoff,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._journal = journal
        self._server = server
        self._clock = clock
        self._max_rows = max_rows
        self._names = Names(site)
        self._readings, self._history = Readings(), History()
        self._feeds: tuple[Feed, ...] = (self._readings, *feeds, self._history)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.RLock()
        self._delivery = Delivery(
            server, clock=clock, stop=self._stop, pause=pause, max_rows=max_rows
        )
        self._read_back = ReadBack(
            journal, server, self._names, clock=clock, catch_up=self._catch_up
        )
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._phase = progress.FILLING
        self._received = 0
        self._behind_ms: int | None = None
        self._kept_s = self._named_s = 0.0
        self._fault = ""

    @property
    def target(self) -> str:
        """What is fed: a change of any part of it begins anew."""
        settings = self._server.settings
        parts = (settings.url, settings.org, settings.bucket, settings.readings_bucket)
        return " ".join((*parts, self._names.site))

    # -- life -------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Take up where the journal says, and log late readings from now on."""
        self._journal.follow_late()
        self._journal.call(self._arm)
        self._unsubscribe = self._journal.subscribe(self._committed)

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what is under way and keep the progress; what is not delivered comes next time."""
        self._stop.set()
        self._wake.set()
        self._server.interrupt()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            with contextlib.suppress(StorageError):
                self.keep()
        self._server.close()

    def rebuild(self) -> None:
        """Delete what the store holds of this site and fill it from the journal; survives kill -9.

        Returns at once; the work is the thread's, or the next `flush`'s.
        """
        with self._lock:
            self._journal.call(
                lambda c: progress.set_state(c, target=self.target, phase=progress.EMPTYING)
            )
            self._phase = progress.EMPTYING
        self._wake.set()

    def flush(self, *, patience_s: float | None = None) -> None:
        """Deliver all there is, in the caller's thread. Raises StorageError after `patience_s`."""
        self._delivery.set_patience(patience_s)
        try:
            with self._lock:
                self._journal.call(lambda _: None)
                while self._round():
                    pass
        except StoppedError as error:
            raise StorageError(f"the store took nothing: {self._delivery.failing}") from error
        finally:
            self._delivery.set_patience(None)

    def _arm(self, connection: sqlite3.Connection) -> None:
        found = progress.state(connection)
        if found is None or found.target != self.target:
            connection.execute("DELETE FROM projection_device")
            self._names.load(connection)
            self._begin(connection)
            return
        self._phase = found.phase
        progress.set_state(connection, target=self.target, phase=found.phase)
        if not found.unbroken:
            self._read_back.doubt(connection)
        self._names.load(connection)
        for feed in self._feeds:
            feed.start(connection)
        self._behind_ms = self._oldest_unsent(connection)

    def _begin(self, connection: sqlite3.Connection) -> None:
        progress.forget(connection)
        progress.set_state(connection, target=self.target, phase=progress.FILLING)
        self._phase = progress.FILLING
        for feed in self._feeds:
            feed.restart(connection)

    def _oldest_unsent(self, connection: sqlite3.Connection) -> int | None:
        row = connection.execute(
            "SELECT min((SELECT min(at_ms) FROM reading r WHERE r.point = c.point"
            " AND r.at_ms > c.at_ms)) FROM projection_point c"
        ).fetchone()
        return None if row is None else row[0]

    # -- the thread ---------------------------------------------------------------------------

    def _committed(self, stored: Stored) -> None:
        if not stored.readings:
            return
        self._received += len(stored.readings)
        if self._behind_ms is None:
            self._behind_ms = self._clock.now_ms()
        self._readings.changed({reading.point for reading in stored.readings})
        self._wake.set()

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            try:
                # Gather for a moment: a request a message would cost more than it tells.
                self._wake.clear()
                with self._lock:
                    worked = self._round()
                self._fault, attempt = "", 0
                if not worked:
                    self._wake.wait(_IDLE_S)
                    self._stop.wait(_IDLE_S / 4)
            except StoppedError:
                return
            except Exception as error:
                # Whatever it is (a full disk, a fault of ours), the next round begins anew.
                self._fault = f"{type(error).__name__}: {error}"
                log.exception("projection", fault=self._fault)
                self._stop.wait(backoff(attempt))
                attempt += 1

    def _round(self) -> bool:
        """Deliver a batch of each feed; return whether there may be more."""
        try:
            self._tidy()
            worked = False
            for feed in self._feeds:
                worked = self._pump(feed) or worked
            worked = worked or not self._readings.idle
            if not worked:
                worked = self._read_back.step(self._moment())
        except EmptiedError:
            log.warning("the store's bucket was not there; it is made and filled anew")
            self._journal.call(self._begin)
            return True
        if time.monotonic() - self._kept_s >= _KEEP_S:
            self.keep()
        return worked

    def _catch_up(self) -> None:
        """Deliver all readings that the journal holds now."""
        self._pump(self._readings)
        while not self._readings.drained:
            self._pump(self._readings)

    def _moment(self) -> Moment:
        now_ms = self._clock.now_ms()
        settings = self._server.settings
        horizon_ms = now_ms - settings.retention_days * DAY_MS if settings.retention_days else 0
        days = settings.readings_retention_days or settings.retention_days
        raw_ms = now_ms - days * DAY_MS if days else 0
        expired_ms = self._delivery.raw_expired_ms
        return Moment(
            now_ms,
            horizon_ms or _NEVER_MS,
            max(raw_ms or _NEVER_MS, expired_ms or _NEVER_MS),
        )

    def _pump(self, feed: Feed) -> bool:
        moment = self._moment()
        with self._journal.reader() as connection:
            rows = feed.take(connection, self._names, moment=moment, limit=self._max_rows)
        refused = self._delivery.send(rows)
        if refused:
            entries = [(r.row.point, r.row.at_ms, r.row.line, r.reason) for r in refused]
            self._journal.call(
                lambda connection: progress.reject(connection, entries, now_ms=moment.now_ms)
            )
        feed.settle()
        if feed is self._readings and self._readings.drained:
            self._behind_ms = None if self._readings.idle else moment.now_ms
        return bool(rows)

    def keep(self) -> None:
        """Write the progress into the journal now."""
        self._kept_s = time.monotonic()

        def work(connection: sqlite3.Connection) -> None:
            for feed in self._feeds:
                feed.keep(connection)
            self._names.save(connection)
            if self._phase == progress.FILLING and not progress.count_spans(connection, "send"):
                self._phase = progress.FOLLOWING
                progress.set_state(connection, target=self.target, phase=self._phase)

        self._journal.call(work)

    # -- deleting what no longer holds ----------------------------------------------------------

    def _tidy(self) -> None:
        """Delete what the store holds under names that are no longer true, and send it again."""
        if self._phase == progress.EMPTYING:
            self._delete({}, ())
            self._journal.call(self._emptied)
        due = time.monotonic() - self._named_s >= _NAMES_S
        if not due:
            return
        self._named_s = time.monotonic()
        with self._journal.reader() as connection:
            self._names.refresh(connection)
            reshaped = [
                feed
                for feed in self._feeds
                if feed.shape and progress.cursor(connection, feed.name)[1] != feed.shape
            ]
        for feed in reshaped:
            self._delete({}, feed.measurements)
            self._journal.call(feed.restart)
        changed = self._names.changed()
        for device in changed:
            self._delete({"device": self._names.known[device]["device"]}, ())
        if changed:
            self._journal.call(lambda connection: self._rename(connection, changed))

    def _delete(self, tags: dict[str, str], measurements: Sequence[str]) -> None:
        self._delivery.until_done(self._server.recognise, what="which version")
        kind = self._server.kind
        if kind is None or not kind.deletes:
            return
        wanted = {"site": self._names.site} | tags
        self._delivery.until_done(
            lambda: self._server.delete(wanted, measurements or ("",)), what="delete"
        )

    def _emptied(self, connection: sqlite3.Connection) -> None:
        self._names.refresh(connection)
        self._names.adopt(connection, list(self._names.current))
        self._begin(connection)

    def _rename(self, connection: sqlite3.Connection, devices: Sequence[int]) -> None:
        self._names.adopt(connection, devices)
        if self._server.kind is not None and not self._server.kind.deletes:
            return
        points = [p.id for p in self._names.points.values() if p.device in devices]
        for feed in self._feeds:
            feed.renamed(connection, devices=devices, points=points)

    # -- for the watch ------------------------------------------------------------------------

    def status(self) -> Status:
        """Return how the projection is."""
        with self._journal.reader() as connection:
            to_send = progress.count_spans(connection, "send")
            to_check = progress.count_spans(connection, "check")
            aside, reason, aside_ms = progress.rejected(connection)
        recent = aside_ms > self._clock.now_ms() - DAY_MS
        delivery, kind = self._delivery, self._server.kind
        behind_ms = self._behind_ms
        lag_s = 0.0 if behind_ms is None else (self._clock.now_ms() - behind_ms) / 1_000
        failing, remedy = delivery.failing, delivery.remedy
        for found, cure in (
            (self._fault, "Report this with the log."),
            (self._read_back.lacking, _LACKING),
            (self._read_back.unread, _UNREAD),
            (f"{aside} rows set aside, newest: {reason}" if recent else "", _ASIDE),
        ):
            if not failing and found:
                failing, remedy = found, cure
        return Status(
            target=self._server.settings.url,
            version=kind.name if kind else "not reached yet",
            phase=self._phase,
            lag_s=max(lag_s, 0.0),
            failing=failing,
            remedy=remedy,
            received=self._received,
            emitted=delivery.figures.emitted,
            expired=delivery.figures.expired,
            resent_hours=self._read_back.resent_hours,
            stretches_to_send=to_send,
            stretches_to_check=to_check,
            rejected=dict(delivery.figures.rejected.copy()),
        )

    def check(self) -> tuple[str, bool, str, str]:
        """Return (part, ok, value, remedy) for the list of checks."""
        found = self.status()
        if found.failing:
            return "influx", False, found.failing, found.remedy
        if not found.ok:
            value = f"{found.lag_s:.0f} s behind the journal"
            return "influx", False, value, "Is the store fast enough, and its disk well?"
        if found.phase != progress.FOLLOWING:
            return "influx", True, f"filling, {found.stretches_to_send} days to go", ""
        return "influx", True, f"{found.version}, {found.lag_s:.0f} s behind", ""
