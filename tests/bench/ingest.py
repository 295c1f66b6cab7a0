"""Sustained QoS 1 ingest to durable commit, beside mosquitto_sub that only counts.

The whole of Caretaker runs: rules, roll-ups, KPIs, page, gate. Both sides get the same messages
from the same publishers, each from a broker of its own of the same kind, in turns of one run. A
turn ends when every message is acknowledged, which is after its commit. Beside the rates stand
the CPU times per message of ingest, broker and peer: on a shared machine they say more. Prints
figures, asserts none.

Sustained means: before the first turn that counts every device has sent, and the first KPI run,
which takes the whole past, is over. From then on everything comes due in its own rhythm. What is
put off is printed too: quarter-hours not rolled up yet at the end of a turn (`behind`), and the
CPU time that working it off takes until the process ends (`after_cpu_s`).

Run: python -m tests.bench.ingest [--corpus] [--messages 20000] [--rounds 3] [--broker mosquitto]
     [--receiver gathered] [--out FILE]
"""

import argparse
import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from caretaker.app import JOURNAL
from ingest.broker.choose import embedded_broker
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.nats import NatsBroker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from ingest.transport.choose import RECEIVERS
from tests.bench import publishers, traffic
from tests.bench.traffic import Sent

PASSWORD = secrets.token_urlsafe(16)
LOGINS = (Login("caretaker", PASSWORD), Login("bench", "secret"), Login("peer", "secret"))
AnyBroker = NatsBroker | MosquittoBroker
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 120.0


