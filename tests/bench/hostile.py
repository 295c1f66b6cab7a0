"""One device with a valid login at its worst, beside a fridge that sends twenty times a second.

Prints for each attack the fridge's publish-to-queryable time before it and during it, and beside
it, in the same run, the floor: when a C `mosquitto_sub` that wants nothing but the fridge has the
same messages, which no ingest can beat. Then the memory of ingest before, halfway and after, and
whether everything the broker acknowledged is accounted for, reason by reason. Asserts nothing.
Run: python -m tests.bench.hostile [--seconds 20] [--broker nats|mosquitto] [--modes names ...]
     [--topics 100000] [--reasons] [--plain] [--out FILE]
With --plain a second run puts a C `mosquitto_sub -t '#'` in the place of ingest: what one
connection that takes everything, counts and stores nothing gets.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.choose import embedded_broker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from tests.bench.ingest import rss_mb, until
from tests.faults.accounts import Accounts, accounts
from tests.faults.hostile import MODES

RATE_HZ = {"large": 20, "keys": 20, "nested": 1_000, "topics": 300}
"""Messages a second of an attack; 10,000 where nothing is said."""
TOPIC = "caretaker/1/good/fridge/readings"
_VICTIM_HZ = 20.0
_LOGINS = tuple(Login(name, "secret") for name in ("caretaker", "fridge", "bad", "floor"))


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of one phase [ms]."""

    p50: float
    p99: float
    worst: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Times":
        """Return the percentiles of some times."""
        ordered = sorted(values) or [float("nan")]
        last = len(ordered) - 1
        return cls(
            p50=round(ordered[last // 2], 1),
            p99=round(ordered[min(last, int(len(ordered) * 0.99))], 1),
            worst=round(ordered[-1], 1),
            count=len(values),
        )

    def __str__(self) -> str:
        return f"{self.p50:6.1f} {self.p99:7.1f} {self.worst:7.1f}"


@dataclass(slots=True)
class Outcome:
    """What one attack did."""

    mode: str
    acknowledged: int
    accounted: int
    accounts: Accounts
    quiet: Times
    floor_quiet: Times
    attacked: Times
    floor: Times
    received: Times
    rss_before_mb: float
    rss_halfway_mb: float
    rss_after_mb: float
    cpu_us_per_message: float
    victim_missing: int
    plain: Times | None = None


class Victim:
    """A fridge that publishes on the beat, whether its last reading was seen or not."""

    def __init__(self, port: int) -> None:
        self.sent_s: dict[int, float] = {}
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        client.username_pw_set("fridge", "secret")
        client.connect("127.0.0.1", port)
        client.loop_start()
        self._client = client

    def send(self, seconds: float) -> range:
        """Publish for so long; return the numbers sent."""
        first = len(self.sent_s) + 1
        count = round(seconds * _VICTIM_HZ)
        began = time.monotonic()
        for number in range(first, first + count):
            ahead = (number - first) / _VICTIM_HZ - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
            body = json.dumps({"readings": {"co2_ppm": number}})
            self.sent_s[number] = time.time()
            self._client.publish(TOPIC, body, qos=1)
        return range(first, first + count)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


class Watch:
    """Looks each 2 ms at what of the fridge can be queried, as a page would."""

    def __init__(self, journal: Path) -> None:
        self.seen_s: dict[int, float] = {}
        self.received_s: dict[int, float] = {}
        self._journal = journal
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        store = sqlite3.connect(f"{self._journal.as_uri()}?mode=ro", uri=True, timeout=10)
        point, after = None, 0.0
        while not self._ended.wait(0.002):
            if point is None:
                point = store.execute(
                    "SELECT p.id FROM point AS p JOIN device AS d ON d.id = p.device"
                    " WHERE d.key = 'native:good/fridge'"
                ).fetchone()
                continue
            rows = store.execute(
                "SELECT value, at_ms FROM reading WHERE point = ? AND at_ms >= ?",
                (point[0], round(after * 1000) - 2_000),
            ).fetchall()
            now = time.time()
            for value, at_ms in rows:
                if int(value) not in self.seen_s:
                    self.seen_s[int(value)] = now
                    # It sends no time: the time of its reading is that of receipt.
                    self.received_s[int(value)] = at_ms / 1000
                    after = max(after, at_ms / 1000)
        store.close()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()


@contextmanager
def floor_of(port: int, out: Path, topic: str) -> Iterator[None]:
    """Let a C client note when it has each of the fridge's messages."""
    with out.open("wb") as file:
        peer = subprocess.Popen(
            ["mosquitto_sub", "-p", str(port), "-u", "floor", "-P", "secret", "-q", "1", "-i",
             "floor", "-c", "-t", topic, "-F", "%U %t %p"], stdout=file,
        )  # fmt: skip
        try:
            yield
        finally:
            peer.terminate()
            peer.wait()


def floor_times(out: Path) -> dict[int, float]:
    """Return when each number was there [s]."""
    found: dict[int, float] = {}
    for line in out.read_bytes().splitlines():
        at, _, rest = line.partition(b" ")
        topic, _, body = rest.partition(b" ")
        if topic.decode() == TOPIC:
            found.setdefault(json.loads(body)["readings"]["co2_ppm"], float(at))
    return found


def _since(sent: dict[int, float], seen: dict[int, float], numbers: range) -> Times:
    return Times.of([(seen[n] - sent[n]) * 1000 for n in numbers if n in seen])


def _attacker(port: int, mode: str, seconds: float, topics: int) -> "subprocess.Popen[str]":
    rate = RATE_HZ.get(mode, 10_000)
    count = topics if mode == "names" and topics else round(rate * seconds)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.hostile", str(port), "bad", "secret", mode,
         str(count), str(rate)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


def attack(kind: str, mode: str, seconds: float, folder: Path, topics: int) -> Outcome:
    """Run one attack on a fresh broker and journal."""
    broker = embedded_broker(kind, data_dir=folder / "b", port=free_port(), logins=_LOGINS)
    broker.start()
    journal = folder / "journal.sqlite3"
    port = broker.address("caretaker").port
    ingest = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.ingest_child", str(journal), str(port), "secret",
         "gate"]
    )  # fmt: skip
    seen = folder / "floor.txt"
    try:
        until(lambda: journal.exists() and journal.stat().st_size > 0)
        time.sleep(1.0)
        with floor_of(port, seen, TOPIC):
            time.sleep(0.3)
            victim, watch = Victim(port), Watch(journal)
            victim.send(0.5)  # nobody's first reading is judged
            time.sleep(0.5)
            quiet = victim.send(max(2.0, seconds / 3))
            rss_before = rss_mb(ingest.pid)
            cpu_before = _cpu_s(ingest.pid)
            attacker = _attacker(port, mode, seconds, topics)
            time.sleep(0.5)  # its start
            first_half = victim.send(seconds / 2)
            rss_halfway = rss_mb(ingest.pid)
            attacked = range(first_half.start, victim.send(seconds / 2).stop)
            acknowledged = int(attacker.communicate(timeout=300)[0])
            until(lambda: victim_newest(journal) >= len(victim.sent_s), within_s=60)
            settled = time.monotonic() + 60
            while (
                accounts(journal).messages < acknowledged + len(victim.sent_s)
                and time.monotonic() < settled
            ):
                time.sleep(0.2)
            cpu = _cpu_s(ingest.pid) - cpu_before
            rss_after = rss_mb(ingest.pid)
            time.sleep(0.1)
            watch.stop()
            victim.stop()
    finally:
        ingest.terminate()
        ingest.wait(60)
        broker.stop()
    floor = floor_times(seen)
    return Outcome(
        mode=mode,
        acknowledged=acknowledged,
        accounted=accounts(journal).messages - len(victim.sent_s),
        accounts=accounts(journal),
        quiet=_since(victim.sent_s, watch.seen_s, quiet),
        floor_quiet=_since(victim.sent_s, floor, quiet),
        attacked=_since(victim.sent_s, watch.seen_s, attacked),
        floor=_since(victim.sent_s, floor, attacked),
        received=_since(victim.sent_s, watch.received_s, attacked),
        rss_before_mb=round(rss_before),
        rss_halfway_mb=round(rss_halfway),
        rss_after_mb=round(rss_after),
        cpu_us_per_message=round(cpu / max(1, acknowledged) * 1e6, 1),
        victim_missing=len([n for n in victim.sent_s if n not in watch.seen_s]),
    )


