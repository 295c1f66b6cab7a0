"""What every transport promises: order, batches, redelivery of what was not acknowledged."""

import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from caretaker import config
from ingest.broker.choose import embedded_broker
from ingest.broker.port import Address, Login
from ingest.broker.supervise import free_port
from ingest.transport.choose import RECEIVERS, mqtt_transport
from ingest.transport.memory import MemoryTransport
from ingest.transport.port import Message, Transport


class Wire:
    """A transport under test with the other end of its wire."""

    def __init__(self, address: Address | None, receiver: str = "") -> None:
        self._address = address
        self._receiver = receiver
        self._memory = MemoryTransport() if address is None else None

    def session(self) -> Transport:
        if self._address is None:
            assert self._memory is not None
            self._memory.start()
            return self._memory
        made = mqtt_transport(
            self._address, client_id="session", topics=("x/#",), receiver=self._receiver
        )
        made.start()
        deadline = time.monotonic() + 15
        while not made.connected:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return made

    def send(self, *payloads: bytes) -> None:
        if self._memory is not None:
            for payload in payloads:
                self._memory.deliver(Message("x/a", payload, 0))
            return
        assert self._address is not None
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        client.username_pw_set(self._address.username, self._address.password)
        client.connect(self._address.host, self._address.port)
        client.loop_start()
        for payload in payloads:
            client.publish("x/a", payload, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()


EVERY = [("", "memory"), *product(sorted(RECEIVERS), ["nats", "mosquitto"])]


@pytest.fixture(params=EVERY, ids="-".join)
def wire(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wire]:
    receiver, kind = request.param
    if not receiver:
        yield Wire(None)
        return
    broker = embedded_broker(
        kind,
        data_dir=tmp_path / "b",
        port=free_port(),
        logins=(Login("caretaker", "secret"),),
    )
    broker.start()
    yield Wire(broker.address("caretaker"), receiver)
    broker.stop()


def collect(transport: Transport, count: int) -> list[Message]:
    found: list[Message] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        batch = transport.receive(limit=3, timeout_s=0.05)
        assert len(batch) <= 3
        found += batch
    return found


def test_every_receiver_can_be_chosen_in_the_site_file() -> None:
    assert set(RECEIVERS) == set(config.RECEIVERS)


def test_messages_come_in_order_and_in_batches(wire: Wire) -> None:
    session = wire.session()
    payloads = [f"{n}".encode() for n in range(20)]
    wire.send(*payloads)
    batch = collect(session, 1)
    assert len(batch) <= 3
    rest = collect(session, 20 - len(batch))
    # On a slow machine a broker may send what is not acknowledged again meanwhile.
    first = [m.payload for m in (*batch, *rest) if not m.redelivered]
    assert first == payloads[: len(first)]
    assert {m.payload for m in (*batch, *rest)} == set(payloads[: len(first)])
    session.acknowledge((*batch, *rest))
    session.stop()


def test_messages_of_every_size_come_whole(wire: Wire) -> None:
    session = wire.session()
    sizes = (0, 1, 4_080, 4_096, 4_100, 65_536, 262_130, 262_144, 262_160, 1_000_000, 7, 3_000_000)
    sent = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    wire.send(*sent)
    found = [message.payload for message in collect(session, len(sizes))]
    session.stop()
    assert found == sent


def test_what_was_not_acknowledged_comes_again_and_the_rest_does_not(wire: Wire) -> None:
    session = wire.session()
    wire.send(b"done", b"open")
    first = collect(session, 2)
    session.acknowledge(first[:1])
    time.sleep(0.3)  # the PUBACK is on its way while the session is still there
    session.stop()
    session = wire.session()
    again = collect(session, 1)
    assert [m.payload for m in again] == [b"open"]
    session.acknowledge(again)
    session.stop()


def test_messages_wait_while_nobody_listens(wire: Wire) -> None:
    wire.session().stop()
    wire.send(b"waited")
    session = wire.session()
    found = collect(session, 1)
    assert [m.payload for m in found] == [b"waited"]
    session.stop()
