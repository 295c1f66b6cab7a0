"""A task that dies is red within 15 s and at work again by itself (I8, B3, B7, B12)."""

import ctypes
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from caretaker.app import App
from caretaker.clock import SystemClock
from caretaker.config import (
    ApiSettings,
    BrokerSettings,
    ChannelSettings,
    DeviceSettings,
    SiteSettings,
    WatchdogSettings,
)
from caretaker.secrets import load_or_create
from caretaker.worker import Periodic, Worker
from ingest.broker.supervise import free_port
from tests.contract.channel_servers import HttpService

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(120)]
RED_WITHIN_S = 15.0


def until(condition: Callable[[], object], *, within_s: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def hook() -> Iterator[HttpService]:
    made = HttpService("ok")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, hook: HttpService) -> Iterator[App]:
    settings = SiteSettings(
        id="s",
        broker=BrokerSettings(kind="mosquitto", port=free_port()),
        api=ApiSettings(port=free_port()),
        channels=(
            ChannelSettings(
                "hook", "webhook", ("critical",),
                {"url": f"http://127.0.0.1:{hook.port}/", "allow_private": True, "per_min": 1000},
            ),
        ),
        devices=tuple(
            DeviceSettings(f"native:s/f{n}", name=f"f{n}", role="fridge", interval_s=300)
            for n in range(9)
        ),
        watchdog=WatchdogSettings(canary=False),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("app")
    made = App(settings, data_dir=folder, clock=SystemClock(), secrets=load_or_create(folder))
    made.start()
    until(lambda: not red(made), within_s=30)
    yield made
    made.stop()


def red(app: App) -> set[str]:
    return {name for name, ok, _, _ in app.checks() if not ok}


def said(app: App) -> str:
    return next(value for name, _, value, _ in app.checks() if name == "threads")


def kill(name: str) -> None:
    """End a thread as nothing foreseen would: by an exception that no `except Exception` sees."""
    (thread,) = (t for t in threading.enumerate() if t.name == name)
    assert thread.ident is not None
    ended = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    )
    assert ended == 1


def warm(app: App, fridge: str) -> None:
    now_ms = app.clock.now_ms()
    batch = [
        {"at": now_ms - m * 60_000, "readings": {"air.temperature_c": 4.0 if m > 10 else 14.0}}
        for m in (20, 15, 10, 5, 0)
    ]
    assert app.transport is not None
    app.transport.publish(f"caretaker/1/s/{fridge}/readings", json.dumps({"batch": batch}).encode())


def told(hook: HttpService, fridge: str) -> int:
    return sum(fridge in json.loads(body)["title"] for _, _, body in tuple(hook.got))


@pytest.mark.parametrize(
    ("number", "thread"),
    [*enumerate(["journal", "ingest", "courier hook", "courier", "watchdog", "catch-up"])],
)
def test_a_task_that_dies_is_shown_and_works_again(
    app: App, hook: HttpService, number: int, thread: str
) -> None:
    kill(thread)
    until(lambda: f"{thread}: SystemExit" in said(app), within_s=RED_WITHIN_S)
    assert "threads" in red(app)
    fridge = f"f{number}"

    def alerted() -> bool:
        warm(app, fridge)  # a reading that was in the air with QoS 1 comes again; so does ours
        time.sleep(0.5)
        return told(hook, fridge) > 0

    until(alerted, within_s=30)
    until(lambda: not red(app) - {"threads"}, within_s=30)
    assert app.journal.epoch  # nobody took over meanwhile


def test_what_ended_a_task_is_shown_for_a_minute_only(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = threading.Event()
    stopping = threading.Event()
    fails = [RuntimeError("once")]

    def work() -> None:
        if fails:
            raise fails.pop()
        ran.set()
        stopping.wait()

    monkeypatch.setattr("caretaker.worker._PAUSE_S", 0.01)
    worker = Worker("w", work, stopping=stopping)
    assert worker.problem == "stopped"
    worker.start()
    assert ran.wait(5)
    assert worker.problem == "RuntimeError: once"
    monkeypatch.setattr("caretaker.worker._SHOWN_S", 0.0)
    assert worker.problem == ""
    assert worker.restarts == 1
    stopping.set()
    worker.join(5)
    assert not worker.alive


def test_a_periodic_task_takes_turns_also_after_one_failed_and_after_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns: list[bool] = []
    enough = threading.Event()

    def turn() -> None:
        turns.append(task.ending)
        if len(turns) == 1:
            raise RuntimeError("the first one")
        if len(turns) % 3 == 0:
            enough.set()

    monkeypatch.setattr("caretaker.worker._PAUSE_S", 0.01)
    task = Periodic("p", turn, every_s=0.01, first_s=0.0)
    for begun in (1, 2):
        enough.clear()
        task.start()
        assert enough.wait(5)
        task.stop(5)
        assert not task.alive
        assert task.ending
        assert len(turns) >= 3 * begun
    assert task.restarts == 1
    assert not any(turns)


def test_a_long_turn_is_told_to_end() -> None:
    told: list[bool] = []
    begun = threading.Event()

    def turn() -> None:
        begun.set()
        told.append(task.pause(30))

    task = Periodic("p", turn, every_s=60, first_s=0)
    task.start()
    assert begun.wait(5)
    task.stop(5)
    assert told == [True]
    assert not task.alive
