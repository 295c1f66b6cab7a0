"""A whole Caretaker for the ingest bench: rules, roll-ups, KPIs, page, gate, all of it on.

The devices of the messages to come are adopted first, as those of a school are. Each line on its
standard input is answered with what is acknowledged, stored and refused until then.
Run: python -m tests.bench.ingest_child FOLDER PORT MESSAGES RECEIVER PASSWORD
"""

import json
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.app import JOURNAL, App
from caretaker.clock import SystemClock
from caretaker.config import ApiSettings, BrokerSettings, SiteSettings, WatchdogSettings
from caretaker.secrets import load_or_create
from ingest.broker.supervise import free_port
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage import dialect
from storage.journal import Journal
from storage.port import Stored
from tests.bench.publishers import read

_CHUNK = 300


def adopt(folder: Path, sent: Sequence[tuple[str, bytes]], clock: SystemClock) -> int:
    """Let the journal hear every device once and adopt it; return how many there are."""
    journal = Journal(
        folder / JOURNAL, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=clock
    )
    journal.open()
    decoder = Decoder(load_drivers(), clock=clock)
    decoder.remember(journal.call(dialect.load))
    first = {(topic, len(payload)): payload for topic, payload in reversed(sent)}
    messages = [Message(topic, body, clock.now_ms()) for (topic, _), body in first.items()]
    for at in range(0, len(messages), _CHUNK):
        journal.append([a for m in messages[at : at + _CHUNK] for a in decoder.decode(m)])
        journal.call(lambda connection: _adopt_all(connection, decoder))
        journal.call(journal._committer.load)
    known = len(journal.devices())
    journal.close()
    return known


def _adopt_all(connection: sqlite3.Connection, decoder: Decoder) -> None:
    for number, key in connection.execute(
        "SELECT id, key FROM device WHERE status = 'heard'"
    ).fetchall():
        rows = connection.execute(
            "SELECT quantity, channel FROM point WHERE device = ?", (number,)
        ).fetchall()
        like = decoder.suggest(key, {q for q, _ in rows}, {c for _, c in rows})
        connection.execute(
            "UPDATE device SET status = 'adopted', role = ?, interval_s = 300 WHERE id = ?",
            (like.role.value, number),
        )


def main(path: str, port: str, messages: str, receiver: str, password: str) -> None:
    """Run until standard input ends."""
    folder, clock = Path(path), SystemClock()
    devices = adopt(folder, read(Path(messages)), clock)
    settings = SiteSettings(
        id="bench",
        broker=BrokerSettings(
            url=f"mqtt://caretaker:{password}@127.0.0.1:{port}", receiver=receiver
        ),
        api=ApiSettings(port=free_port()),
        channels=(),
        watchdog=WatchdogSettings(canary=False),
    )
    app = App(settings, data_dir=folder, clock=clock, secrets=load_or_create(folder))
    app.start()
    assert app.transport is not None
    assert app.ingest is not None
    acknowledge, safe = app.transport.acknowledge, 0

    def counted(done: Sequence[Message]) -> None:
        nonlocal safe
        acknowledge(done)
        safe += len(done)

    commits = 0

    def committed(_: Stored) -> None:
        nonlocal commits
        commits += 1

    app.journal.subscribe(committed)
    app.transport.acknowledge = counted  # type: ignore[method-assign,assignment]
    for _ in sys.stdin:
        answer = {
            "devices": devices,
            "connected": app.transport.connected,
            "acknowledged": safe,
            "failing": app.ingest.failing,
            "commits": commits,
            "behind": len(app.journal._committer.dirty),
            "kpi_runs": app.kpis.runs if app.kpis is not None else 0,
            **app.ingest.counters,
            "refused": dict(app.ingest.rejected),
        }
        print(json.dumps(answer), flush=True)
    app.stop()


if __name__ == "__main__":
    main(*sys.argv[1:6])
