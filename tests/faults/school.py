"""A whole Caretaker as a process that can be killed, with a broker and a receiver that stay."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from caretaker import secrets
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from tests.contract.channel_servers import HttpService
from tests.faults.oracle import stored

ROOT = Path(__file__).resolve().parents[2]
MINUTE_MS = 60_000
PASSWORD = secrets._new()
_SITE = """
[site]
id = "s"
[broker]
url = "mqtt://127.0.0.1:{broker}"
username = "caretaker"
[api]
port = {page}
[watchdog]
canary = false
daily_note = 00:00:00
[[channel]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:{hook}/hook"
allow_private = true
per_min = 1000
severities = ["critical"]
"""
_FRIDGE = """
[[device]]
key = "native:s/f{n}"
name = "f{n}"
role = "fridge"
interval_s = 300
"""


def until(condition: Callable[[], object], *, within_s: float) -> float:
    """Wait for a condition and return how long it took [s]; fail when it does not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"it did not happen within {within_s} s")
        time.sleep(0.02)
    return time.monotonic() - began


def expected(readings: list[tuple[int, float]]) -> bool:
    """Say by the rule-book alone (2.3, A3) whether readings make a critical incident.

    Two samples running at or above 13 degC that lie at least four minutes apart.
    """
    first: int | None = None
    for at_ms, value in sorted(readings):
        if value < 13.0:
            first = None
        elif first is None:
            first = at_ms
        elif at_ms - first >= 4 * MINUTE_MS:
            return True
    return False


class School:
    """Broker, receiver, publisher, and the process under test."""

    def __init__(self, folder: Path, *, fridges: int, lease_ms: int = 15_000) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.issued: dict[str, list[tuple[int, float]]] = {}
        self._lease_ms = lease_ms
        self.broker = MosquittoBroker(
            data_dir=folder / "broker",
            port=free_port(),
            logins=(Login("caretaker", PASSWORD), Login("school", PASSWORD)),
        )
        self.broker.start()
        self.hook = HttpService("ok")
        self._fridges = fridges
        self.site_file()
        known = secrets.load_or_create(self.data)
        secrets._write(self.data / secrets.FILE, replace(known, external_broker_password=PASSWORD))
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        address = self.broker.address("school")
        self._client.username_pw_set("school", PASSWORD)
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        self.processes: list[subprocess.Popen[bytes]] = []

    def site_file(self, name: str = "site.toml") -> tuple[Path, int]:
        """Write a site file with a page port of its own."""
        page = free_port()
        port = self.broker.address("caretaker").port
        text = _SITE.format(broker=port, page=page, hook=self.hook.port)
        text += "".join(_FRIDGE.format(n=n) for n in range(self._fridges))
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path, page

    def start(
        self, *, fault: str = "", standby: bool = False, site: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start Caretaker as people do."""
        command = [sys.executable, "-m", "caretaker", "run", "--data", str(self.data)]
        command += ["--site", str(site or self.folder / "site.toml")]
        command += ["--standby"] if standby else []
        environment = os.environ | {
            "CARETAKER_FAULT": fault,
            "CARETAKER_LEASE_MS": str(self._lease_ms),
        }
        log = (self.folder / "log.txt").open("ab")
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        self.processes.append(process)
        return process

    def listening(self) -> bool:
        """Whether somebody is at work on the data."""
        with contextlib.suppress(OSError, ValueError):
            running = json.loads((self.data / "running.json").read_text(encoding="utf-8"))
            return any(running["pid"] == p.pid and p.poll() is None for p in self.processes)
        return False

    def ready(self) -> bool:
        """Whether the session stands at the broker: before that it keeps nothing for us."""
        body = json.dumps({"readings": {"temperature_c": 4.0}})
        self._client.publish("caretaker/1/s/probe/readings", body, qos=1).wait_for_publish(10)
        time.sleep(0.1)
        return self.listening() and stored(self.data / "journal.sqlite3") > 0

    def warm(self, fridge: str) -> None:
        """Publish twenty minutes of a fridge that got warm, as its gateway would send them."""
        now_ms = time.time_ns() // 1_000_000
        parts = [(now_ms - m * MINUTE_MS, 4.0 if m > 10 else 14.0) for m in (20, 15, 10, 5, 0)]
        self.issued.setdefault(fridge, []).extend(parts)
        body = [{"at": at, "readings": {"air.temperature_c": value}} for at, value in parts]
        topic = f"caretaker/1/s/{fridge}/readings"
        self._client.publish(topic, json.dumps({"batch": body}), qos=1).wait_for_publish(10)

    def told(self) -> Counter[str]:
        """Return the fridges that were told of; more than once only under the same key."""
        found: Counter[str] = Counter()
        keys: set[str] = set()
        for _, _, body in tuple(self.hook.got):
            message = json.loads(body)
            if message["kind"] in {"opened", "escalated"}:
                name = message["title"].partition("温度")[0].rpartition("：")[2]
                if message["key"] in keys or not found[name]:
                    found[name] += 1
                keys.add(message["key"])
        return found

    def wanted(self) -> list[str]:
        """Return the fridges that the rule-book says people must hear of."""
        return [name for name, readings in self.issued.items() if expected(readings)]

    def stop(self) -> None:
        """Stop everything that was started, by its own id."""
        for process in self.processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                    process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._client.disconnect()
        self._client.loop_stop()
        self.hook.stop()
        self.broker.stop()


@contextlib.contextmanager
def school(folder: Path, *, fridges: int, lease_ms: int = 15_000) -> Iterator[School]:
    """Lend a school."""
    made = School(folder, fridges=fridges, lease_ms=lease_ms)
    try:
        yield made
    finally:
        made.stop()
