"""The demo: a simulated school with its past, then its present, over a real broker."""

import asyncio
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from api.preparing import Preparing
from api.server import listen
from caretaker.app import App, on_port
from caretaker.clock import DAY_MS, HOUR_MS, Clock, ManualClock, ScaledClock, SystemClock
from caretaker.config import SiteSettings
from caretaker.interpreter import settle
from caretaker.secrets import Secrets, load_or_create, with_devices
from ingest.broker.port import Address, Login
from ingest.transport.port import Message
from simulators.campus import Campus
from simulators.faults import demo_faults
from simulators.publisher import publish_live
from simulators.site import DEVICES, demo_site

METER = "meter"
"""The login for a real meter that somebody connects to the demo."""

_STEP_MS = 3 * HOUR_MS
_ROLL_STEPS = 3 * DAY_MS // _STEP_MS
_STATE = "campus.json"


class HandoverClock:
    """A clock whose inner clock can be exchanged: first the past is filled in, then time runs."""

    def __init__(self, inner: Clock) -> None:
        self.inner = inner

    def now_ms(self) -> int:
        """Return the inner clock's instant [ms UTC]."""
        return self.inner.now_ms()

    @property
    def speed(self) -> float:
        """Simulated seconds a second; one whose time moves by hand has the usual pace."""
        return float(getattr(self.inner, "speed", 1.0))


def run_demo(*, data_dir: Path, speed: float, port: int, days: int, healthy: bool) -> None:
    """Run the demo until Ctrl-C; the second time it goes on with the same data."""
    data_dir.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    secrets = with_devices(
        data_dir, load_or_create(data_dir), [METER, *(spec.id for spec in DEVICES)]
    )
    settings = on_port(demo_site(), broker=_free(1883), page=port or _free(8420))
    wall_ms = SystemClock().now_ms()
    campus = _campus(
        data_dir, settings, start_ms=wall_ms - days * DAY_MS, end_ms=wall_ms, healthy=healthy
    )
    clock = HandoverClock(ManualClock(campus.now_ms))
    app = App(
        settings,
        data_dir=data_dir,
        clock=clock,
        secrets=secrets,
        site_file="(the demo)",
        logins=_logins(secrets),
    )
    app.listener = listen(settings.api.host, settings.api.port, file="(the demo)")
    preparing = Preparing(app.listener, start_ms=campus.now_ms, end_ms=wall_ms)
    preparing.start()
    host, page = settings.api.host, app.listener.getsockname()[1]
    console.print(f"Look here already: http://{host}:{page}/#token={secrets.operator_token}")
    try:
        app.prepare()
        settle()
        fill(
            app,
            campus,
            clock,
            until_ms=wall_ms,
            console=console,
            save=data_dir / _STATE,
            tell=preparing.reached,
        )
        preparing.reached(wall_ms)
        # Filling in took a while: the campus catches up with the present over MQTT.
        clock.inner = ScaledClock(max(SystemClock().now_ms(), campus.now_ms), speed=speed)
        app.journal.call(
            lambda connection: app.engine.lifecycle.begin_notifying(
                connection, now_ms=clock.now_ms()
            )
        )
        campus.live = True
        preparing.stop()
        app.start()
        with _publishing(app, campus, clock, save=data_dir / _STATE):
            _tell(console, app, secrets, speed=speed)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: app.end())
            app.wait()
            console.print("Stopping ...")
    finally:
        preparing.stop()
        app.stop()
        app.listener.close()
    console.print("Stopped. All data is kept; the next start goes on from here.")


def _free(wanted: int) -> int:
    """Return `wanted` if it is free on loopback, else a port that is."""
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted


def _campus(
    data_dir: Path, settings: SiteSettings, *, start_ms: int, end_ms: int, healthy: bool
) -> Campus:
    path = data_dir / _STATE
    if path.exists():
        campus = Campus.from_state(json.loads(path.read_text(encoding="utf-8")))
        campus.live = False
        return campus
    faults = () if healthy else demo_faults(end_ms, zone=settings.zone)
    return Campus(start_ms - start_ms % DAY_MS, faults=faults)


def save_state(path: Path, campus: Campus, state: dict[str, Any] | None = None) -> None:
    """Keep the campus's state and what really happened, whole or not at all."""
    text = json.dumps(
        (state or campus.state()) | {"labels": [asdict(label) for label in campus.labels]}
    )
    scratch = path.with_suffix(".new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def fill(
    app: App,
    campus: Campus,
    clock: HandoverClock,
    *,
    until_ms: int,
    console: Console,
    save: Path,
    tell: Callable[[int], object] = int,
) -> None:
    """Fill in the past through the same decoder, journal and rules; nobody is notified of it.

    `tell` hears up to which instant it has come [ms UTC].
    """
    if campus.now_ms >= until_ms:
        return
    app.engine.lifecycle.notifying = False
    past = ManualClock(campus.now_ms)
    clock.inner = past
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("Filling in the school's past", total=until_ms - campus.now_ms)
        step = 0
        while campus.now_ms < until_ms:
            before = campus.now_ms
            sent = campus.advance(min(before + _STEP_MS, until_ms))
            past.at_ms = campus.now_ms
            app.journal.append(
                [
                    arrival
                    for e in sent
                    for arrival in app.decoder.decode(Message(e.topic, e.payload, e.at_ms))
                ]
            )
            progress.advance(task, campus.now_ms - before)
            tell(campus.now_ms)
            step += 1
            if step % _ROLL_STEPS == 0:
                # Each point is added to every few days; all at once would be computed again.
                app.journal.roll_up()
            if step % 40 == 0:
                save_state(save, campus)
        save_state(save, campus)
        app.journal.roll_up()


def _logins(secrets: Secrets) -> tuple[Login, ...]:
    own = tuple(Login(spec.id, secrets.device_passwords[spec.id], spec.topics) for spec in DEVICES)
    return (*own, Login(METER, secrets.device_passwords[METER]))


@contextmanager
def _publishing(app: App, campus: Campus, clock: Clock, *, save: Path) -> Iterator[None]:
    """Publish in a thread of its own while the body runs."""
    assert app.broker is not None
    broker = app.broker
    addresses: dict[str, Address] = {spec.id: broker.address(spec.id) for spec in DEVICES}
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def work() -> None:
        loop.run_until_complete(
            publish_live(
                campus,
                clock=clock,
                addresses=addresses,
                stop=stop,
                save=lambda state: save_state(save, campus, state),
            )
        )

    thread = threading.Thread(target=work, name="campus", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        loop.close()


def _tell(console: Console, app: App, secrets: Secrets, *, speed: float) -> None:
    assert app.broker is not None
    meter = app.broker.address(METER)
    pace = "" if speed == 1 else f" ({speed:g} times as fast as real time)"
    console.print()
    console.print(f"[bold]The school is alive{pace}.[/bold]  Look here:")
    console.print(f"  {app.url}/#token={secrets.operator_token}", soft_wrap=True)
    console.print()
    console.print(f"  login  operator  {secrets.operator_token}")
    console.print(f"         viewer    {secrets.viewer_token}")
    console.print(f"  your own meter   mqtt://{meter.host}:{meter.port}  user {METER}")
    console.print(f"                   password {secrets.device_passwords[METER]}")
    console.print(f"  data             {app.data_dir}")
    console.print()
    console.print("Ctrl-C stops it; nothing is lost.")
