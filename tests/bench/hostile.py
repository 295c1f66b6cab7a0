"""One device with a valid login at its worst, beside a fridge that sends ten times a second.

Prints for each attack: the fridge's publish-to-queryable time before and during it, the memory of
ingest, and whether everything the broker acknowledged was stored or counted. Asserts nothing.
Run: python -m tests.bench.hostile [--seconds 8] [--broker nats|mosquitto]
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.choose import embedded_broker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from tests.bench.ingest import rss_mb, until
from tests.faults.hostile import MODES

RATE_HZ = {"names": 10_000, "large": 20, "fast": 10_000, "nan": 10_000, "injection": 10_000}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack did."""

    mode: str
    acknowledged: int
    accounted: int
    quiet_ms: tuple[float, float]
    attacked_ms: tuple[float, float]
    rss_mb: float
    victim_missing: int


class Victim:
    """A fridge that publishes and looks when its reading can be queried."""

    def __init__(self, port: int, journal: Path) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        client.username_pw_set("fridge", "secret")
        client.connect("127.0.0.1", port)
        client.loop_start()
        self._client = client
        self._store = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
        self.sent = 0

    def times_ms(self, seconds: float) -> list[float]:
        """Return publish to queryable [ms] of ten readings a second."""
        found = []
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.sent += 1
            body = json.dumps({"readings": {"co2_ppm": self.sent}})
            began = time.monotonic()
            self._client.publish("caretaker/1/good/fridge/readings", body, qos=1)
            until(lambda wanted=self.sent: self._newest() >= wanted, within_s=60)  # type: ignore[misc]
            took = time.monotonic() - began
            found.append(took * 1000)
            time.sleep(max(0.0, 0.1 - took))
        return found

    def _newest(self) -> float:
        row = self._store.execute(
            "SELECT max(r.value) FROM reading AS r JOIN point AS p ON p.id = r.point"
            " JOIN device AS d ON d.id = p.device WHERE d.key = 'native:good/fridge'"
        ).fetchone()
        return float(row[0] or 0)

    def stop(self) -> None:
        """Disconnect."""
        self._client.loop_stop()
        self._client.disconnect()
        self._store.close()


def accounted(journal: Path) -> int:
    """Return how many of the attacker's messages are stored or counted in quarantine."""
    store = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        held = store.execute(
            "SELECT coalesce(sum(count), 0) FROM quarantine WHERE reason NOT IN ('too-many-points')"
        ).fetchone()[0]
        messages = store.execute(
            "SELECT coalesce(sum(messages), 0) FROM device WHERE key <> 'native:good/fridge'"
        ).fetchone()[0]
        return int(held) + int(messages)
    finally:
        store.close()


def attack(kind: str, mode: str, seconds: float, folder: Path) -> Outcome:
    """Run one attack on a fresh broker and journal."""
    logins = (Login("caretaker", "secret"), Login("fridge", "secret"), Login("bad", "secret"))
    broker = embedded_broker(kind, data_dir=folder / "b", port=free_port(), logins=logins)
    broker.start()
    journal = folder / "journal.sqlite3"
    port = broker.address("caretaker").port
    ingest = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.ingest_child",
            str(journal),
            str(port),
            "secret",
            "gate",
        ]
    )
    try:
        until(lambda: journal.exists() and journal.stat().st_size > 0)
        time.sleep(1.0)
        victim = Victim(port, journal)
        quiet = victim.times_ms(seconds / 2)
        rate = RATE_HZ[mode]
        count = round(rate * seconds)
        attacker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hostile", str(port), "bad", "secret", mode,
             str(count), str(rate)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        attacked = victim.times_ms(seconds)
        out, _ = attacker.communicate(timeout=180)
        acknowledged = int(out)
        settled = time.monotonic() + 60
        while accounted(journal) < acknowledged and time.monotonic() < settled:
            time.sleep(0.2)
        newest, rss = victim._newest(), rss_mb(ingest.pid)
        victim.stop()
    finally:
        ingest.terminate()
        ingest.wait(30)
        broker.stop()
    return Outcome(
        mode=mode,
        acknowledged=acknowledged,
        accounted=accounted(journal),
        quiet_ms=_p50_p99(quiet),
        attacked_ms=_p50_p99(attacked),
        rss_mb=rss,
        victim_missing=round(victim.sent - newest),
    )


def _p50_p99(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def main() -> None:
    """Run every attack and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--broker", default="mosquitto")
    options.add_argument("--modes", nargs="*", default=list(MODES))
    given = options.parse_args()
    print("attack      acked   accounted  quiet p50/p99 ms  attacked p50/p99 ms  RSS MB  missing")
    for mode in given.modes:
        with tempfile.TemporaryDirectory() as folder:
            found = attack(given.broker, mode, given.seconds, Path(folder))
        print(
            f"{found.mode:<10} {found.acknowledged:>7} {found.accounted:>10}"
            f"  {found.quiet_ms[0]:>7.1f} {found.quiet_ms[1]:>7.1f}"
            f"  {found.attacked_ms[0]:>8.1f} {found.attacked_ms[1]:>8.1f}"
            f"  {found.rss_mb:>8.0f} {found.victim_missing:>6}"
        )


if __name__ == "__main__":
    main()
