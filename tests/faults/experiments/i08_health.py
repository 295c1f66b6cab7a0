"""I8: each part that fails is red within 15 s, is told of where it must be, and green again."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from alerting.rulefile import FILE as RULE_FILE
from caretaker.app import App
from caretaker.clock import DAY_MS, HOUR_MS, SystemClock
from caretaker.config import (
    ApiSettings,
    BrokerSettings,
    ChannelSettings,
    DeviceSettings,
    SiteSettings,
    WatchdogSettings,
)
from caretaker.errors import StorageError
from caretaker.secrets import load_or_create
from caretaker.vocabulary import Arrival
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.supervise import free_port
from ingest.transport.gathered.transport import GatheredTransport
from storage import disk, incidents
from tests.contract.channel_servers import HttpService
from tests.faults.result import Result
from tests.faults.school import until

NAME = "I8"
TITLE = "health is honest: red within 15 s, told, green again"
RED_WITHIN_S = 15.0
_GREEN_WITHIN_S = 45.0


class Settable(SystemClock):
    """The machine's clock, which can be set."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@contextmanager
def running(folder: Path) -> Iterator[tuple[App, Settable, HttpService]]:
    """Lend a Caretaker at work with a receiver that hears of alarms."""
    hook = HttpService("ok")
    settings = SiteSettings(
        id="s",
        broker=BrokerSettings(kind="mosquitto", port=free_port()),
        api=ApiSettings(port=free_port()),
        channels=(
            ChannelSettings(
                "hook", "webhook", ("notice", "alarm", "critical"),
                {"url": f"http://127.0.0.1:{hook.port}/", "allow_private": True, "per_min": 1000},
            ),
        ),
        devices=(DeviceSettings("native:s/f", name="f", role="fridge", interval_s=86_400),),
        watchdog=WatchdogSettings(canary=False),
    )  # fmt: skip
    clock = Settable()
    app = App(settings, data_dir=folder, clock=clock, secrets=load_or_create(folder))
    app.start()
    try:
        until(lambda: not red(app), within_s=30)
        yield app, clock, hook
    finally:
        app.stop()
        hook.stop()


def red(app: App) -> set[str]:
    """Return the parts that the health page shows red, as anybody may ask."""
    answer = httpx2.get(f"{app.url}/api/v1/health", timeout=20)
    found = {check["name"] for check in answer.json()["checks"] if not check["ok"]}
    assert (answer.status_code == 503) == bool(found)
    return found


def deafen(app: App) -> None:
    """Let nothing more be heard on the connection that stands."""
    transport = app.transport
    assert isinstance(transport, GatheredTransport)
    take, deaf = transport._take, transport._connection

    def hear(connection: Any, count: int) -> bool:
        return connection is not deaf and take(connection, count)

    transport._take = hear  # type: ignore[method-assign]


def told(app: App, rule: str) -> incidents.Incident | None:
    """Return the standing incident of a rule about the site itself."""
    with app.journal.reader() as connection:
        return next((i for i in incidents.listing(connection, limit=1000) if i.rule == rule), None)


Fault = Callable[[App, Settable, HttpService], AbstractContextManager[None]]


def clock_set(by_ms: int) -> Fault:
    """Set the machine's clock, and let the ten minutes pass that it is shown for."""

    @contextmanager
    def fault(app: App, clock: Settable, _: HttpService) -> Iterator[None]:
        clock.ahead_ms += by_ms
        try:
            yield
        finally:
            assert app._desk._parts is not None
            app._desk._parts[1]._signs.stepped = time.monotonic() - 601

    return fault


def task_dead(name: str) -> Fault:
    """End a thread as nothing foreseen would, and let the minute pass that it is shown for."""

    @contextmanager
    def fault(app: App, _: Settable, __: HttpService) -> Iterator[None]:
        (thread,) = (t for t in threading.enumerate() if t.name == name)
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
        try:
            yield
        finally:
            for worker in (app.journal.worker, *app._desk.workers):
                worker._failed_s -= 61

    return fault


def little(folder: Path) -> int:
    """Measure a disk that is nearly full."""
    del folder
    return 50_000_000


@contextmanager
def disk_low(app: App, _: Settable, __: HttpService) -> Iterator[None]:
    """Leave less on the disk than the reserve: no reading is taken, alerts go on."""
    measure = disk.free_bytes
    disk.free_bytes = little
    try:
        yield
        with contextlib.suppress(StorageError):
            app.journal.append([Arrival("t", b"x", 1, "t:x", "t")])
            raise AssertionError("a reading was taken below the reserve")
    finally:
        disk.free_bytes = measure


