"""Sustained QoS 1 ingest to durable commit, beside mosquitto_sub that only counts.

Same broker, same publishers, same run, rounds in turn. Prints figures, asserts none.
Run: python -m tests.bench.ingest [--messages 20000] [--publishers 2] [--rounds 3] [--out FILE]
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.choose import embedded_broker
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.nats import NatsBroker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port

LOGINS = (Login("caretaker", "secret"), Login("bench", "secret"), Login("peer", "secret"))
AnyBroker = NatsBroker | MosquittoBroker


def publishers(
    port: int, tag: str, count: int, number: int, rate_hz: float = 0.0
) -> list[subprocess.Popen[bytes]]:
    """Start publisher processes that share `count` messages."""
    base = [sys.executable, "-m", "tests.bench.publishers", str(port), "bench", "secret"]
    return [
        subprocess.Popen([*base, f"{tag}/{n}", str(count // number), str(rate_hz / number)])
        for n in range(number)
    ]


def until(condition: Callable[[], bool], *, within_s: float = 300.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark did not come to its end")
        time.sleep(0.005)


def readings(journal: Path) -> int:
    """Return how many readings are durable."""
    if not journal.exists():
        return 0
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process [MB]."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def durable_round(broker: AnyBroker, journal: Path, tag: str, count: int, number: int) -> float:
    """Return messages a second from the first publish to the last durable commit."""
    before = readings(journal)
    began = time.monotonic()
    sending = publishers(broker.address("bench").port, tag, count, number)
    until(lambda: readings(journal) >= before + 2 * (count // number) * number)
    took = time.monotonic() - began
    for process in sending:
        process.wait()
    return count / took


def counting_round(port: int, tag: str, count: int, number: int) -> float:
    """Return messages a second that mosquitto_sub takes at QoS 1, storing nothing."""
    peer = subprocess.Popen(
        ["mosquitto_sub", "-p", str(port), "-u", "peer", "-P", "secret", "-q", "1", "-i", "peer",
         "-c", "-t", f"caretaker/1/{tag}/+/readings", "-C", str(count // number * number),
         "-F", "%m"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(0.5)  # its subscription; not part of the time measured
    began = time.monotonic()
    sending = publishers(port, tag, count, number)
    if peer.wait(300):
        raise RuntimeError("mosquitto_sub failed")
    took = time.monotonic() - began
    for process in sending:
        process.wait()
    return count / took


def latencies_ms(broker: AnyBroker, journal: Path, rate_hz: float, seconds: float) -> list[float]:
    """Return publish to queryable [ms] of a probe every 50 ms, under a steady load."""
    load = publishers(broker.address("bench").port, "load", int(rate_hz * seconds), 2, rate_hz)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set("bench", "secret")
    client.connect("127.0.0.1", broker.address("bench").port)
    client.loop_start()
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    found: list[float] = []
    time.sleep(1.0)  # the load is under way
    ends = time.monotonic() + seconds - 2
    number = 0
    while time.monotonic() < ends:
        number += 1
        body = json.dumps({"readings": {"battery_pct": number % 100, "co2_ppm": number}})
        sent = time.monotonic()
        client.publish("caretaker/1/bench/probe/readings", body, qos=1)
        until(lambda wanted=number: _probe(connection) >= wanted, within_s=30)  # type: ignore[misc]
        found.append((time.monotonic() - sent) * 1000)
        time.sleep(0.05)
    for process in load:
        process.wait()
    client.disconnect()
    client.loop_stop()
    connection.close()
    return found


def _probe(connection: sqlite3.Connection) -> float:
    row = connection.execute(
        "SELECT max(value) FROM reading JOIN point ON point.id = reading.point"
        " WHERE quantity = 'co2'"
    ).fetchone()
    return float(row[0] or 0)


def measure(kind: str, *, messages: int, number: int, rounds: int) -> dict[str, float | str]:
    """Measure one broker; every figure is of this run."""
    with tempfile.TemporaryDirectory() as folder:
        broker = embedded_broker(
            kind, data_dir=Path(folder) / "broker", port=free_port(), logins=LOGINS
        )
        broker.start()
        journal = Path(folder) / "journal.sqlite3"
        port = broker.address("caretaker").port
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.ingest_child", str(journal), str(port), "secret"]
        )
        try:
            until(journal.exists)
            durable_round(broker, journal, "warm", 1000, number)
            ours, theirs = [], []
            for turn in range(rounds):
                ours.append(durable_round(broker, journal, f"r{turn}", messages, number))
                theirs.append(counting_round(port, f"p{turn}", messages, number))
            rate = statistics.median(ours)
            probes = sorted(latencies_ms(broker, journal, rate / 2, 12.0))
            memory = rss_mb(child.pid)
        finally:
            child.terminate()
            child.wait(60)
            broker.stop()
        stored = readings(journal)
        return {
            "broker": kind,
            "messages_per_s": round(rate),
            "readings_per_s": round(rate * 2),
            "mosquitto_sub_per_s": round(statistics.median(theirs)),
            "ratio": round(rate / statistics.median(theirs), 3),
            "p50_ms": round(probes[len(probes) // 2], 1),
            "p99_ms": round(probes[int(len(probes) * 0.99)], 1),
            "rss_mb": round(memory, 1),
            "bytes_per_reading": round(journal.stat().st_size / stored, 1),
        }


def main() -> None:
    """Measure both brokers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--publishers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [
        measure(
            kind,
            messages=options.messages,
            number=options.publishers,
            rounds=options.rounds,
        )
        for kind in options.broker or ["mosquitto", "nats"]
    ]
    for name in rows[0]:
        print(f"{name:22}" + "".join(f"{row[name]!s:>14}" for row in rows))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
