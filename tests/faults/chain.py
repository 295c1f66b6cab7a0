"""A broker and a receiver around the chain's process: what they keep is the account (the oracle).

The broker keeps each message until it is acknowledged and sends it again after a restart; the
receiver keeps what it was told. Both live outside the process that is killed.
"""

import contextlib
import json
import multiprocessing
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from storage import audit
from tests.contract.channel_servers import HttpService
from tests.faults import chain_child
from tests.faults.school import MINUTE_MS, expected

_NUMBERED = 4
_PATIENCE_S = 60.0


class NoTracerError(Exception):
    """strace is not installed, or this machine lets nobody trace."""


def context() -> ForkServerContext:
    """Return where children come from that have everything imported already."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.faults.chain_child"])
    return found


class Chain:
    """One journal, and the lives of processes on it."""

    def __init__(self, folder: Path, *, template: Path | None = None) -> None:
        folder.mkdir(parents=True)
        self.journal = folder / "journal.sqlite3"
        if template is not None:
            shutil.copy(template, self.journal)
        self.hook = HttpService("ok")
        self.issued: dict[str, list[tuple[int, float]]] = {}
        self.promised: set[int] = set()
        """Numbers of the messages that were acknowledged."""
        self._sent: set[int] = set()
        self._messages = self._make()
        self._process: ForkServerProcess | None = None
        self._out: Connection | None = None
        self._acks: Connection | None = None
        self._holding = False

    def _make(self) -> list[tuple[str, bytes]]:
        """Two waves: numbered readings, and a fridge that got warm, as its gateway sends them."""
        now_ms = time.time_ns() // 1_000_000
        made: list[tuple[str, bytes]] = []
        for wave in range(chain_child.FRIDGES):
            for n in range(_NUMBERED):
                number = wave * _NUMBERED + n
                body = {"at": now_ms + number, "boot": "b", "seq": number}
                made.append(
                    ("caretaker/1/s/o/readings",
                     json.dumps(body | {"readings": {"power_w": number}}).encode())
                )  # fmt: skip
            parts = [(now_ms - m * MINUTE_MS, 4.0 if m > 10 else 14.0) for m in (20, 15, 10, 5, 0)]
            self.issued[f"f{wave}"] = parts
            batch = [{"at": at, "readings": {"air.temperature_c": value}} for at, value in parts]
            topic = f"caretaker/1/s/f{wave}/readings"
            made.append((topic, json.dumps({"batch": batch}).encode()))
        return made

    # -- lives ------------------------------------------------------------------------------

    def begin(self, *, hold: str = "") -> int:
        """Start a process; with `hold` it stands at that phase when this returns its pid."""
        make = context()
        theirs_in, self._out = make.Pipe(duplex=False)
        self._acks, theirs = make.Pipe()
        process = make.Process(
            target=chain_child.live,
            args=(str(self.journal), self.hook.port, hold, theirs_in, theirs),
            daemon=True,
        )
        process.start()
        theirs_in.close()
        theirs.close()
        self._process, self._holding = process, False
        if hold == "live":  # the other phases hold before or after messages are read
            self.hear()
        assert process.pid is not None
        return process.pid

    def go_on(self) -> None:
        """Let it go on from where it holds."""
        assert self._acks is not None
        self._holding = False
        self._acks.send(0)

    def feed(self, *, within_s: float = _PATIENCE_S) -> None:
        """Send what was not acknowledged, the second wave when the first one is, and say so."""
        per_wave = len(self._messages) // chain_child.FRIDGES
        for wave in range(chain_child.FRIDGES):
            numbers = range(wave * per_wave, (wave + 1) * per_wave)
            for number in numbers:
                if number not in self.promised:
                    topic, payload = self._messages[number]
                    self._send((number, topic, payload, number in self._sent))
                    self._sent.add(number)
            if not self.hear(partial(self.promised.issuperset, numbers), within_s=within_s):
                return
        self.finish()

    def finish(self) -> None:
        """Say that there is no more."""
        self._send(None)

    def _send(self, item: object) -> None:
        assert self._out is not None
        with contextlib.suppress(OSError):  # it is dead: it will be sent again
            self._out.send(item)

    def hear(
        self, enough: Callable[[], bool] | None = None, *, within_s: float = _PATIENCE_S
    ) -> bool:
        """Take acknowledgements until there are enough, or it holds; False when it is no more."""
        assert self._acks is not None
        deadline = time.monotonic() + within_s
        while (not self._holding) if enough is None else not enough():
            try:
                if self._acks.poll(0.02):
                    number = self._acks.recv()
                    if number == chain_child.HOLD:
                        self._holding = True
                    else:
                        self.promised.add(number)
                elif not self.alive:
                    return False
            except (EOFError, OSError):
                return False
            if time.monotonic() > deadline:
                return False
        return True

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def end(self, *, within_s: float = _PATIENCE_S) -> int | None:
        """Wait for the process's end and return its exit code; None when it must be killed."""
        process = self._process
        assert process is not None
        deadline = time.monotonic() + within_s
        while process.is_alive() and time.monotonic() < deadline:
            self.hear(within_s=0.05)
        code = process.exitcode
        if code is None:
            process.kill()
        process.join(10)
        while self.hear(within_s=0.0):
            pass
        for connection in (self._out, self._acks):
            assert connection is not None
            connection.close()
        self._process = None
        return code

    def stop(self) -> None:
        """End what still runs."""
        if self._process is not None:
            self.end(within_s=0.0)
        self.hook.stop()

    # -- the account ------------------------------------------------------------------------

    def told(self) -> dict[str, list[str]]:
        """Return the keys of the alerts by fridge: one that comes twice has the same key."""
        found: dict[str, list[str]] = {}
        for _, headers, body in tuple(self.hook.got):
            if len(body) < int(headers["Content-Length"]):
                continue  # cut off in the middle: nobody was told by that
            message = json.loads(body)
            if message["kind"] in {"opened", "escalated"}:
                name = message["title"].partition("温度")[0].rpartition("：")[2]
                found.setdefault(name, []).append(message["key"])
        return found

    def wanted(self) -> list[str]:
        """Return the fridges that the rule-book says people must hear of."""
        return [name for name, readings in self.issued.items() if expected(readings)]

    def problems(self) -> list[str]:
        """Return what does not hold of the journal (I1, I2, I3, I9); nothing runs on it now."""
        connection = sqlite3.connect(self.journal)
        try:
            rows = connection.execute(
                "SELECT d.key, r.at_ms, r.value FROM reading AS r JOIN point AS p ON p.id = r.point"
                " JOIN device AS d ON d.id = p.device"
            ).fetchall()
            intact = connection.execute("PRAGMA integrity_check").fetchone()[0]
            broken = audit.verify(connection)
        finally:
            connection.close()
        found = [f"integrity: {intact}"] if intact != "ok" else []
        found += [f"audit row {broken}"] if broken else []
        stored = Counter((key.rpartition("/")[2], at, value) for key, at, value in rows)
        issued: set[tuple[str, int, float]] = set()
        for number, (topic, payload) in enumerate(self._messages):
            name, body = topic.split("/")[3], json.loads(payload)
            watts = 1000 if name == "o" else 1  # power is kept in kW
            parts = {
                (name, part["at"], next(iter(part["readings"].values())) / watts)
                for part in body.get("batch", [body])
            }
            issued |= parts
            lost = parts - set(stored)
            if number in self.promised and lost:
                found.append(f"promised and lost: {sorted(lost)}")
        found += [f"never issued: {row}" for row in stored if row not in issued]
        found += [f"stored {count} times: {row}" for row, count in stored.items() if count > 1]
        return found


@contextlib.contextmanager
def strace(pid: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Attach strace to all threads of a process; lend it, then let the process go."""
    try:
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", *options, "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError as error:
        raise NoTracerError("strace is not installed") from error
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    if "attached" not in line:
        tracer.kill()
        tracer.wait()
        raise NoTracerError(line.strip())
    try:
        yield tracer
    finally:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
