"""How fast an alert is: from the publish of a reading to the notification handed to the channel.

One Caretaker under a steady load of readings, with its InfluxDB down and a job of analytics that
never rests in a thread of the same process. Prints figures, asserts none.

Run: python -m tests.bench.alerts [--seconds 40] [--rate 1000]
"""

import argparse
import json
import math
import os
import re
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from alerting.port import Notification, Notifier, Outcome
from caretaker.app import App
from caretaker.clock import MINUTE_MS, SystemClock
from caretaker.config import (
    ApiSettings,
    BrokerSettings,
    ChannelSettings,
    DeviceSettings,
    SiteSettings,
    WatchdogSettings,
)
from caretaker.secrets import load_or_create
from ingest.broker.port import Address, Login
from ingest.broker.supervise import free_port
from tests.bench import publishers, traffic

_PROBES = 400


@dataclass
class Ear:
    """The channel at the end; it notes when it first hears of each device after its probe."""

    name: str = "console"

    def __post_init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.sent: dict[str, float] = {}

    def deliver(self, notification: Notification) -> Outcome:
        """Take it."""
        at = time.monotonic()
        for name in re.findall(r"probe\d+", notification.title + notification.body):
            if name in self.sent:  # not what was said of it before, of its silence
                self.heard.setdefault(name, at)
        return Outcome(delivered=True)


def analytics(stop: threading.Event) -> None:
    """Compute without rest, as a model that is fitted: pure Python, so it holds the interpreter."""
    value = 0.0
    while not stop.is_set():
        for n in range(20_000):
            value += math.sin(n) * math.sqrt(n)


def percentile(values: list[float], share: float) -> float:
    """Return the value that so great a share lies at or below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def client_of(address: Address) -> mqtt.Client:
    """Return a connected publisher."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    return client


def measure(
    folder: Path, *, seconds: float, rate: float, broken_store: bool, busy: bool
) -> dict[str, Any]:
    """Return p50 and p99 [ms] of one run."""
    devices = tuple(
        DeviceSettings(f"native:load/probe{n}", name=f"probe{n}", role="fridge", interval_s=300)
        for n in range(_PROBES)
    )
    settings = SiteSettings(
        id="load",
        broker=BrokerSettings(kind="mosquitto", port=free_port()),
        api=ApiSettings(port=free_port()),
        channels=(ChannelSettings("console", "console", ("critical",), {"per_min": 1000}),),
        devices=devices,
        watchdog=WatchdogSettings(canary=False),
    )
    if broken_store:
        dead = f"http://127.0.0.1:{free_port()}"
        settings = replace(settings, influx=replace(settings.influx, url=dead))
    app = App(
        settings, data_dir=folder, clock=SystemClock(), secrets=load_or_create(folder),
        logins=(Login("bench", "secret"),),
    )  # fmt: skip
    ear = Ear()
    ears: dict[str, Notifier] = {"console": ear}
    app._desk._channels = ears
    app.start()
    stop = threading.Event()
    thread = threading.Thread(target=analytics, args=(stop,), daemon=True)
    if busy:
        thread.start()
    assert app.broker is not None
    messages = traffic.native(int(rate / 2 * seconds), site="load")  # two readings each
    load = publishers.start(app.broker.address("bench").port, messages, 2, folder, rate / 2)
    publishers.go(load)
    client = client_of(app.broker.address("bench"))
    cool_ms = time.time_ns() // 1_000_000 - 30 * MINUTE_MS
    for device in devices:  # known devices, as those of a school are
        body = {"at": cool_ms, "readings": {"air.temperature_c": 4.0}}
        topic = f"caretaker/1/{device.key.partition(':')[2]}/readings"
        client.publish(topic, json.dumps(body), qos=1)
    time.sleep(4.0)
    sent = ear.sent
    begun = time.monotonic()
    number = 0
    while time.monotonic() - begun < seconds - 6 and number < _PROBES:
        name = f"probe{number}"
        now_ms = time.time_ns() // 1_000_000
        body = {
            "batch": [
                {"at": now_ms - back * MINUTE_MS, "readings": {"air.temperature_c": value}}
                for back, value in ((10, 4.0), (5, 14.0), (0, 14.0))
            ]
        }
        sent[name] = time.monotonic()
        client.publish(f"caretaker/1/load/{name}/readings", json.dumps(body), qos=1)
        number += 1
        time.sleep(0.1)
    deadline = time.monotonic() + 30
    while len(ear.heard) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.05)
    stored = app.ingest.counters["stored"] if app.ingest else 0
    took_s = time.monotonic() - begun + 3.0
    for process in load:
        process.wait()
    stop.set()
    client.disconnect()
    client.loop_stop()
    app.stop()
    times = [(ear.heard[name] - at) * 1000 for name, at in sent.items() if name in ear.heard]
    return {
        "store": "down" if broken_store else "none",
        "analytics": "busy" if busy else "idle",
        "readings_per_s": round(stored / took_s),
        "alerts": len(sent),
        "handed_over": len(times),
        "p50_ms": round(percentile(times, 0.5), 1),
        "p99_ms": round(percentile(times, 0.99), 1),
        "max_ms": round(max(times), 1),
    }


def main() -> None:
    """Measure with and without trouble and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="readings a second")
    parser.add_argument("--worst-only", action="store_true", help="only with store down and busy")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cases = [(False, False), (True, False), (True, True)]
    rows = []
    for broken, busy in cases[2:] if options.worst_only else cases:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(
                measure(
                    Path(folder), seconds=options.seconds, rate=options.rate,
                    broken_store=broken, busy=busy,
                )
            )  # fmt: skip
    for name in rows[0]:
        print(f"{name:16}" + "".join(f"{row[name]!s:>12}" for row in rows))
    print(f"cores: {os.cpu_count()}, load: {os.getloadavg()[0]:.1f}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
