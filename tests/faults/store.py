"""F11-F13, F30: what becomes of readings while the store fails. Prints one line a fault.

Run: python -m tests.faults.store (--quick: shorter; --only F11)
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

from tests import stores
from tests.faults.store_run import (
    NO_READ_BACK,
    Outcome,
    Run,
    checked,
    measure,
    numbers_in,
    numbers_of,
    whole,
)
from tests.storage.influx.fake import STORED, FakeStore, Reply, fake_store

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