@contextmanager
def disk_full(_: App, __: Settable, ___: HttpService) -> Iterator[None]:
    """Let no file grow: every write of the journal fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def rules_bad(app: App, _: Settable, __: HttpService) -> Iterator[None]:
    """Save a rule file with a mistake."""
    file = app.data_dir / RULE_FILE
    file.write_text("[[rule]]\nname = ", encoding="utf-8")
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def broker_deaf(app: App, _: Settable, __: HttpService) -> Iterator[None]:
    """Stop the broker's process: connections stay, nothing is answered."""
    assert isinstance(app.broker, MosquittoBroker)
    pid = app.broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def subscription_gone(app: App, _: Settable, __: HttpService) -> Iterator[None]:
    """Let nothing more be heard on this connection, as when a broker forgot a subscription."""
    deafen(app)
    yield


@contextmanager
def channel_down(app: App, _: Settable, hook: HttpService) -> Iterator[None]:
    """Let the receiver answer 500 to an alert."""
    hook.mode = "500"
    now_ms = app.clock.now_ms()
    parts = [
        {"at": now_ms - m * 60_000, "readings": {"air.temperature_c": 4.0 if m > 10 else 14.0}}
        for m in (20, 15, 10, 5, 0)
    ]
    assert app.transport is not None
    app.transport.publish("caretaker/1/s/f/readings", json.dumps({"batch": parts}).encode())
    try:
        yield
    finally:
        hook.mode = "ok"


@dataclass(frozen=True)
class Ailment:
    """A fault, the part that must show it, and the incident that must tell of it, if any."""

    name: str
    fault: Fault
    part: str
    incident: str = ""
    quick: bool = False


UNWELL = "caretaker_unwell"
AILMENTS = (
    Ailment("clock 1 h ahead", clock_set(HOUR_MS), "clock", UNWELL),
    Ailment("clock 1 h back", clock_set(-HOUR_MS), "clock", UNWELL, quick=True),
    Ailment("clock 1 d ahead", clock_set(DAY_MS), "clock", UNWELL),
    Ailment("clock 1 d back", clock_set(-DAY_MS), "clock", UNWELL),
    Ailment("disk below the reserve", disk_low, "disk", UNWELL, quick=True),
    Ailment("disk full", disk_full, "commit", quick=True),
    Ailment("courier dead", task_dead("courier hook"), "threads"),
    Ailment("engine and writer dead", task_dead("journal"), "threads"),
    Ailment("watchdog dead", task_dead("watchdog"), "threads"),
    Ailment("rule file bad", rules_bad, "rules", "rules_refused"),
    Ailment("broker stopped", broker_deaf, "broker answers"),
    Ailment("subscription gone", subscription_gone, "broker answers"),
    Ailment("channel down", channel_down, "alerting"),
    Ailment("clock at 1970", clock_set(-1_790_000_000_000), "clock", UNWELL),
)


def run(folder: Path, *, full: bool) -> Result:
    """Bring one fault after the other on one Caretaker; in short those that do not take long."""
    result = Result(NAME, TITLE)
    folder.mkdir(parents=True)
    slowest = 0.0
    with running(folder / "data") as (app, clock, hook):
        for ailment in AILMENTS:
            if not (full or ailment.quick):
                continue
            result.expected += 1
            try:
                with ailment.fault(app, clock, hook):
                    red_s = until(partial(shows, app, ailment.part), within_s=RED_WITHIN_S)
                    result.worst_s = round(max(result.worst_s, red_s), 1)
                    until(partial(tells, app, ailment.incident), within_s=RED_WITHIN_S)
                green_s = until(partial(is_well, app), within_s=_GREEN_WITHIN_S)
                slowest = max(slowest, green_s)
                until(partial(told_over, app, ailment.incident), within_s=RED_WITHIN_S)
                result.delivered += 1
            except TimeoutError as error:
                result.missed += 1
                result.problems.append(f"{ailment.name}: {error}; red: {sorted(red(app))}")
    result.note = f"green again after {slowest:.1f} s at most"
    return result


def shows(app: App, part: str) -> bool:
    """Whether a part is red."""
    return part in red(app)


def is_well(app: App) -> bool:
    """Whether all is green."""
    return not red(app)


def tells(app: App, rule: str) -> bool:
    """Whether people can see an incident of it."""
    return not rule or told(app, rule) is not None


def told_over(app: App, rule: str) -> bool:
    """Whether the incident of it, if any, has recovered."""
    found = told(app, rule) if rule else None
    return found is None or found.state == incidents.RECOVERING
