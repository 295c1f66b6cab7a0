"""What has broken other systems, sent by a real client through a real broker (reliability 3.3)."""

import threading
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
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.transport.choose import mqtt_transport
from storage import quarantine
from storage.journal import Journal
from tests.faults.oracle import until
from tests.ingest.malformed import CORPUS

pytestmark = pytest.mark.fault

TOPICS = (
    "caretaker/1/test/UPPER CASE/readings".replace(" ", "_"),
    "caretaker/1//fridge/readings",
    "caretaker/1/test/fridge/readings/more",
    "tele//SENSOR",
    "nobody/knows/this",
)


@pytest.mark.parametrize("kind", ["nats", "mosquitto"])
def test_every_malformed_message_is_kept_and_the_next_good_one_is_stored(
    kind: str, tmp_path: Path
) -> None:
    login = Login("caretaker", "secret")
    broker = embedded_broker(kind, data_dir=tmp_path / "b", port=free_port(), logins=(login,))
    broker.start()
    clock = SystemClock()
    journal = Journal(
        tmp_path / "journal.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=clock,
    )
    journal.open()
    transport = mqtt_transport(broker.address("caretaker"), client_id="caretaker")
    ingest = Ingest(transport, Decoder(load_drivers(), clock=clock), journal, clock=clock)
    ingest.start()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set("caretaker", "secret")
    address = broker.address("caretaker")
    client.connect(address.host, address.port)
    client.loop_start()
    died: list[threading.ExceptHookArgs] = []
    threading.excepthook, before = died.append, threading.excepthook
    try:
        until(lambda: transport.connected, within_s=15)
        client.publish("caretaker/1/test/first/readings", b'{"readings":{"power_w":1}}', qos=1)
        until(lambda: ingest.counters["stored"] >= 1, within_s=15)
        for name, payload in CORPUS:
            topic = f"caretaker/1/test/{name}/readings"
            client.publish(topic, payload, qos=1).wait_for_publish(15)
        for topic in TOPICS:
            client.publish(topic, b'{"x": 1}', qos=1).wait_for_publish(15)
        client.publish("caretaker/1/test/last/readings", b'{"readings":{"power_w":2}}', qos=1)
        until(lambda: journal_has(journal, "native:test/last"), within_s=30)
        assert ingest.alive
        assert transport.connected
        with journal.reader() as connection:
            kept = {row.topic: row.reason for row in quarantine.listing(connection, limit=500)}
            values = connection.execute("SELECT count(*) FROM reading").fetchone()[0]
        missing = [name for name, _ in CORPUS if f"caretaker/1/test/{name}/readings" not in kept]
        assert not missing
        assert all(kept.values())
        assert values == 2  # the first good message and the last, nothing of the corpus
        assert not died
    finally:
        threading.excepthook = before
        client.disconnect()
        client.loop_stop()
        ingest.stop()
        journal.close()
        broker.stop()


def journal_has(journal: Journal, key: str) -> bool:
    return any(device.key == key for device in journal.devices())
