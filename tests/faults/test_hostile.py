"""A device with a valid login at its worst: all of it is accounted for, and a fridge goes on."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from caretaker.clock import SystemClock
from ingest.broker.choose import embedded_broker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.gate import Gate
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.transport.choose import mqtt_transport
from storage import quarantine, tally
from storage.journal import Journal
from tests.faults.accounts import accounts
from tests.faults.hostile import Flood
from tests.faults.oracle import until

pytestmark = pytest.mark.fault

_FRIDGE = "caretaker/1/good/fridge/readings"
_HELD = {"stored", "duplicate", "nothing-to-read", "learned"}


@dataclass
class Site:
    """A broker, an ingest with its gate, and a fridge."""

    port: int
    journal: Journal
    ingest: Ingest
    gate: Gate
    fridge: mqtt.Client


@pytest.fixture
def site(mosquitto: str, tmp_path: Path) -> Iterator[Site]:
    assert mosquitto
    logins = (Login("caretaker", "secret"), Login("bad", "secret"))
    broker = embedded_broker("mosquitto", data_dir=tmp_path / "b", port=free_port(), logins=logins)
    broker.start()
    clock = SystemClock()
    zone = ZoneInfo("Asia/Shanghai")
    journal = Journal(tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=clock)
    journal.open()
    transport = mqtt_transport(broker.address("caretaker"), client_id="caretaker")
    gate = Gate(journal.knows, burst=500)
    decoder = Decoder(load_drivers(), clock=clock)
    ingest = Ingest(transport, decoder, journal, clock=clock, gate=gate)
    ingest.start()
    port = broker.address("caretaker").port
    fridge = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    fridge.username_pw_set("caretaker", "secret")
    fridge.connect("127.0.0.1", port)
    fridge.loop_start()
    until(lambda: transport.connected, within_s=15)
    try:
        yield Site(port, journal, ingest, gate, fridge)
    finally:
        fridge.disconnect()
        fridge.loop_stop()
        ingest.stop()
        journal.close()
        broker.stop()


_COUNTS = {
    "names": 6_000,
    "large": 12,
    "fast": 6_000,
    "nan": 6_000,
    "injection": 6_000,
    "nested": 200,
    "huge": 3_000,
    "keys": 6,
    "twice": 3_000,
    "bytes": 3_000,
    "topics": 100,
    "channels": 3_000,
    "times": 3_000,
    "mimic": 3_000,
    "homeassistant": 3_000,
    "homie": 3_000,
    "births": 3_000,
    "flapping": 3_000,
}
_REASONS = {
    "nested": "refused too-deep",
    "huge": "refused not-finite",
    "twice": "refused duplicate-key",
    "bytes": "refused not-utf8",
    "topics": "refused bad-name",
    "channels": "refused too-many-points",
    "times": "stored",
    "homeassistant": "learned",
    "homie": "learned",
    "births": "refused no-meaning",
    "flapping": "learned",
}
"""What some of each attack must come to, beside what is refused for its pace."""


@pytest.mark.parametrize(("mode", "count"), _COUNTS.items())
def test_every_message_of_an_attack_is_accounted_for(site: Site, mode: str, count: int) -> None:
    sent = 0

    def cool() -> None:
        nonlocal sent
        sent += 1
        body = json.dumps({"readings": {"co2_ppm": sent}})
        site.fridge.publish(_FRIDGE, body, qos=1).wait_for_publish(15)

    for _ in range(3):
        cool()
        # A device that the journal does not know yet shares the attacker's lot.
        until(lambda: site.ingest.counters["stored"] == sent, within_s=15)
    attacked: list[int] = []
    attack = threading.Thread(
        target=lambda: attacked.append(
            Flood(site.port, "bad", "secret").run(mode, count, rate_hz=1e6)
        )
    )
    attack.start()
    while attack.is_alive():
        cool()
        attack.join(0.03)  # within its own share
    assert attacked == [count]
    path = site.journal.path
    until(lambda: accounts(path).messages >= count + sent, within_s=60)

    rows = accounts(path).rows
    assert sum(rows.values()) == count + sent == site.ingest.counters["received"]
    assert site.ingest.counters["nothing_to_read"] == rows.get("nothing-to-read", 0)
    with site.journal.reader() as connection:
        fridge = connection.execute(
            "SELECT count(*) FROM reading AS r JOIN point AS p ON p.id = r.point"
            " JOIN device AS d ON d.id = p.device WHERE d.key = 'native:good/fridge'"
        ).fetchone()[0]
        held = quarantine.counts(connection)
        nothing = [row for row in tally.listing(connection) if row.fate is tally.Fate.NOTHING]
    assert fridge == sent
    # What is refused whole stands in quarantine; that may hold refused parts of others besides.
    for name, refused in rows.items():
        if name not in _HELD:
            assert held[name.removeprefix("refused ")] >= refused
    if mode == "injection":
        assert [row.driver for row in nothing] == ["tasmota"]
        assert nothing[0].last_topic.startswith("tele/")
        assert nothing[0].last_payload
    if count >= 3_000:
        assert rows["refused flood"] > count / 2
    if mode in _REASONS:
        assert rows[_REASONS[mode]] > 0
    assert len(held) < 30


def test_a_device_that_comes_and_goes_is_accounted_for_and_shuts_nobody_out(site: Site) -> None:
    for number in range(1, 4):
        body = json.dumps({"readings": {"co2_ppm": number}})
        site.fridge.publish(_FRIDGE, body, qos=1).wait_for_publish(15)
        until(lambda: site.ingest.counters["stored"] == number, within_s=15)  # noqa: B023  (at once)
    flood = Flood(site.port, "bad", "secret")
    acknowledged = flood.run("reconnecting", 4_000, rate_hz=1e6)
    assert flood.hung_up == 40
    site.fridge.publish(_FRIDGE, '{"readings": {"co2_ppm": 4}}', qos=1).wait_for_publish(15)
    path = site.journal.path
    # What it left behind unconfirmed may have been taken all the same.
    until(
        lambda: (
            accounts(path).messages == site.ingest.counters["received"] >= acknowledged + 4
            and _last(site.journal) == 4
        ),
        within_s=60,
    )


def _last(journal: Journal) -> float:
    with journal.reader() as connection:
        return float(
            connection.execute(
                "SELECT max(r.value) FROM reading AS r JOIN point AS p ON p.id = r.point"
                " JOIN device AS d ON d.id = p.device WHERE d.key = 'native:good/fridge'"
            ).fetchone()[0]
        )
