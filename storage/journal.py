"""The journal: one SQLite file, one writer, group commit, then and only then the promise."""

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from caretaker.clock import Clock
from caretaker.errors import StorageError
from caretaker.faultpoints import reach
from caretaker.vocabulary import Arrival, Device, Period, Point, Reading, quality_of
from caretaker.worker import Worker
from storage import devices as device_records
from storage import lease, rollup
from storage.commit import Committer
from storage.connection import open_writer, roll_back
from storage.judging import Judging
from storage.port import Arithmetic, Interval, Judge, Stored
from storage.readers import Readers
from storage.recompute import Recomputed

T = TypeVar("T")
Done = Callable[[Stored | None, BaseException | None], None]
_Batch = tuple[Sequence[Arrival], Done]
_Call = tuple[Callable[[sqlite3.Connection], Any], Future[Any]]

_TICK_S = 1.0
_ROLL_S = 0.1
_ROLL_BUDGET_S = 0.008  # so long at most may commits wait for it, but for one point's work
_ROLL_BUSY = 50  # arrivals since the last time: then it rests
_ROLL_PAUSE, _ROLL_PAUSE_S = 15.0, 1.0  # so many times as long as it took, so long at most
_MAX_WAITING = 50_000
_ROLL_SLICE = 4_000


class Journal:
    """Keeps every reading, quarantine row, rule state, incident and notification together.

    A batch given to `submit` is on disk (WAL, synchronous=FULL) when `done` is called without an
    error; after a crash all of it is there or nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        zone: ZoneInfo,
        arithmetic: Arithmetic,
        clock: Clock,
        group_limit: int = 2_000,
    ) -> None:
        self.path = path
        self.failing = ""
        self.refusing = ""
        """Why no reading is taken; calls and the passing of time go on (storage/disk.py)."""
        self.last_commit_ms = 0
        self.taken = 0
        """How many arrivals were committed since the start."""
        self.epoch = 0
        """Whose turn it is to write (storage/lease.py); 0: nobody asks."""
        self._clock = clock
        self._group_limit = group_limit
        self._roller = rollup.Roller(zone=zone, arithmetic=arithmetic)
        self._committer = Committer()
        self._judging: Judging | None = None
        self._listeners: list[Callable[[Stored], None]] = []
        self._wake = threading.Condition()
        self._batches: deque[_Batch] = deque()
        self._calls: deque[_Call] = deque()
        self._waiting = self._taken_before = 0
        self._stopping = self._stale = False
        self._ended = threading.Event()
        self.worker = Worker("journal", self._run, stopping=self._ended)
        self._batches_in_hand: deque[_Batch] = deque()
        self._calls_in_hand: deque[_Call] = deque()
        self._connection: sqlite3.Connection | None = None
        self._readers = Readers(path)

    # -- life -------------------------------------------------------------------------------

    def open(self) -> None:
        """Bring the file to the newest schema and start the writer."""
        self._connection = open_writer(self.path)
        self._committer.load(self._connection)
        self._stopping = False
        self._ended.clear()
        self.worker.start()

    def close(self) -> None:
        """Commit what waits, bring the rollups up to date, and close the file."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._ended.set()
        self.worker.join()
        self._readers.close()
        if self._connection is not None:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            self._connection = None

    def set_judge(self, judge: Judge | None) -> None:
        """Let `judge` see every batch inside its transaction from now on."""
        if judge is not None:
            self.call(judge.load)
        self._judging = None if judge is None else Judging(judge)

    @property
    def judge_error(self) -> str:
        """Why the last batch could not be judged as a whole; empty after one that could."""
        return self._judging.error if self._judging else ""

    @property
    def judge_failures(self) -> int:
        """How often something could not be judged at once since the start."""
        return self._judging.failures if self._judging else 0

    def follow_late(self) -> None:
        """Log from now on which readings came late, for a projection that reads in key order."""
        self.call(self._committer.late.follow)

    def subscribe(self, listener: Callable[[Stored], None]) -> Callable[[], None]:
        """Call `listener` after each commit, from the writer thread; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def knows(self, key: str) -> bool:
        """Return whether a device of that key was stored; may be asked from any thread."""
        return key in self._committer.devices

    # -- writing ----------------------------------------------------------------------------

    def submit(self, arrivals: Sequence[Arrival], done: Done) -> None:
        """Queue a batch; `done` is called in the writer thread once it is durable or refused."""
        if self.refusing and arrivals:
            raise StorageError(self.refusing)
        with self._wake:
            while self._waiting > _MAX_WAITING and not self._stopping:
                self._wake.wait(0.1)
            if self._stopping or not self.worker.alive:
                raise StorageError("the journal is closed")
            self._batches.append((arrivals, done))
            self._waiting += len(arrivals)
            self._wake.notify_all()

    def append(self, arrivals: Sequence[Arrival]) -> Stored:
        """Store a batch and return when it is durable."""
        future: Future[Stored] = Future()

        def done(stored: Stored | None, error: BaseException | None) -> None:
            if stored is None:
                future.set_exception(error or StorageError("not stored"))
            else:
                future.set_result(stored)

        self.submit(arrivals, done)
        return future.result()

    def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the writer's thread, in a transaction of its own, durable on return."""
        future: Future[T] = Future()
        with self._wake:
            if self._stopping or not self.worker.alive:
                raise StorageError("the journal is closed")
            self._calls.append((work, future))
            self._wake.notify_all()
        return future.result()

    def roll_up(self) -> int:
        """Recompute every dirty interval now; return how many quarter-hours were dirty."""
        total = 0
        while True:
            cleaned = self.call(lambda connection: self._roll(connection, _ROLL_SLICE * 16))
            total += cleaned
            if not cleaned:
                return total

    def recompute(self, point: int) -> Recomputed:
        """Compute a point's rollups anew from all its readings; return what was otherwise."""
        return self.call(lambda connection: self._roller.recompute(connection, point))

    def _roll(self, connection: sqlite3.Connection, limit: int, budget_s: float = 1e9) -> int:
        marks = self._roller.drain(connection, limit=limit, budget_s=budget_s)
        for mark in marks:
            self._committer.dirty.pop(mark, None)
        return len(marks)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # whoever waits for an answer gets one
            assert self._connection is not None
            self._recover(self._connection, error)
            self._refuse(error)
            while self._calls_in_hand:
                self._calls_in_hand.popleft()[1].set_exception(StorageError(self.failing))
            raise

    def _work(self) -> None:
        next_tick = next_roll = time.monotonic() + _TICK_S
        while True:
            with self._wake:
                if not (self._batches or self._calls or self._stopping):
                    self._wake.wait(max(0.0, min(next_tick, next_roll) - time.monotonic()))
                busy = self._take()
                self._calls_in_hand.extend(self._calls)
                self._calls.clear()
                stopping = self._stopping
            if busy:
                self._commit()
            called = bool(self._calls_in_hand)
            while self._calls_in_hand:
                self._transact(*self._calls_in_hand.popleft())
            if called:
                self._roller.ask_facts()
                assert self._connection is not None
                self._look_for_marks(self._connection)
            now = time.monotonic()
            if now >= next_tick and not busy:
                self._commit()
            if now >= next_tick:
                next_tick = now + _TICK_S
            if now >= next_roll:
                next_roll = self._roll_some()
            if stopping and not (self._batches or self._calls):
                self._finish()
                return

    def _roll_some(self) -> float:
        """Roll up what is recent, a backfill in slices; return when to go on."""
        began_s = time.monotonic()
        if self._committer.dirty:
            self._quietly(partial(self._roll, limit=_ROLL_SLICE, budget_s=_ROLL_BUDGET_S))
        now_s, busy = time.monotonic(), self.taken - self._taken_before > _ROLL_BUSY
        self._taken_before = self.taken
        pause_s = min(_ROLL_PAUSE * (now_s - began_s), _ROLL_PAUSE_S) if busy else 0.0
        return now_s + max(_ROLL_S, pause_s)

    def _look_for_marks(self, connection: sqlite3.Connection) -> None:
        """See what a call has marked to be computed again."""
        dirty, execute = self._committer.dirty, connection.execute
        with contextlib.suppress(sqlite3.Error):
            if execute("SELECT count(*) FROM rollup_dirty").fetchone()[0] == len(dirty):
                return  # they mirror each other, as long as nobody has marked
            for point, start, since in execute("SELECT point, start_ms, from_ms FROM rollup_dirty"):
                dirty.setdefault((point, start), since)

    def _finish(self) -> None:
        work = partial(self._roll, limit=_ROLL_SLICE * 16)
        while self._committer.dirty and self._quietly(work):
            pass
        self._quietly(partial(self._committer.flush, now_ms=self._clock.now_ms()))

    def _take(self) -> bool:
        """Take waiting batches in hand, as many as one commit bears; return whether there were."""
        size = 0
        while self._batches and size < self._group_limit:
            batch = self._batches.popleft()
            self._batches_in_hand.append(batch)
            size += len(batch[0])
        self._waiting -= size
        self._wake.notify_all()
        return bool(self._batches_in_hand)

    def _commit(self) -> None:
        connection = self._connection
        assert connection is not None
        results: list[Stored] = []
        try:
            now_ms = self._clock.now_ms()
            self._begin(connection)
            for arrivals, _ in self._batches_in_hand:
                results.append(self._committer.write(connection, arrivals, now_ms=now_ms))
            reach("journal.readings", when=any(s.readings for s in results))
            self._judge_batch(connection, results, now_ms=now_ms)
            reach("journal.judged", when=any(s.readings for s in results))
            connection.execute("COMMIT")
            reach("journal.committed", when=any(s.readings for s in results))
        except Exception as error:
            self._recover(connection, error)
            self._refuse(error)
            return
        self.failing = ""
        if results:
            self.last_commit_ms = now_ms
        for stored in results:
            arrivals, done = self._batches_in_hand.popleft()
            self.taken += len(arrivals)
            done(stored, None)
        for stored in results:
            for listener in tuple(self._listeners):
                listener(stored)

    def _refuse(self, error: BaseException) -> None:
        while self._batches_in_hand:
            self._batches_in_hand.popleft()[1](None, StorageError(str(error)))

    def _begin(self, connection: sqlite3.Connection) -> None:
        if self._stale:  # memory holds what was rolled back: nothing is written before it is right
            self._committer.load(connection)
            if self._judging is not None:
                self._judging.judge.load(connection)
            self._stale = False
        connection.execute("BEGIN IMMEDIATE")
        if self.epoch:
            lease.check(connection, self.epoch)

    def lead(self, *, locked: bool) -> None:
        """Become the one who writes; a stale one is fenced off from now on. Raises LedError."""
        self.epoch = 0
        self.epoch = self.call(lambda connection: lease.take(connection, locked=locked))

    def resign(self) -> None:
        """Let the next one lead at once; a fenced one has nothing to let go of."""
        with contextlib.suppress(StorageError):
            self.call(lease.release)

    def _judge_batch(
        self, connection: sqlite3.Connection, results: Sequence[Stored], *, now_ms: int
    ) -> None:
        if self._judging is not None:
            readings = [reading for stored in results for reading in stored.readings]
            self._judging.batch(connection, readings, now_ms=now_ms)

    def _recover(self, connection: sqlite3.Connection, error: BaseException) -> None:
        self.failing = f"{type(error).__name__}: {error}"
        self._roller.forget()
        roll_back(connection)
        self._stale = True

    def _transact(self, work: Callable[[sqlite3.Connection], T], future: Future[T]) -> None:
        connection = self._connection
        assert connection is not None
        try:
            self._begin(connection)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException as error:
            roll_back(connection)
            self._roller.forget()
            future.set_exception(error)
        else:
            future.set_result(result)

    def _quietly(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        future: Future[object] = Future()
        self._transact(work, future)
        error = future.exception()
        if error is not None:
            self.failing = f"{type(error).__name__}: {error}"
        return error is None

    # -- reading ----------------------------------------------------------------------------

    def reader(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Lend a read-only connection; what it sees stands still while it is lent."""
        return self._readers.lend()

    def devices(self) -> list[Device]:
        """Return every device, heard or adopted."""
        with self.reader() as connection:
            return device_records.devices(connection)

    def points(self, device: int | None = None) -> list[Point]:
        """Return the points of one device, or all."""
        with self.reader() as connection:
            return device_records.points(connection, device)

    def latest(self, points: Iterable[int]) -> Mapping[int, Reading]:
        """Return the newest good reading of each point; a future instant never hides it."""
        wanted = set(points)
        with self.reader() as connection:
            rows = connection.execute("SELECT point, at_ms, value, quality FROM latest").fetchall()
        return {r[0]: Reading(r[0], r[1], r[2], quality_of(r[3])) for r in rows if r[0] in wanted}

    def history(
        self, point: int, *, start_ms: int, end_ms: int, limit: int = 10_000
    ) -> list[Reading]:
        """Return raw readings in [start_ms, end_ms) in time order, the newest `limit` of them."""
        with self.reader() as connection:
            rows = connection.execute(
                "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
                " AND at_ms < ? ORDER BY at_ms DESC, ordinal DESC LIMIT ?",
                (point, start_ms, end_ms, limit),
            ).fetchall()
        return [Reading(point, r[0], r[1], quality_of(r[2])) for r in reversed(rows)]

    def rollups(self, point: int, *, period: Period, start_ms: int, end_ms: int) -> list[Interval]:
        """Return the intervals that start in [start_ms, end_ms), late data included."""
        with self.reader() as connection:
            return rollup.load(connection, point, period, start_ms, end_ms)
