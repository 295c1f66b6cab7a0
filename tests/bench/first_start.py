"""What a newcomer waits for: the demo's first start, what it stores, and every rule rehearsed.

Run: python -m tests.bench.first_start [--days 90] [--data DIR]. It starts `caretaker demo` on an
empty directory and tells, in CPU seconds of that process and in seconds of the clock, when the
page answered, when the school was alive, and when KPIs stood; then memory, bytes a reading, and
`caretaker rehearse` of each rule with the start of its process. CPU is what counts on a busy
machine; each goal stands beside its figure.
"""

import argparse
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from alerting.rules import standard_rules
from ingest.broker.supervise import free_port
from simulators.site import demo_site

TICKS = os.sysconf("SC_CLK_TCK")
REHEARSE_S = 5.0


class Started:
    """The demo as a process; CPU and memory are its own, without the broker's."""

    def __init__(self, data: Path, days: int) -> None:
        self.port = free_port()
        self.data = data
        self.begun_s = time.monotonic()
        self.output = data.parent / "demo-output"
        command = [sys.executable, "-m", "caretaker", "demo", "--data", str(data)]
        command += ["--days", str(days), "--port", str(self.port)]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").split()
        return (int(fields[13]) + int(fields[14])) / TICKS

    def rss_mb(self) -> float:
        for line in (
            Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").split("\n")
        ):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def until(self, reached: Callable[[], bool], what: str, goal: str) -> None:
        """Wait until something is so, and print what it took."""
        while not reached():
            assert self.process.poll() is None, self.output.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.05)
        wall_s = time.monotonic() - self.begun_s
        print(f"{what:44} {self.cpu_s():6.1f} s CPU {wall_s:6.1f} s   {goal}", flush=True)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def alive(self) -> bool:
        return "Ctrl-C stops it" in self.output.read_text(encoding="utf-8")

    def kpis(self) -> bool:
        return bool(ask(self.data, "SELECT count(*) FROM setting WHERE key = 'kpi.settled_ms'"))

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def ask(data: Path, sql: str) -> int:
    """Return the one number that a question to the journal gives."""
    path = (data / "journal.sqlite3").absolute().as_uri()
    connection = sqlite3.connect(f"{path}?mode=ro", uri=True)
    try:
        return int(connection.execute(sql).fetchone()[0])
    finally:
        connection.close()


def sizes(data: Path) -> None:
    """Print what a reading takes on disk, by table."""
    readings = ask(data, "SELECT count(*) FROM reading")
    whole = (data / "journal.sqlite3").stat().st_size
    print(
        f"\n{readings:,} readings, {whole / readings:.1f} bytes a reading (mark 40, goal 12); of it"
    )
    connection = sqlite3.connect(data / "journal.sqlite3")
    for name, size in connection.execute(
        "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 8"
    ):
        print(f"  {name:32} {size / readings:6.1f}")
    connection.close()


def rehearse_all(data: Path, days: int) -> None:
    """Print what it takes to rehearse each rule, the start of the process included."""
    print(f"\nrehearsal of {days} days, CPU with the start of the process (goal {REHEARSE_S:g} s)")
    for rule in standard_rules(demo_site()):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "caretaker", "rehearse", rule.name]
        said = subprocess.run(
            [*command, "--days", str(days), "--data", str(data)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        late = "" if cpu_s < REHEARSE_S else "  OVER"
        print(f"  {rule.name:24} {cpu_s:5.2f} s{late}  {said[0].partition(': ')[2]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--data", type=Path, help="an empty directory; a temporary one by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = given.data or Path(scratch) / "demo"
        data.parent.mkdir(parents=True, exist_ok=True)
        demo = Started(data, given.days)
        try:
            demo.until(demo.answers, "the page answers", "goal 3 s")
            demo.until(demo.alive, f"alive with {given.days} days", "goal 35 s CPU")
            demo.until(demo.kpis, "KPIs stand", "")
            print(f"{'resident memory':44} {demo.rss_mb():6.0f} MB        goal 120 MB")
        finally:
            demo.end()
        sizes(data)
        rehearse_all(data, given.days)


if __name__ == "__main__":
    main()
