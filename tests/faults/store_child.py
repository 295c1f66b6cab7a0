"""Caretaker's journal with its copy in InfluxDB, as a process that may be killed at any moment.

Run with one JSON argument. It numbers its readings; a line `a N MS` says that everything below N
is acknowledged, and how long the append took; a line `s {...}` says how the copy is. `stop` on
stdin ends the readings, `quit` ends all.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from caretaker.clock import SystemClock
from caretaker.config import InfluxSettings
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage.influx.projection import Projection
from storage.influx.server import Server, Tokens
from storage.journal import Journal

_TICK_S = 0.05


_SAYING = threading.Lock()


def say(text: str) -> None:
    with _SAYING:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def rss_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def feed(journal: Journal, asked: dict[str, Any], stop: threading.Event) -> None:
    """Append readings at a steady rate; reading n is a pure function of n."""
    number, due = int(asked["first"]), time.monotonic()
    size = max(1, round(asked["rate"] * _TICK_S))
    while not stop.is_set():
        arrivals = [reading(asked, n) for n in range(number, number + size)]
        begun = time.monotonic()
        journal.append(arrivals)
        number += size
        say(f"a {number} {(time.monotonic() - begun) * 1_000:.2f}")
        due += _TICK_S
        stop.wait(max(0.0, due - time.monotonic()))


def reading(asked: dict[str, Any], number: int) -> Arrival:
    measured = Measured("", "power", asked["base_ms"] + number, float(number))
    device = f"native:s/m{number % asked['points']}"
    return Arrival("t", b"x", asked["base_ms"], device, "native", (measured,))


def main() -> None:
    asked = json.loads(sys.argv[1])
    clock = SystemClock()
    path = Path(asked["data"]) / "j.sqlite3"
    journal = Journal(path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=clock)
    journal.open()
    settings = InfluxSettings(
        url=asked["url"], version=asked["version"], bucket=asked["bucket"], org="school"
    )
    server = Server(
        settings,
        Tokens(asked["token"], asked["token"]),
        timeout_s=asked.get("timeout_s", 15.0),
        deadline_s=asked.get("deadline_s", 60.0),
    )
    projection = Projection(
        journal,
        server,
        site="s",
        feeds=(),
        clock=clock,
        pause=lambda attempt: min(1.0, 0.05 * 2.0**attempt),
    )
    projection.prepare()
    projection.start()
    stop, quit_ = threading.Event(), threading.Event()
    feeder = threading.Thread(target=feed, args=(journal, asked, stop), daemon=True)
    feeder.start()

    def listen() -> None:
        for line in sys.stdin:
            stop.set()
            if line.strip() == "quit":
                break
        quit_.set()

    threading.Thread(target=listen, daemon=True).start()
    while not quit_.wait(0.2):
        found = projection.status()
        wal = path.with_name(path.name + "-wal")
        say(
            "s "
            + json.dumps(
                {
                    "emitted": found.emitted,
                    "received": found.received,
                    "lag_s": found.lag_s,
                    "failing": found.failing,
                    "rejected": sum(found.rejected.values()),
                    "resent_hours": found.resent_hours,
                    "to_send": found.stretches_to_send,
                    "to_check": found.stretches_to_check,
                    "rss_mb": rss_mb(),
                    "wal_mb": wal.stat().st_size / 1e6 if wal.exists() else 0.0,
                    "at_s": time.time(),
                }
            )
        )
    stop.set()
    feeder.join()
    projection.stop()
    journal.close()


if __name__ == "__main__":
    main()
