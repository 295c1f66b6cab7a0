"""F11-F13, F30: what becomes of readings while the store fails. Prints one line a fault.

Run: python -m tests.faults.store (--quick: shorter; --only F11)
"""

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

from caretaker.clock import HOUR_MS, SystemClock
from tests import stores
from tests.storage.influx.fake import STORED, FakeStore, Reply, fake_store

ROOT = Path(__file__).resolve().parents[2]
POINTS = 50
NO_READ_BACK = "victoria"
"""The version to set for a fake store: it takes lines and answers no query."""


@dataclass
class Outcome:
    """One fault's figures; `silent_loss` must be 0."""

    fault: str
    issued: int = 0
    stored: int = 0
    projected: int = 0
    set_aside: int = 0
    silent_loss: int = 0
    lag_max_s: float = 0.0
    lag_end_s: float = 0.0
    drain_ratio: float = 0.0
    """How fast the backlog was worked off, in live rates; 0: there was none to speak of."""
    recovery_s: float = 0.0
    append_p99_ms: float = 0.0
    rss_before_mb: float = 0.0
    rss_max_mb: float = 0.0
    wal_max_mb: float = 0.0
    said: str = ""


@dataclass
class Run:
    """A child under observation."""

    data: Path
    url: str
    version: str
    bucket: str = "faults"
    token: str = ""
    rate: int = 500
    timeout_s: float = 15.0
    deadline_s: float = 60.0
    base_ms: int = field(default_factory=lambda: (SystemClock().now_ms() // HOUR_MS - 8) * HOUR_MS)
    acked: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)
    appends: list[float] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        asked = {
            "data": str(self.data),
            "url": self.url,
            "version": self.version,
            "bucket": self.bucket,
            "token": self.token,
            "rate": self.rate,
            "first": self._first(),
            "base_ms": self.base_ms,
            "points": POINTS,
            "timeout_s": self.timeout_s,
            "deadline_s": self.deadline_s,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.store_child", json.dumps(asked)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.data / "log").open("ab"),
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def _first(self) -> int:
        """Return the number after the last one stored, acknowledged or not."""
        if not (self.data / "j.sqlite3").exists():
            return 0
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            found = connection.execute("SELECT max(value) FROM reading").fetchone()[0]
        return 0 if found is None else int(found) + 1

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "a":
                number, _, took = rest.partition(" ")
                self.acked = int(number)
                self.appends.append(float(took))
            elif kind == "s":
                self.statuses.append(json.loads(rest))

    def until(self, wanted: Callable[[dict[str, Any]], bool], *, within_s: float = 60.0) -> float:
        """Wait for a status and return how long that took [s]."""
        begun = time.monotonic()
        seen = len(self.statuses)
        while True:
            fresh = self.statuses[seen:]
            if any(wanted(status) for status in fresh):
                return time.monotonic() - begun
            seen += len(fresh)
            assert time.monotonic() - begun < within_s, (
                f"not in time: {self.statuses[-1:]} {(self.data / 'log').read_text()[-800:]}"
            )
            time.sleep(0.05)

    def say(self, word: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def finish(self, *, within_s: float = 60.0) -> None:
        """Stop the readings, wait until the copy is whole and checked, end the child."""
        self.say("stop")
        time.sleep(0.2)
        self.until(whole, within_s=within_s)
        self.say("quit")
        assert self.process is not None
        assert self.process.wait(30) == 0
        self._reader.join()

    def in_journal(self) -> set[int]:
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            return {int(row[0]) for row in connection.execute("SELECT value FROM reading")}

    def aside(self) -> int:
        with sqlite3.connect(self.data / "j.sqlite3") as connection:
            found = connection.execute("SELECT sum(count) FROM projection_rejected").fetchone()[0]
        return int(found or 0)


def whole(status: dict[str, Any]) -> bool:
    """Return whether nothing is to be sent and nothing is wrong."""
    return (
        status["lag_s"] == 0
        and not status["to_send"]
        and (not status["failing"] or "set aside" in status["failing"])
    )


def checked(status: dict[str, Any]) -> bool:
    """Return whether the hours that ended are checked too."""
    return whole(status) and status["to_check"] <= 1


def measure(run: Run, fault: str, projected: set[int], **more: Any) -> Outcome:
    """Return the figures of a run that is over."""
    stored = run.in_journal()
    aside = run.aside()
    lost = {n for n in range(run.acked) if n not in stored} | {
        n for n in stored if n not in projected
    }
    appends = sorted(run.appends) or [0.0]
    rss = [status["rss_mb"] for status in run.statuses] or [0.0]
    more.setdefault("rss_before_mb", next((s["rss_mb"] for s in run.statuses if s["emitted"]), 0))
    return Outcome(
        fault,
        issued=run.acked,
        stored=len(stored),
        projected=len(projected),
        set_aside=aside,
        silent_loss=max(0, len(lost) - aside),
        lag_max_s=max(status["lag_s"] for status in run.statuses),
        lag_end_s=run.statuses[-1]["lag_s"],
        append_p99_ms=appends[int(len(appends) * 0.99)],
        rss_max_mb=max(rss),
        wal_max_mb=max(status["wal_mb"] for status in run.statuses),
        **more,
    )


def numbers_in(store: stores.Store, bucket: str) -> set[int]:
    """Return the numbers of the readings that a real store holds."""
    server = store.server(bucket=bucket)
    server.recognise()
    found = {
        int(row[1])
        for series in server.query('SELECT "value" FROM "power" WHERE "site" = \'s\'', raw=True)
        for row in series.rows
    }
    server.close()
    return found


def numbers_of(lines: set[str]) -> set[int]:
    """Return the numbers of the readings in lines."""
    return {int(float(line.split("value=")[1].split(",")[0])) for line in lines}


# -- the faults -------------------------------------------------------------------------------


def down(store: stores.Store, data: Path, *, version: str, down_s: float) -> Outcome:
    """F11: the store is away; the live rate goes on, then the backlog is worked off."""
    run = Run(data, store.url, version, token=store.tokens.write)
    run.start()
    run.until(lambda s: s["emitted"] > 500 and whole(s))
    time.sleep(1)
    before = run.statuses[-1]["rss_mb"]
    store.kill()
    time.sleep(down_s)
    said = run.statuses[-1]["failing"]
    store.start()
    begun = run.statuses[-1]
    waited = run.until(lambda s: s["emitted"] > begun["emitted"], within_s=30)
    recovery = waited + run.until(lambda s: s["lag_s"] < 2.0 and not s["failing"])
    ratio = drain(run, begun)
    run.finish()
    projected = numbers_in(store, run.bucket)
    return measure(
        run,
        f"F11 {store_name(version)} down {down_s:g} s",
        projected,
        drain_ratio=ratio,
        recovery_s=recovery,
        rss_before_mb=before,
        said=said,
    )


def drain(run: Run, begun: dict[str, Any]) -> float:
    """Return the fastest half second of working off, in live rates."""
    rates = [
        (b["emitted"] - a["emitted"]) / (b["at_s"] - a["at_s"])
        for a, b in zip(run.statuses, run.statuses[2:], strict=False)
        if a["at_s"] >= begun["at_s"]
    ]
    return float(max(rates)) / run.rate


def store_name(version: str) -> str:
    return f"InfluxDB {version}"


def wiped(store: stores.Store, data: Path, *, version: str) -> Outcome:
    """F30: influxd is killed and its directory deleted; the copy is made anew."""
    run = Run(data, store.url, version, token=store.tokens.write)
    run.start()
    run.until(lambda s: s["emitted"] > 2_000 and whole(s))
    store.kill()
    for name in ("data", "wal", "meta"):
        shutil.rmtree(store.folder / name)
    store.start()
    recovery = run.until(lambda s: not whole(s), within_s=30) + run.until(whole)
    run.finish()
    projected = numbers_in(store, run.bucket)
    return measure(run, "F30 influxd killed, data deleted", projected, recovery_s=recovery)


def killed(store: stores.Store, data: Path, *, version: str, times: int) -> Outcome:
    """F1 for the copy: kill -9 of Caretaker while it copies."""
    chance = random.Random(11)
    run = Run(data, store.url, version, token=store.tokens.write)
    for _ in range(times):
        run.start()
        seen = len(run.statuses)
        run.until(lambda s: s["emitted"] > 0)
        time.sleep(chance.uniform(0.2, 1.5))
        assert len(run.statuses) > seen
        run.kill()
    run.start()
    run.until(whole)
    run.finish()
    projected = numbers_in(store, run.bucket)
    return measure(run, f"kill -9 of Caretaker x {times}", projected)


def slow(data: Path, *, how: str, hold_s: float) -> Outcome:
    """F12: each request takes seconds, trickles, or is accepted and never answered."""
    with fake_store(FakeStore.keep) as store:
        run = Run(data, store.url, NO_READ_BACK, timeout_s=3.0, deadline_s=4.0)
        if how == "5 s a request":
            run.timeout_s, run.deadline_s = 15.0, 60.0
        run.start()
        run.until(lambda s: s["emitted"] > 200 and whole(s))
        before = run.statuses[-1]["rss_mb"]
        store.delay_s = 5.0 if how == "5 s a request" else 0.0
        store.trickle_s = 1.0 if how == "1 byte/s" else 0.0
        store.hang = how == "accept and hang"
        time.sleep(hold_s)
        said = run.statuses[-1]["failing"]
        store.delay_s, store.trickle_s, store.hang = 0.0, 0.0, False
        begun = run.statuses[-1]
        recovery = run.until(lambda s: s["lag_s"] < 1.0 and not s["failing"])
        ratio = drain(run, begun)
        run.finish()
        return measure(
            run,
            f"F12 {how}",
            numbers_of(store.lines),
            recovery_s=recovery,
            drain_ratio=ratio,
            rss_before_mb=before,
            said=said,
        )


def answering(data: Path, *, name: str, rule: Callable[[FakeStore, list[str]], Reply]) -> Outcome:
    """F13: one answer for some seconds, then a sound store."""
    with fake_store(FakeStore.keep) as store:
        run = Run(data, store.url, NO_READ_BACK)
        run.start()
        run.until(lambda s: s["emitted"] > 200 and whole(s))
        store.rule = rule
        time.sleep(2.0)
        said = next((s["failing"] for s in reversed(run.statuses) if s["failing"]), "")
        store.rule = FakeStore.keep
        recovery = run.until(whole)
        run.finish()
        projected = numbers_of(store.lines)
        return measure(run, f"F13 {name}", projected, recovery_s=recovery, said=said)


def _always(status: int, text: str = "", **headers: str) -> Callable[..., Reply]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda store, lines: (status, text, named)


def _partial(status: int) -> Callable[[FakeStore, list[str]], Reply]:
    """Refuse every hundredth reading, without a word which."""

    def rule(store: FakeStore, lines: list[str]) -> Reply:
        bad = [line for line in lines if "00.0,quality" in line]
        store.keep([line for line in lines if line not in bad])
        text = f"partial write: field type conflict dropped={len(bad)}"
        return (status, text, {}) if bad else STORED

    return rule


def _too_large(store: FakeStore, lines: list[str]) -> Reply:
    return store.keep(lines) if len(lines) <= 20 else (413, "too large", {})


ANSWERS: dict[str, Callable[[FakeStore, list[str]], Reply]] = {
    "400 partial": _partial(400),
    "422 partial": _partial(422),
    "401": _always(401, "unauthorized"),
    "403": _always(403, "forbidden"),
    "404 of a proxy": _always(404, "<html>"),
    "413": _too_large,
    "429 Retry-After 1": _always(429, "busy", Retry_After="1"),
    "500": _always(500, "panic"),
    "503": _always(503, "starting"),
}


@contextmanager
def swallowing(store: stores.Store) -> Iterator[tuple[str, list[bool]]]:
    """A door in front of a real store that confirms writes and drops them while told to."""
    dropping = [False]

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

        def do_GET(self) -> None:
            self._pass("GET", b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if dropping[0] and urllib.parse.urlsplit(self.path).path.endswith("/write"):
                self.send_response(204)
                self.end_headers()
                return
            self._pass("POST", body)

        def _pass(self, method: str, body: bytes) -> None:
            answer = httpx2.request(
                method, store.url + self.path, content=body, timeout=30, trust_env=False
            )
            self.send_response(answer.status_code)
            if answer.status_code != 204:
                self.send_header("Content-Length", str(len(answer.content)))
            if version := answer.headers.get("x-influxdb-version"):
                self.send_header("X-Influxdb-Version", version)
            self.end_headers()
            self.wfile.write(answer.content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", dropping
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def confirmed_and_dropped(store: stores.Store, data: Path, *, version: str) -> Outcome:
    """F13, C6: 204 and nothing stored; the counts find it."""
    with swallowing(store) as (url, dropping):
        run = Run(data, url, version, token=store.tokens.write)
        run.start()
        run.until(lambda s: s["emitted"] > 500 and whole(s))
        dropping[0] = True
        time.sleep(2.0)
        dropping[0] = False
        run.say("stop")
        recovery = run.until(lambda s: s["resent_hours"] > 0 and checked(s), within_s=90)
        run.finish()
        projected = numbers_in(store, run.bucket)
        return measure(run, "F13 204 and nothing stored", projected, recovery_s=recovery)


# -- the table ----------------------------------------------------------------------------------


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table."""
    head = (
        f"{'fault':34} {'issued':>7} {'stored':>7} {'projected':>9} {'aside':>5} "
        f"{'silent_loss':>11} {'lag_max':>7} {'lag_end':>7} {'drain':>6} {'recovery':>8} "
        f"{'append_p99':>10} {'rss':>6} {'rss_max':>7} {'wal_max':>7}"
    )
    rows = [
        f"{o.fault:34} {o.issued:7} {o.stored:7} {o.projected:9} {o.set_aside:5} "
        f"{o.silent_loss:11} {o.lag_max_s:6.1f}s {o.lag_end_s:6.1f}s {o.drain_ratio:5.1f}x "
        f"{o.recovery_s:7.1f}s {o.append_p99_ms:8.1f}ms {o.rss_before_mb:6.0f} "
        f"{o.rss_max_mb:7.0f} {o.wal_max_mb:7.1f}"
        for o in outcomes
    ]
    return "\n".join([head, *rows])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="shorter outages")
    options.add_argument("--only", default="", help="faults whose name holds this")
    chosen = options.parse_args()
    hour_s = 10.0 if chosen.quick else 60.0
    with tempfile.TemporaryDirectory(prefix="caretaker-faults-") as folder:
        home = Path(folder)
        one, two = stores.version_1_program(), stores.version_2_program()
        outcomes: list[Outcome] = []

        def note(make: Callable[[Path], Outcome], name: str) -> None:
            if chosen.only.lower() not in name.lower():
                return
            data = home / f"data{len(outcomes)}"
            data.mkdir()
            outcomes.append(make(data))
            print(table(outcomes[-1:]), flush=True)

        with stores.influxd_1(one, home / "one") as store:
            note(lambda d: down(store, d, version="1", down_s=hour_s), "F11 1")
        if two:
            with stores.influxd_2(two, home / "two") as store:
                note(lambda d: down(store, d, version="2", down_s=hour_s), "F11 2")
        for how in ("5 s a request", "1 byte/s", "accept and hang"):
            note(partial(slow, how=how, hold_s=12.0), f"F12 {how}")
        for name, rule in ANSWERS.items():
            note(partial(answering, name=name, rule=rule), f"F13 {name}")
        with stores.influxd_1(one, home / "three") as store:
            note(lambda d: confirmed_and_dropped(store, d, version="1"), "F13 204")
        with stores.influxd_1(one, home / "four") as store:
            times = 3 if chosen.quick else 10
            note(lambda d: killed(store, d, version="1", times=times), "kill")
        with stores.influxd_1(one, home / "five") as store:
            note(lambda d: wiped(store, d, version="1"), "F30")
    print()
    print(table(outcomes))
    print(json.dumps({"rate_per_s": 500, "silent_loss": sum(o.silent_loss for o in outcomes)}))
    sys.exit(1 if any(o.silent_loss for o in outcomes) else 0)


if __name__ == "__main__":
    main()
