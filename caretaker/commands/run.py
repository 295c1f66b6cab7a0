"""caretaker run, demo, simulate: what stays up until Ctrl-C."""

import asyncio
import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from caretaker.app import JOURNAL, App
from caretaker.clock import ScaledClock, SystemClock
from caretaker.commands.common import DATA, DataOption, SiteOption, console, settings_of
from caretaker.config import SiteSettings
from caretaker.demo import METER, run_demo, save_state
from caretaker.errors import CaretakerError
from caretaker.secrets import load_or_create, with_devices
from ingest.broker.port import Login, device_topics
from ingest.transport.url import address_of
from simulators.campus import Campus
from simulators.publisher import publish_live
from simulators.site import DEVICES
from storage import lease
from storage.connection import open_reader

app = typer.Typer()


@app.command()
def demo(
    data: Annotated[Path, typer.Option("--data", help="The demo's data directory.")] = Path(
        "demo-data"
    ),
    speed: Annotated[
        float,
        typer.Option(min=1, max=600, help="Simulated seconds a second; 60: an hour a minute."),
    ] = 1.0,
    port: Annotated[int, typer.Option(help="The page's port; 0: 8420 or one that is free.")] = 0,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of past to fill in.")] = 90,
    healthy: Annotated[
        bool, typer.Option("--healthy", help="The same school with no fault.")
    ] = False,
) -> None:
    """Run a simulated school with its past, live.

    Example: caretaker demo --speed 60
    """
    run_demo(data_dir=data, speed=speed, port=port, days=days, healthy=healthy)


@app.command()
def run(
    data: DataOption = DATA,
    site: SiteOption = None,
    broker: Annotated[
        str, typer.Option(help="Your broker, mqtt://host:1883 or mqtts://...; else the built-in.")
    ] = "",
    port: Annotated[int, typer.Option(help="The page's port.")] = 0,
    standby: Annotated[
        bool,
        typer.Option("--standby", help="Wait, and take over when the one at work gives no sign."),
    ] = False,
) -> None:
    """Watch a school until Ctrl-C.

    Example: caretaker run --broker mqtt://192.168.1.5:1883
    """
    settings, file = settings_of(data, site)
    settings = replace(
        settings,
        broker=replace(settings.broker, url=broker or settings.broker.url),
        api=replace(settings.api, port=port or settings.api.port),
    )
    if standby:
        wait_to_lead(data, settings)
    secrets = with_devices(data, load_or_create(data), [METER])
    logins = tuple(
        Login(name, password, () if name == METER else device_topics(name))
        for name, password in secrets.device_passwords.items()
    )
    running = App(
        settings,
        data_dir=data,
        clock=SystemClock(),
        secrets=secrets,
        site_file=file,
        logins=logins,
        standby=standby,
    )
    running.start()
    try:
        console.print(f"Caretaker watches {settings.name}. Look here:")
        console.print(f"  {running.url}/#token={secrets.operator_token}")
        if running.broker is not None:
            meter = running.broker.address(METER)
            console.print(f"  devices send to mqtt://{settings.broker.host}:{meter.port}")
            console.print(f"  as user {METER}, password {meter.password}")
        console.print("Ctrl-C stops it; nothing is lost.")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: running.end())
        running.wait()
    finally:
        running.stop()


def wait_to_lead(data: Path, settings: SiteSettings) -> None:
    """Return when nobody leads these data any more. Raises CaretakerError for a broker inside."""
    if not settings.broker.url:
        raise CaretakerError(
            "a stand-by needs a broker that outlives the one at work: name it in [broker] url"
        )
    console.print("Standing by.")
    while True:
        if (data / JOURNAL).exists():
            connection = open_reader(data / JOURNAL)
            try:
                if lease.expired(connection):
                    return
            finally:
                connection.close()
        time.sleep(1.0)


@app.command()
def simulate(
    broker: Annotated[str, typer.Option(help="Where to publish, mqtt://user:password@host:1883.")],
    speed: Annotated[float, typer.Option(min=1, max=600, help="Simulated seconds a second.")] = 1.0,
    state: Annotated[
        Path, typer.Option(help="Where the campus is kept, to go on from there.")
    ] = Path("campus.json"),
) -> None:
    """Publish the simulated school to any broker.

    Example: caretaker simulate --broker mqtt://meter:secret@127.0.0.1:1883
    """
    address = address_of(broker, file="command line")
    now_ms = SystemClock().now_ms()
    campus = Campus(now_ms)
    if state.exists():
        campus = Campus.from_state(json.loads(state.read_text(encoding="utf-8")))
        now_ms = max(now_ms, campus.now_ms)
    campus.live = True
    clock = ScaledClock(now_ms, speed=speed)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await publish_live(
            campus,
            clock=clock,
            addresses={spec.id: address for spec in DEVICES},
            stop=stop,
            save=lambda found: save_state(state, campus, found),
        )

    console.print(f"{len(DEVICES)} devices publish to {address.host}:{address.port}. Ctrl-C stops.")
    asyncio.run(main())
