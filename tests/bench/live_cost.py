"""What watching costs while readings come in: CPU of rules and rollups beside storing alone.

Run: python -m tests.bench.live_cost [--units 400] [--rate 1000] [--seconds 60]. Cold units send
air, food and door; the same messages are decoded and committed every 50 ms of virtual time, first
bare, then with the rollups, then with the rules too, each on a journal of its own in one process.
Printed are CPU microseconds a reading and their ratio to bare, and what of a core the given rate
takes. The clock is virtual: the figures do not depend on what else the machine does in between,
but CPU time itself grows on a busy one.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.rules import standard_rules
from caretaker.clock import ManualClock
from caretaker.config import SiteSettings
from caretaker.vocabulary import DeviceRole
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage import devices
from storage.commit import Committer
from storage.connection import open_writer
from storage.rollup import Roller

START_MS = 1_788_220_800_000
STEP_MS = 50
READINGS = 3  # a message
WAYS = ("bare", "rollups", "rollups and rules")


def messages(units: int, rate: float, seconds: float) -> list[list[Message]]:
    """Return what arrives in each step: every unit in turn, evenly spread over time."""
    steps: list[list[Message]] = []
    sent = 0
    for step in range(round(seconds * 1000 / STEP_MS)):
        at_ms = START_MS + step * STEP_MS
        due = round((step + 1) * STEP_MS / 1000 * rate / READINGS)
        found = []
        for number in range(sent, due):
            turn, unit = divmod(number, units)
            body = {
                "at": at_ms,
                "seq": turn + 1,
                "readings": {
                    "air.temperature_c": 3.5 + turn % 7 / 10,
                    "food.temperature_c": 3.9 + turn % 3 / 10,
                    "door": int(turn % 40 == 0),
                },
            }
            topic = f"caretaker/1/bench/unit-{unit}/readings"
            found.append(Message(topic, json.dumps(body).encode(), at_ms))
        steps.append(found)
        sent = due
    return steps


def run(folder: Path, way: str, steps: list[list[Message]]) -> tuple[float, int]:
    """Return (CPU seconds, readings) of decoding and committing, after a warm-up of a tenth.

    The parts are called as the journal's writer calls them, without its thread.
    """
    site = SiteSettings(id="bench", zone=ZoneInfo("Asia/Shanghai"))
    connection = open_writer(folder / f"{way}.sqlite3")
    decoder = Decoder(load_drivers(folder / "drivers"), clock=ManualClock(START_MS))
    committer = Committer()
    committer.load(connection)
    roller = Roller(zone=site.zone, arithmetic=intervals)
    engine = Engine(standard_rules(site), lifecycle=Lifecycle(site))
    begun, readings = 0.0, 0
    for number, step in enumerate(steps):
        if number == len(steps) // 10:
            adopt(connection)
            engine.load(connection)
            engine.devices_changed()
            begun, readings = time.process_time(), 0
        if not step:
            continue
        now_ms = step[-1].received_ms
        arrivals = [a for message in step for a in decoder.decode(message)]
        connection.execute("BEGIN IMMEDIATE")
        stored = committer.write(connection, arrivals, now_ms=now_ms)
        readings += len(stored.readings)
        if way == WAYS[2] and begun:
            engine.judge(connection, stored.readings, now_ms=now_ms)
        connection.execute("COMMIT")
        if way != WAYS[0] and number % 5 == 4:  # every quarter of a second
            connection.execute("BEGIN IMMEDIATE")
            for mark in roller.drain(connection, limit=4_000):
                committer.dirty.pop(mark, None)
            connection.execute("COMMIT")
    spent = time.process_time() - begun
    connection.close()
    return spent, readings


def adopt(connection: sqlite3.Connection) -> None:
    """Make every unit heard so far a fridge that is judged."""
    connection.execute("BEGIN IMMEDIATE")
    for device in devices.devices(connection):
        devices.adopt(connection, device.id, name=device.key, role=DeviceRole.FRIDGE)
    connection.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=400)
    parser.add_argument("--rate", type=float, default=1000.0, help="readings a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of virtual time")
    given = parser.parse_args()
    steps = messages(given.units, given.rate, given.seconds)
    print(f"{given.units} cold units, {given.rate:g} readings a second, {STEP_MS} ms a commit")
    bare_us = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for way in WAYS:
            spent, readings = run(Path(scratch), way, steps)
            each_us = spent / readings * 1e6
            bare_us = bare_us or each_us
            print(
                f"{way:20} {each_us:7.1f} us a reading  {each_us / bare_us:5.2f} x bare"
                f"  {each_us * given.rate / 1e4:5.1f} % of a core",
                flush=True,
            )


if __name__ == "__main__":
    main()
