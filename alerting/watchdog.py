"""Watches the chain itself: silence is only peace when the way to the people was just walked."""

import http.client
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from alerting import canary
from alerting.channels.http import Target
from alerting.drills import Drills, Publish, site_name
from alerting.notify.daily import DailyNote
from alerting.unwell import Check, Unwell
from caretaker.clock import HOUR_MS, Clock, StepSensor
from caretaker.config import SiteSettings
from caretaker.errors import StorageError
from caretaker.worker import Worker
from ingest.transport.port import Message
from storage import devices as device_records
from storage import disk, housekeeping, lease, outbox
from storage.journal import Journal

_LOOK_S = 1.0
_BEAT_S = 4.0
RED_S = 12.0
"""A part that gave no sign for so long is red: within 15 s of the fault (I8)."""

_RECONNECT_S = 30.0
_TRIP_S = 60.0
_OUTBOX_S = 300.0
_STEP_SHOWN_S = 600.0
_PRUNE_S = 1_800.0

log = structlog.get_logger()


@dataclass(slots=True)
class _Signs:
    """When each part gave its last sign [s, monotonic]."""

    started: float
    commit: float
    beat: float
    trip: float | None = None
    sent: float | None = None
    trip_s: float = 0.0
    stepped: float | None = None


class Watchdog:
    """One thread: beats over the broker, writes to the journal, sends the canary, tells the time.

    The outside heartbeat is sent only after a full round trip. `fenced` is called once when
    another Caretaker has taken over.
    """

    def __init__(
        self,
        journal: Journal,
        site: SiteSettings,
        *,
        clock: Clock,
        sink: canary.CanarySink,
        publish: Publish,
        drills: Drills,
        unwell: Unwell,
        checks: Callable[[], list[Check]],
        fenced: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._settings = site.watchdog
        self._site = site_name(site)
        self._clock = clock
        self._sink = sink
        self._publish = publish
        self._drills = drills
        self._unwell = unwell
        self._all = checks
        self._fenced = fenced
        self._monotonic = monotonic
        self._steps = StepSensor(clock)
        self._note = DailyNote(journal, site, clock=clock)
        now = monotonic()
        self._signs = _Signs(started=now, commit=now, beat=now)
        self._next_beat = self._next_trip = self._next_prune = 0.0
        self._next_reconnect = 0.0
        self._reconnect: Callable[[], None] = lambda: None
        self._arrived = 0
        self._heartbeat = ""
        self._problem = ""
        self._stopping = threading.Event()
        self._worker = Worker("watchdog", self._run, stopping=self._stopping)

    def start(self, *, reconnect: Callable[[], None] = lambda: None) -> None:
        """Make the canary's device, and begin to watch."""
        self._reconnect = reconnect
        if self._settings.canary:
            self._journal.call(
                lambda c: device_records.internal(c, canary.key_of(self._site), name="canary")
            )
        now = self._monotonic()
        self._signs = _Signs(started=now, commit=now, beat=now)
        self._steps = StepSensor(self._clock)  # what the clock did before is no step
        self._stopping.clear()
        self._worker.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._worker.join(10)

    def beat(self, message: Message) -> None:
        """Take our own word back from the broker; called by ingest."""
        if not message.retained:
            self._signs.beat = self._monotonic()

    @property
    def worker(self) -> Worker:
        """Return its thread."""
        return self._worker

    @property
    def beat_topic(self) -> str:
        """Where we say our word."""
        return canary.topic_of(self._site, "beat")

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                self.look()
                self._problem = ""
            except lease.FencedError:
                self._problem = "another Caretaker has taken over"
                self._fenced()
                return
            except (StorageError, sqlite3.Error, OSError) as error:
                self._problem = f"{type(error).__name__}: {error}"

    def look(self) -> None:
        """Do what is due."""
        now = self._monotonic()
        self._compare_clocks(now)
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_S
            self._look_for_beat(now)
            self._look_at_disk()
            self._publish(self.beat_topic, b"{}")
            self._journal.call(lease.renew)  # a real write: the disk takes it, or it does not
            self._signs.commit = self._monotonic()
            self._unwell.look(self._all(), now_s=now)
            self._drills.look()
            self._note.look()
        if self._settings.canary:
            self._walk(now)
        if now >= self._next_prune:
            self._next_prune = now + _PRUNE_S
            before_ms = self._clock.now_ms() - HOUR_MS
            self._journal.call(lambda c: housekeeping.forget_canary(c, before_ms=before_ms))

    def _look_for_beat(self, now: float) -> None:
        """Connect anew when the broker lets us speak but not hear: a subscription may be gone."""
        if now - self._signs.beat > RED_S and now >= self._next_reconnect:
            self._next_reconnect = now + _RECONNECT_S
            log.warning("our own word does not come back: connecting anew")
            self._reconnect()

    def _look_at_disk(self) -> None:
        """Keep a reserve for alerts: below it no reading is taken, the broker holds them."""
        free = disk.free_bytes(self._journal.path.parent)
        short = free < disk.RESERVE_BYTES
        self._journal.refusing = f"the disk has only {free / 1e6:.0f} MB left" if short else ""

    def _walk(self, now: float) -> None:
        """Send the canary over its limit, see its alert arrive, and let it come back."""
        signs = self._signs
        if signs.sent is not None and self._sink.arrived != self._arrived:
            self._arrived = self._sink.arrived
            signs.trip, signs.trip_s, signs.sent = now, now - signs.sent, None
            self._say(canary.LOW_C)
            self._call_outside()
        if now >= self._next_trip:
            self._next_trip = now + self._settings.every_s
            self._arrived = self._sink.arrived
            signs.sent = now
            self._say(canary.HIGH_C)

    def _say(self, value_c: float) -> None:
        body = canary.message(value_c, at_ms=self._clock.now_ms())
        self._publish(canary.topic_of(self._site, "readings"), body)

    def _call_outside(self) -> None:
        url = self._settings.heartbeat_url
        if not url:
            return
        try:
            answer = Target(url, private=self._settings.heartbeat_private).post(b"{}")
            well = 200 <= answer.status < 300
            self._heartbeat = "" if well else f"heartbeat: {answer.status}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._heartbeat = f"heartbeat: {type(error).__name__}"

    def _compare_clocks(self, now: float) -> None:
        step_s = self._steps.look() / 1000
        if step_s:
            self._signs.stepped = now
            log.warning("clock stepped", by_s=step_s)
            at_ms = self._clock.now_ms()
            self._journal.call(lambda c: housekeeping.note_step(c, step_s=step_s, at_ms=at_ms))

    # -- what it says -----------------------------------------------------------------------

    def checks(self) -> list[Check]:
        """Return (part, ok, value, remedy): each value an age, none a guess."""
        now, signs = self._monotonic(), self._signs
        alive = self._worker.alive
        found = [
            _age("commit", now - signs.commit, RED_S, "Look at the disk's space and health."),
            _age("broker answers", now - signs.beat, RED_S, "Is the broker up, may we publish?"),
        ]
        found[0] = found[0] if alive else ("commit", False, "the watchdog has stopped", "Restart.")
        if self._problem and found[0][1]:
            found[0] = ("commit", False, self._problem, "Look at the log.")
        if self._settings.canary:
            found.append(self._round_trip(now))
        found.append(self._outbox())
        free = disk.free_bytes(self._journal.path.parent)
        found.append(
            (
                "disk", free >= disk.LOW_BYTES, f"{free / 1e9:.1f} GB free",
                "" if free >= disk.LOW_BYTES
                else "Free space on the disk of the data directory.",
            )
        )  # fmt: skip
        stepped = signs.stepped is not None and now - signs.stepped < _STEP_SHOWN_S
        found.append(
            (
                "clock", not stepped,
                "stepped within the last ten minutes" if stepped else "steady",
                "Check the time server (NTP)." if stepped else "",
            )
        )  # fmt: skip
        if self._heartbeat:
            found.append(("heartbeat", False, self._heartbeat, "Check [watchdog] heartbeat_url."))
        return found

    def _round_trip(self, now: float) -> Check:
        signs = self._signs
        limit_s = self._settings.every_s + _TRIP_S
        overdue = signs.sent is not None and now - signs.sent > _TRIP_S
        since = signs.trip if signs.trip is not None else signs.started
        well = not overdue and now - since <= limit_s
        if signs.trip is None:
            value = "no full round trip yet"
        else:
            value = f"last full round trip {now - signs.trip:.0f} s ago, took {signs.trip_s:.1f} s"
        remedy = "" if well else "From the broker to the notification something is stuck."
        return ("round trip", well, value, remedy)

    def _outbox(self) -> Check:
        now_ms = self._clock.now_ms()
        with self._journal.reader() as connection:
            oldest = outbox.oldest_waiting_ms(connection)
        age_s = 0.0 if oldest is None else max(0.0, (now_ms - oldest) / 1000)
        well = age_s <= _OUTBOX_S
        value = "nothing waits" if oldest is None else f"the oldest waits {age_s:.0f} s"
        return ("outbox", well, value, "" if well else "Check the channels in site.toml.")


def _age(name: str, age_s: float, limit_s: float, remedy: str) -> Check:
    well = age_s <= limit_s
    return (name, well, f"{age_s:.0f} s ago", "" if well else remedy)
