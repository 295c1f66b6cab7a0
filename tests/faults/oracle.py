"""A publisher that keeps its own account of what the broker promised to keep."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.port import Address


def until(condition: Callable[[], object], *, within_s: float) -> float:
    """Wait for a condition and return how long it took [s]; fail when it does not come."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"it did not happen within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


class Oracle:
    """Publishes numbered readings with QoS 1 in a thread; `promised` are those with a PUBACK."""

    def __init__(self, address: Address, *, device: str = "oracle", rate_hz: float = 400) -> None:
        self.promised: set[int] = set()
        self._topic = f"caretaker/1/test/{device}/readings"
        self._address = address
        self._pause_s = 1 / rate_hz
        self._pending: dict[int, int] = {}
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._next = 0
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=device,
            protocol=mqtt.MQTTv311,
            clean_session=False,
        )
        client.username_pw_set(address.username, address.password)
        client.reconnect_delay_set(1, 1)
        client.on_publish = self._on_publish
        self._client = client
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._client.connect(self._address.host, self._address.port)
        self._client.loop_start()
        self._thread.start()

    def _on_publish(self, _c: object, _u: object, mid: int, _r: object, _p: object) -> None:
        with self._lock:
            number = self._pending.pop(mid, None)
            if number is None:
                self._early.add(mid)
            else:
                self.promised.add(number)

    def _run(self) -> None:
        start_ms = int(time.time() * 1000)
        while not self._stopping.wait(self._pause_s):
            if len(self._pending) > 200 or not self._client.is_connected():
                continue
            number = self._next
            body = {
                "at": start_ms + number,
                "boot": "o1",
                "seq": number,
                "readings": {"power_w": number},
            }
            # Not under our lock: the client holds its own while it tells of an acknowledgement.
            info = self._client.publish(self._topic, json.dumps(body), qos=1)
            with self._lock:
                self._next = number + 1
                if info.mid in self._early:
                    self._early.discard(info.mid)
                    self.promised.add(number)
                else:
                    self._pending[info.mid] = number

    def stop(self) -> None:
        """Stop publishing and wait until everything under way was acknowledged."""
        self._stopping.set()
        self._thread.join()
        until(lambda: not self._pending, within_s=30)
        self._client.disconnect()
        self._client.loop_stop()


def account(journal: Path, promised: set[int]) -> tuple[int, int, int]:
    """Return (stored, lost, doubled) of the numbered readings against what was promised."""
    connection = sqlite3.connect(journal)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    rows = [round(row[0] * 1000) for row in connection.execute("SELECT value FROM reading")]
    connection.close()
    return len(rows), len(promised - set(rows)), len(rows) - len(set(rows))


def stored(journal: Path) -> int:
    """Return how many readings are durable now."""
    if not journal.exists():
        return 0
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the table is not there yet
    finally:
        connection.close()


def all_there(journal: Path, promised: set[int]) -> bool:
    """Return whether every promised reading is durable now."""
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        rows = connection.execute("SELECT value FROM reading").fetchall()
    finally:
        connection.close()
    return promised <= {round(row[0] * 1000) for row in rows}
