"""Sends rows until each is stored, refused by name, or older than the store keeps."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from caretaker.clock import Clock
from storage.influx.answers import Action, Answer, Verdict, judge
from storage.influx.lines import PROBE_LINE, Row, body
from storage.influx.server import Server

MAX_ROWS = 5_000
_MIN_ROWS = 50
_MAX_WAIT_S = 60.0
_SETUP = "Make it, or let Caretaker: caretaker influx setup"


class StoppedError(Exception):
    """The projection is asked to stop; what was not delivered is taken again."""


class EmptiedError(Exception):
    """The bucket was not there and is made anew: what was sent before is gone."""


def backoff(attempt: int) -> float:
    """Return how long to wait before the next attempt [s]: doubling to a minute, with jitter."""
    return min(_MAX_WAIT_S, 0.5 * float(2 ** min(attempt, 10))) * random.uniform(0.8, 1.2)  # noqa: S311


@dataclass(slots=True)
class Figures:
    """What a delivery counted since it was made."""

    emitted: int = 0
    expired: int = 0
    requests: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Refused:
    """A row the store will never take, and why."""

    row: Row
    reason: str


class Delivery:
    """Delivers to one store. It never gives up, and waits only in the thread that calls it."""

    def __init__(
        self,
        server: Server,
        *,
        clock: Clock,
        stop: threading.Event,
        pause: Callable[[int], float] = backoff,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.figures = Figures()
        self.failing = ""
        self.remedy = ""
        self.raw_expired_ms = 0
        """Readings up to here were refused as older than the store keeps [ms UTC]."""
        self._server = server
        self._clock = clock
        self._stop = stop
        self._pause = pause
        self._max_rows = max_rows
        self._size = max_rows
        self._lately = 0
        self._ends_s: float | None = None

    def set_patience(self, patience_s: float | None) -> None:
        """Let `send` raise StoppedError once it has waited this long in all; None: never."""
        self._ends_s = None if patience_s is None else time.monotonic() + patience_s

    def send(self, rows: Sequence[Row]) -> list[Refused]:
        """Return the rows that were refused once every other one is stored.

        Raises StoppedError, and EmptiedError when the bucket had to be made.
        """
        refused = [Refused(row, row.refused) for row in rows if row.refused]
        for raw in (True, False):
            group = [row for row in rows if row.raw is raw and not row.refused]
            refused += self._send(group, raw=raw)
        for item in refused:
            self.figures.rejected[item.reason[:60]] += 1
        return refused

    def until_done(self, ask: Callable[[], Answer], *, what: str) -> None:
        """Ask again until the answer is 204. Raises StoppedError."""
        attempt = 0
        while True:
            verdict = judge(self._asked(ask), now_s=self._clock.now_ms() / 1_000)
            if verdict.action is Action.STORED:
                self.failing = self.remedy = ""
                return
            self._wait(verdict, attempt, prefix=f"{what}: ")
            attempt += 1

    def _send(self, rows: Sequence[Row], *, raw: bool) -> list[Refused]:
        waiting: deque[list[Row]] = deque(
            list(rows[n : n + self._size]) for n in range(0, len(rows), self._size)
        )
        refused: list[Refused] = []
        while waiting:
            chunk = waiting.popleft()
            verdict = self._attempt(chunk, raw=raw)
            if verdict.action is Action.STORED:
                self._count(len(chunk))
            elif verdict.action is Action.EXPIRED and self._alone(verdict, chunk):
                self.figures.expired += len(chunk)
                if raw:
                    newest = max(row.at_ms for row in chunk)
                    self.raw_expired_ms = max(self.raw_expired_ms, newest)
            elif verdict.action is not Action.WAIT and self._alone(verdict, chunk):
                if self._row_is_bad(verdict, raw=raw):
                    refused += [Refused(row, verdict.reason) for row in chunk]
                else:
                    waiting.appendleft(chunk)
            else:
                half = (len(chunk) + 1) // 2
                waiting.extendleft([part for part in (chunk[half:], chunk[:half]) if part])
                if verdict.action is Action.SPLIT:
                    self._size = max(1, half)
        return refused

    @staticmethod
    def _alone(verdict: Verdict, chunk: Sequence[Row]) -> bool:
        """Return whether the refusal is about every row of the chunk."""
        return len(chunk) == 1 or verdict.dropped == len(chunk)

    def _row_is_bad(self, verdict: Verdict, *, raw: bool) -> bool:
        """Tell a bad row from a store (or something before it) that refuses everything."""
        if verdict.action is Action.SPLIT:
            return True
        again = judge(self._asked(lambda: self._server.write(PROBE_LINE, raw=raw)))
        if again.action in {Action.STORED, Action.EXPIRED}:
            return True
        self._wait(
            Verdict(
                Action.ALARM,
                f"every line is refused: {verdict.reason}",
                "What answers at [influx] url takes no line at all; look at its own log.",
            ),
            4,
        )
        return False

    def _count(self, rows: int) -> None:
        self.figures.emitted += rows
        self.failing = self.remedy = ""
        self._lately += 1
        if self._lately >= 10 and self._size < self._max_rows:
            self._size, self._lately = min(self._max_rows, self._size * 2), 0

    def _attempt(self, chunk: list[Row], *, raw: bool) -> Verdict:
        """Return the first verdict that is about the rows; wait out every other."""
        content, attempt = body(chunk), 0
        while True:
            answer = self._asked(lambda: self._server.write(content, raw=raw))
            verdict = judge(answer, now_s=self._clock.now_ms() / 1_000)
            if verdict.action is Action.CREATE:
                verdict = self._create(raw=raw, reason=verdict.reason)
            if verdict.action not in {Action.WAIT, Action.ALARM}:
                return verdict
            self._wait(verdict, attempt)
            attempt += 1
            if not answer.status and "imeout" in answer.text and len(chunk) > _MIN_ROWS:
                # A store too slow for a large request may still bear a small one.
                self._size, self._lately = max(_MIN_ROWS, len(chunk) // 2), 0
                return Verdict(Action.WAIT, verdict.reason)

    def _create(self, *, raw: bool, reason: str) -> Verdict:
        bucket = self._server.bucket(raw=raw)
        days = self._server.buckets()[bucket]
        made = self._asked(lambda: self._server.create(bucket, days))
        if made.status == 204:
            raise EmptiedError(bucket)
        return Verdict(Action.ALARM, f"{reason}; could not be made: {made.text[:120]}", _SETUP)

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        if self._stop.is_set():
            raise StoppedError
        self.figures.requests += 1
        found = self._server.recognise()
        answer = ask() if found.status == 204 else found
        if self._stop.is_set() and answer.status == 0:
            raise StoppedError
        return answer

    def _wait(self, verdict: Verdict, attempt: int, *, prefix: str = "") -> None:
        self.failing, self.remedy = f"{prefix}{verdict.reason}", verdict.remedy
        wait_s = verdict.wait_s or self._pause(attempt)
        if self._ends_s is not None and time.monotonic() + wait_s > self._ends_s:
            raise StoppedError
        if self._stop.wait(wait_s):
            raise StoppedError