def until(condition: Callable[[], bool], *, within_s: float = 300.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark did not come to its end")
        time.sleep(0.005)


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process [MB]."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(pid: int) -> float:
    """Return the CPU time a process has used [s]."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICKS


class Child:
    """The Caretaker under test, asked for its counters."""

    def __init__(self, folder: Path, port: int, sent: Sequence[Sent], receiver: str) -> None:
        file = folder / "all"
        publishers.write(file, sent)
        command = [sys.executable, "-m", "tests.bench.ingest_child"]
        self.process = subprocess.Popen(
            [*command, str(folder), str(port), str(file), receiver, PASSWORD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self) -> dict[str, Any]:
        """Return its counters of now."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith(b'{"devices"'):
            if not line:
                raise RuntimeError("the ingest process ended")
        return dict(json.loads(line))

    def stop(self) -> float:
        """Let it end by itself; return the CPU time that took, with what was put off [s]."""
        assert self.process.stdin is not None
        spent = cpu_s(self.process.pid)
        self.process.stdin.close()
        return finish([self.process]) - spent


@contextmanager
def broker_of(kind: str, folder: Path) -> Iterator[AnyBroker]:
    """Run a broker of its own."""
    made = embedded_broker(kind, data_dir=folder, port=free_port(), logins=LOGINS)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def durable_turn(
    child: Child, broker: AnyBroker, sent: Sequence[Sent], number: int, folder: Path
) -> dict[str, float]:
    """Return the rate from the first publish to the last acknowledgement, and CPU times [us]."""
    sending = publishers.start(broker.address("bench").port, sent, number, folder)
    before = child.ask()
    used, spent = cpu_s(child.process.pid), cpu_s(broker.pid)
    began = time.monotonic()
    publishers.go(sending)
    now = before
    while now["acknowledged"] - before["acknowledged"] < len(sent):
        if time.monotonic() - began > _PATIENCE_S:
            raise TimeoutError(missing(before, now, sent, sending))
        time.sleep(0.02)
        now = child.ask()
    took = time.monotonic() - began
    us = 1e6 / len(sent)
    found = {
        "rate": len(sent) / took,
        "ingest_us": (cpu_s(child.process.pid) - used) * us,
        "broker_us": (cpu_s(broker.pid) - spent) * us,
        "behind": now["behind"],
        "per_commit": len(sent) / max(1, now["commits"] - before["commits"]),
        "readings": (now["stored"] - before.get("stored", 0)) / len(sent),
    }
    found["publisher_us"] = finish(sending) * us
    return found


def missing(
    before: dict[str, Any], now: dict[str, Any], sent: Sequence[Sent], sending: Sequence[Any]
) -> str:
    """Say what did not come to its end."""
    done = {
        name: now.get(name, 0) - before.get(name, 0)
        for name in ("received", "acknowledged", "stored", "duplicates")
    }
    still = sum(process.poll() is None for process in sending)
    return (
        f"of {len(sent)} messages sent {done['received']} were received and"
        f" {done['acknowledged']} acknowledged; {done['stored']} readings stored,"
        f" {done['duplicates']} absorbed, refused: {now['refused']};"
        f" publishers still at work: {still}; connected: {now['connected']},"
        f" failing: {now['failing'] or 'nothing'}"
    )


def finish(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Wait for processes and return their CPU time [s], from their start on."""
    total = 0.0
    for process in processes:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        total += usage.ru_utime + usage.ru_stime
    return total


def counting_turn(
    broker: AnyBroker, sent: Sequence[Sent], number: int, folder: Path
) -> dict[str, float]:
    """Return the rate at which mosquitto_sub takes the same messages at QoS 1, storing nothing."""
    port = broker.address("peer").port
    peer = subprocess.Popen(
        ["mosquitto_sub", "-p", str(port), "-u", "peer", "-P", "secret", "-q", "1", "-i", "peer",
         "-c", "-t", "#", "-C", str(len(sent)), "-F", "%m"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    sending = publishers.start(port, sent, number, folder)
    time.sleep(0.5)  # its subscription; not part of the time measured
    spent = cpu_s(broker.pid)
    began = time.monotonic()
    publishers.go(sending)
    deadline = began + _PATIENCE_S
    while True:
        done, _, usage = os.wait4(peer.pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            peer.kill()
            raise TimeoutError(f"mosquitto_sub did not count to {len(sent)}")
        time.sleep(0.002)
    took = time.monotonic() - began
    peer.returncode = 0
    us = 1e6 / len(sent)
    spent = cpu_s(broker.pid) - spent
    finish(sending)
    return {
        "rate": len(sent) / took,
        "peer_us": (usage.ru_utime + usage.ru_stime) * us,
        "broker_us": spent * us,
    }


def latencies_ms(
    broker: AnyBroker, journal: Path, sent: Sequence[Sent], rate_hz: float, folder: Path
) -> list[float]:
    """Return publish to queryable [ms] of a probe every 20 ms, under a steady load."""
    load = publishers.start(broker.address("bench").port, sent, 2, folder, rate_hz)
    probe = publishers.Probe(broker.address("bench").port)
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    point = 0
    found: list[float] = []
    publishers.go(load)
    time.sleep(1.0)  # the load is under way
    number = 0
    while _works(load[0]):
        number += 1
        begun = time.monotonic()
        probe.publish("caretaker/1/bench/probe/readings", b'{"readings":{"co2_ppm":%d}}' % number)
        while not point or _value(connection, point) < number:
            point = point or _point(connection)
            time.sleep(0.0005)
            if time.monotonic() - begun > 30:
                raise TimeoutError("a probe did not become queryable within 30 s")
        found.append((time.monotonic() - begun) * 1000)
        time.sleep(0.02)
    finish(load)
    probe.close()
    connection.close()
    return sorted(found[1:-5])  # its device was new, and in the end there is no load any more


def _works(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process still runs, and leave its end to `finish`."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _point(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "SELECT point.id FROM point JOIN device ON device.id = point.device"
        " WHERE device.key = 'native:bench/probe'"
    ).fetchone()
    return int(row[0]) if row else 0


def _value(connection: sqlite3.Connection, point: int) -> float:
    row = connection.execute("SELECT value FROM latest WHERE point = ?", (point,)).fetchone()
    return float(row[0]) if row else 0.0


def measure(
    kind: str, make: Callable[[int], list[Sent]], options: argparse.Namespace
) -> dict[str, float | str]:
    """Measure one broker; every figure is of this run."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with (
            broker_of(kind, folder / "ours") as broker,
            broker_of(kind, folder / "theirs") as other,
        ):
            port = broker.address("caretaker").port
            child = Child(folder, port, make(options.messages), options.receiver)
            try:
                until(lambda: bool(child.ask()["connected"]), within_s=120)
                warm = make(options.messages // 10)
                durable_turn(child, broker, warm, options.publishers, folder)
                until(lambda: child.ask()["kpi_runs"] > 0, within_s=120)
                ours, theirs = [], []
                for _ in range(options.rounds):
                    sent = make(options.messages)
                    ours.append(durable_turn(child, broker, sent, options.publishers, folder))
                    theirs.append(counting_turn(other, sent, options.publishers, folder))
                rate = median(ours, "rate")
                load = make(int(rate / 2 * options.seconds))
                probes = latencies_ms(broker, folder / JOURNAL, load, rate / 2, folder)
                memory, end = rss_mb(child.process.pid), child.ask()
            finally:
                afterwards = child.stop()
        size = (folder / JOURNAL).stat().st_size
    spread = sorted(one["rate"] / other["rate"] for one, other in zip(ours, theirs, strict=True))
    return {
        "broker": kind,
        "devices": end["devices"],
        "readings_per_message": round(median(ours, "readings"), 2),
        "messages_per_s": round(rate),
        "mosquitto_sub_per_s": round(median(theirs, "rate")),
        "ratio": round(statistics.median(spread), 2),
        "ratio_low": round(spread[0], 2),
        "ratio_high": round(spread[-1], 2),
        "ingest_cpu_us": round(median(ours, "ingest_us"), 1),
        "its_broker_cpu_us": round(median(ours, "broker_us"), 1),
        "peer_cpu_us": round(median(theirs, "peer_us"), 1),
        "peer_broker_cpu_us": round(median(theirs, "broker_us"), 1),
        "messages_per_commit": round(median(ours, "per_commit")),
        "behind": round(median(ours, "behind")),
        "after_cpu_s": round(afterwards, 2),
        "publisher_cpu_us": round(median(ours, "publisher_us"), 1),
        "probes": len(probes),
        "p50_ms": round(probes[len(probes) // 2], 1),
        "p99_ms": round(probes[int(len(probes) * 0.99)], 1),
        "rss_mb": round(memory, 1),
        "duplicates": end["duplicates"],
        "refusals": sum(end["refused"].values()),
        "bytes_per_reading": round(size / max(1, end["stored"]), 1),
    }


def median(turns: Sequence[dict[str, float]], name: str) -> float:
    """Return the median of one figure of several turns."""
    return statistics.median(turn[name] for turn in turns)


def _make(corpus: bool, kind: str, count: int) -> list[Sent]:
    """Return messages of now, so that no turn repeats another's."""
    if corpus:
        return traffic.mixed(count, spaces=kind != "nats").sent
    return traffic.native(count, site="bench")


def main() -> None:
    """Measure the brokers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--publishers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the latency measurement")
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    parser.add_argument("--receiver", choices=sorted(RECEIVERS), default="gathered")
    parser.add_argument("--corpus", action="store_true", help="messages of ../shared/payloads")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    for kind in options.broker or ["mosquitto", "nats"]:
        if options.corpus:
            made = traffic.mixed(options.messages, spaces=kind != "nats")
            print(
                f"{kind}: {made.rows} messages of the corpus, left out:"
                f" {dict(made.left_out) or 'none'}; {made.retimed} of {len(made.sent)} sent hold"
                " times, which are moved to now"
            )
        rows.append(measure(kind, partial(_make, options.corpus, kind), options))
    for name in rows[0]:
        print(f"{name:22}" + "".join(f"{row[name]!s:>14}" for row in rows))
    print(f"cores: {os.cpu_count()}, load: {os.getloadavg()[0]:.1f}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
