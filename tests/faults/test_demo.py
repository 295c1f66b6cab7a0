"""The demo as a person runs it: killed while it fills, killed while it lives, ended by Ctrl-C."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.broker.supervise import free_port
from tests.faults.oracle import stored, until

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(240)]


class Demo:
    """One data directory, started again and again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.journal = data / "journal.sqlite3"
        self.output = data.parent / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "caretaker", "demo", "--data", str(self.data)]
        command += ["--days", "6", "--speed", "60", "--port", str(free_port())]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def lives(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text(encoding="utf-8")[-2000:]
        return "Ctrl-C stops it" in self.output.read_text(encoding="utf-8")

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "data")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    pid_file = made.data / "broker" / "broker.pid"
    if pid_file.exists():  # a killed demo leaves its broker for the next start to end
        os.kill(int(pid_file.read_text(encoding="ascii")), signal.SIGKILL)


def test_killed_filling_killed_living_then_ended_cleanly(demo: Demo) -> None:
    demo.start()
    until(lambda: stored(demo.journal) > 5_000, within_s=60)
    demo.end(signal.SIGKILL)
    filled = stored(demo.journal)

    demo.start()  # goes on with filling
    until(demo.lives, within_s=90)
    before = stored(demo.journal)
    assert before >= filled
    until(lambda: stored(demo.journal) > before + 200, within_s=60)  # and lives
    time.sleep(0.2)
    demo.end(signal.SIGKILL)

    demo.start()
    until(demo.lives, within_s=90)
    again = stored(demo.journal)
    until(lambda: stored(demo.journal) > again + 200, within_s=60)
    assert demo.end(signal.SIGINT) == 0
    said = demo.output.read_text(encoding="utf-8")
    assert "nothing is lost" in said
    assert "clock stepped" not in said  # neither the handover nor the pace is a step
    assert not (demo.data / "running.json").exists()

    connection = sqlite3.connect(demo.journal)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    conflicts = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    falls = connection.execute("SELECT count(*) FROM rollup WHERE reason LIKE '%reset%'").fetchone()
    connection.close()
    assert conflicts == 0  # the campus repeated itself exactly
    assert falls[0] == 0
    assert json.loads((demo.data / "campus.json").read_text(encoding="utf-8"))["labels"]


def test_two_on_one_data_directory_are_refused(demo: Demo) -> None:
    demo.start()
    until(demo.lives, within_s=90)
    command = [sys.executable, "-m", "caretaker", "run", "--data", str(demo.data)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "another Caretaker" in second.stderr
    assert "Traceback" not in second.stderr
    assert demo.end(signal.SIGTERM) == 0
