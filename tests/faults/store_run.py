"""Caretaker's copying part as a process under a fault, and the figures of such a run."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caretaker.clock import HOUR_MS, SystemClock
from tests import stores

ROOT = Path(__file__).resolve().parents[2]
POINTS = 50
NO_READ_BACK = "victoria"
"""The version to set for a fake store: it takes lines and answers no query."""


@dataclass
class Outcome:
    """One fault's figures; `silent_loss` must be 0."""

    fault: str
    issued: int = 0
    stored: int = 0
    projected: int = 0
    set_aside: int = 0
    silent_loss: int = 0
    lag_max_s: float = 0.0
    lag_end_s: float = 0.0
    drain_ratio: float = 0.0
    """How fast the backlog was worked off, in live rates; 0: there was none to speak of."""
    recovery_s: float = 0.0
    append_p99_ms: float = 0.0
    rss_before_mb: float = 0.0
    rss_max_mb: float = 0.0
    wal_max_mb: float = 0.0
    said: str = ""


@dataclass
class Run:
    """A child under observation."""

    data: Path
    url: str
    version: str
    bucket: str = "faults"
    token: str = ""
    rate: int = 500
    timeout_s: float = 15.0
    deadline_s: float = 60.0
    base_ms: int = field(default_factory=lambda: (SystemClock().now_ms() // HOUR_MS - 8) * HOUR_MS)
    acked: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)
    appends: list[float] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        asked = {
            "data": str(self.data),
            "url": self.url,
            "version": self.version,
            "bucket": self.bucket,
            "token": self.token,
            "rate": self.rate,
            "first": self._first(),
            "base_ms": self.base_ms,
            "points": POINTS,
            "timeout_s": self.timeout_s,
            "deadline_s": self.deadline_s,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.store_child", json.dumps(asked)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.data / "log").open("ab"),
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _first(self) -> int:
        """Return the number after the last one stored, acknowledged or not."""
        if not (self.data / "j.sqlite3").exists():
            return 0
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            found = connection.execute("SELECT max(value) FROM reading").fetchone()[0]
        return 0 if found is None else int(found) + 1

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "a":
                number, _, took = rest.partition(" ")
                self.acked = int(number)
                self.appends.append(float(took))
            elif kind == "s":
                self.statuses.append(json.loads(rest))

    def until(self, wanted: Callable[[dict[str, Any]], bool], *, within_s: float = 60.0) -> float:
        """Wait for a status and return how long that took [s]."""
        begun = time.monotonic()
        seen = len(self.statuses)
        while True:
            fresh = self.statuses[seen:]
            if any(wanted(status) for status in fresh):
                return time.monotonic() - begun
            seen += len(fresh)
            assert time.monotonic() - begun < within_s, (
                f"not in time: {self.statuses[-1:]} {(self.data / 'log').read_text()[-800:]}"
            )
            time.sleep(0.05)

    def say(self, word: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def finish(self, *, within_s: float = 60.0) -> None:
        """Stop the readings, wait until the copy is whole and checked, end the child."""
        self.say("stop")
        time.sleep(0.2)
        self.until(whole, within_s=within_s)
        self.say("quit")
        assert self.process is not None
        assert self.process.wait(30) == 0
        self._reader.join()

    def in_journal(self) -> set[int]:
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            return {int(row[0]) for row in connection.execute("SELECT value FROM reading")}

    def aside(self) -> int:
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            found = connection.execute("SELECT sum(count) FROM projection_rejected").fetchone()[0]
        return int(found or 0)


def whole(status: dict[str, Any]) -> bool:
    """Return whether nothing is to be sent and nothing is wrong."""
    return (
        status["lag_s"] == 0
        and not status["to_send"]
        and (not status["failing"] or "set aside" in status["failing"])
    )


def checked(status: dict[str, Any]) -> bool:
    """Return whether the hours that ended are checked too."""
    return whole(status) and status["to_check"] <= 1


def measure(run: Run, fault: str, projected: set[int], **more: Any) -> Outcome:
    """Return the figures of a run that is over."""
    stored = run.in_journal()
    aside = run.aside()
    lost = {n for n in range(run.acked) if n not in stored} | {
        n for n in stored if n not in projected
    }
    appends = sorted(run.appends) or [0.0]
    rss = [status["rss_mb"] for status in run.statuses] or [0.0]
    more.setdefault("rss_before_mb", next((s["rss_mb"] for s in run.statuses if s["emitted"]), 0))
    return Outcome(
        fault,
        issued=run.acked,
        stored=len(stored),
        projected=len(projected),
        set_aside=aside,
        silent_loss=max(0, len(lost) - aside),
        lag_max_s=max(status["lag_s"] for status in run.statuses),
        lag_end_s=run.statuses[-1]["lag_s"],
        append_p99_ms=appends[int(len(appends) * 0.99)],
        rss_max_mb=max(rss),
        wal_max_mb=max(status["wal_mb"] for status in run.statuses),
        **more,
    )


def numbers_in(store: stores.Store, bucket: str) -> set[int]:
    """Return the numbers of the readings that a real store holds."""
    server = store.server(bucket=bucket)
    server.recognise()
    found = {
        int(row[1])
        for series in server.query('SELECT "value" FROM "power" WHERE "site" = \'s\'', raw=True)
        for row in series.rows
    }
    server.close()
    return found


def numbers_of(lines: set[str]) -> set[int]:
    """Return the numbers of the readings in lines."""
    return {int(float(line.split("value=")[1].split(",")[0])) for line in lines}
