"""A journal with a little school in it, and the real server on a real port."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.notify.links import Signer
from alerting.rules import standard_rules
from api.auth import Doorman
from api.server import PageServer, create_app
from api.services import Services
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, MINUTE_MS, ManualClock
from caretaker.config import DeviceSettings, SiteSettings
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage.devices import apply_file_settings
from storage.journal import Journal

START_MS = 1_788_220_800_000  # 2026-09-01 08:00 in Shanghai
TOKENS = {"viewer": "v-token", "operator": "o-token", "admin": "a-token"}
SITE = SiteSettings(
    devices=(
        DeviceSettings(key="native:s/main", name="总表", role="electricity", interval_s=60),
        DeviceSettings(key="native:s/fridge", name="1号冰箱", role="fridge", interval_s=300),
    )
)


@dataclass
class School:
    """The running server with its journal, clock and a way to send a message."""

    url: str
    journal: Journal
    clock: ManualClock
    send: Callable[[str, str], None]

    def client(self, role: str = "operator") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
        return httpx2.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=20)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    clock = ManualClock(START_MS)
    journal = Journal(tmp_path / "j.sqlite3", zone=SITE.zone, arithmetic=intervals, clock=clock)
    journal.open()
    journal.call(lambda c: apply_file_settings(c, SITE.devices, now_ms=START_MS))
    engine = Engine(standard_rules(SITE), lifecycle=Lifecycle(SITE))
    journal.set_judge(engine)
    decoder = Decoder(load_drivers(), clock=clock)

    def send(topic: str, payload: str) -> None:
        message = Message(topic, payload.encode(), clock.now_ms())
        journal.append(decoder.decode(message))

    parts = Services(
        site=SITE,
        journal=journal,
        clock=clock,
        calendar=SchoolCalendar(SITE.calendar, SITE.zone),
        decoder=decoder,
        doorman=Doorman.of(**TOKENS),
        checks=lambda: [("broker", True, "connected", "")],
        counters=lambda: ({"received": 3}, {"not-json": 1}),
        devices_changed=engine.devices_changed,
        started_ms=START_MS,
        version="test",
        signer=Signer.of(TOKENS["operator"], clock=clock),
    )
    page = PageServer(create_app(parts), host="127.0.0.1", port=0, file="test")
    page.start()
    # Two hours of a meter, and of a fridge that gets warm after the first half hour.
    for minute in range(0, 121, 5):
        energy = f'{{"readings":{{"energy_kwh":{1000 + minute / 10},"power_w":6000}}}}'
        send("caretaker/1/s/main/readings", energy)
        air = 4.0 if minute < 30 else 11.0
        send("caretaker/1/s/fridge/readings", f'{{"readings":{{"air.temperature_c":{air}}}}}')
        clock.advance(5 * MINUTE_MS)
    send("tele/plug/SENSOR", '{"ENERGY":{"Total":1.5,"Power":20}}')
    send("tele/plug/SENSOR", "no json")
    clock.at_ms = START_MS + 2 * HOUR_MS + 5 * MINUTE_MS
    journal.roll_up()
    yield School(page.url, journal, clock, send)
    page.stop()
    journal.close()