def victim_newest(journal: Path) -> float:
    """Return the highest number of the fridge that can be queried."""
    store = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        row = store.execute(
            "SELECT max(r.value) FROM reading AS r JOIN point AS p ON p.id = r.point"
            " JOIN device AS d ON d.id = p.device WHERE d.key = 'native:good/fridge'"
        ).fetchone()
        return float(row[0] or 0)
    finally:
        store.close()


def plain(kind: str, mode: str, seconds: float, folder: Path, topics: int) -> Times:
    """Return what a C client gets that subscribes to everything and only counts."""
    broker = embedded_broker(kind, data_dir=folder / "b", port=free_port(), logins=_LOGINS)
    broker.start()
    port = broker.address("caretaker").port
    seen = folder / "plain.txt"
    try:
        with floor_of(port, seen, "#"):
            time.sleep(0.3)
            victim = Victim(port)
            attacker = _attacker(port, mode, seconds, topics)
            time.sleep(0.5)
            attacked = victim.send(seconds)
            attacker.communicate(timeout=300)
            time.sleep(1.0)
            victim.stop()
    finally:
        broker.stop()
    return _since(victim.sent_s, floor_times(seen), attacked)


def main() -> None:
    """Run every attack and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--topics", type=int, default=0, help="of the attack by names; 0: by time")
    options.add_argument("--broker", default="mosquitto")
    options.add_argument("--modes", nargs="*", default=list(MODES))
    options.add_argument("--reasons", action="store_true")
    options.add_argument("--plain", action="store_true")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    print(
        "p50, p99 and worst [ms] of the fridge; floor: a C client that wants only the fridge\n"
        f"{'attack':10} {'quiet':>22} {'floor, quiet':>22} {'attacked':>22} {'floor':>22}"
        f" {'received':>22} {'acked':>8} {'accounted':>9} {'RSS, MB':>15}"
        f" {'us/msg':>6} {'missing':>7}"
    )
    rows = []
    for mode in given.modes:
        with tempfile.TemporaryDirectory() as folder:
            found = attack(given.broker, mode, given.seconds, Path(folder), given.topics)
        print(
            f"{found.mode:10} {found.quiet} {found.floor_quiet} {found.attacked} {found.floor}"
            f" {found.received} {found.acknowledged:8} {found.accounted:9}"
            f" {found.rss_before_mb:5.0f}{found.rss_halfway_mb:5.0f}{found.rss_after_mb:5.0f}"
            f" {found.cpu_us_per_message:6.1f} {found.victim_missing:7}",
            flush=True,
        )
        if given.plain:
            with tempfile.TemporaryDirectory() as folder:
                found.plain = plain(given.broker, mode, given.seconds, Path(folder), given.topics)
            print(f"{'':10} a C client on '#' alone: {found.plain}", flush=True)
        if given.reasons:
            for reason, count in sorted(found.accounts.rows.items()):
                print(f"{'':12}{reason:24}{count:9}")
        rows.append(asdict(found))
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
