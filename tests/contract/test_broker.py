"""Both embedded brokers keep what they promise, on real servers."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker.choose import embedded_broker
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.nats import NatsBroker
from ingest.broker.port import Address, Login
from ingest.broker.supervise import answers, free_port
from ingest.transport.choose import mqtt_transport
from ingest.transport.port import Message, Transport

LOGINS = (Login("caretaker", "c-secret"), Login("fridge", "f-secret", ("own/fridge/#",)))
AnyBroker = NatsBroker | MosquittoBroker


def until(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyBroker]:
    made = embedded_broker(
        request.param, data_dir=tmp_path / "broker", port=free_port(), logins=LOGINS
    )
    made.start()
    yield made
    made.stop()


def publish(address: Address, *messages: tuple[str, bytes], retain: bool = False) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set(address.username, address.password)
    taken: set[int] = set()
    cut: list[str] = []
    client.on_disconnect = lambda _c, _u, _f, reason, _p: cut.append(str(reason))
    client.on_publish = lambda _c, _u, mid, _r, _p: taken.add(mid)
    client.connect(address.host, address.port)
    client.loop_start()
    until(client.is_connected)
    for topic, payload in messages:
        # A broker may hang up on a forbidden topic; the client keeps the message and sends it
        # on the next connection, so its acknowledgement counts, or that it was cut off.
        mid = client.publish(topic, payload, qos=1, retain=retain).mid
        until(lambda wanted=mid: wanted in taken or cut)  # type: ignore[misc]
    client.disconnect()
    client.loop_stop()


def session(broker: AnyBroker) -> Transport:
    transport = mqtt_transport(broker.address("caretaker"), client_id="caretaker")
    transport.start()
    until(lambda: transport.connected)
    return transport


def collect(transport: Transport, count: int, *, within_s: float = 20.0) -> list[Message]:
    found: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < deadline:
        found += transport.receive(limit=1000, timeout_s=0.05)
    return found


def test_the_queue_of_an_absent_session_survives(broker: AnyBroker) -> None:
    transport = session(broker)
    time_to_subscribe = ("own/fridge/hello", b"")
    publish(broker.address("caretaker"), time_to_subscribe)
    transport.acknowledge(collect(transport, 1))
    transport.stop()
    publish(broker.address("caretaker"), *[("a/b", str(i).encode()) for i in range(300)])
    if broker.survives_kill:
        pid = broker.pid
        broker._child.signal(signal.SIGKILL)
        until(lambda: broker.pid not in {0, pid} and answers(broker.address("caretaker").port))
    again = session(broker)
    found = collect(again, 300)
    assert sorted(int(m.payload) for m in found if m.payload) == list(range(300))
    again.acknowledge(found)
    again.stop()


def test_what_is_not_acknowledged_comes_again(broker: AnyBroker) -> None:
    first = session(broker)
    publish(broker.address("caretaker"), *[("a/b", str(i).encode()) for i in range(20)])
    found = collect(first, 20)
    first.acknowledge(found[:8])
    first.stop()
    second = session(broker)
    assert sorted(int(m.payload) for m in collect(second, 12)) == list(range(8, 20))
    second.stop()


def test_a_killed_broker_is_started_again_and_flow_resumes(broker: AnyBroker) -> None:
    transport = session(broker)
    pid = broker.pid
    broker._child.signal(signal.SIGKILL)
    until(lambda: broker.pid not in {0, pid})
    until(lambda: not transport.connected)
    until(lambda: transport.connected, within_s=30)
    publish(broker.address("caretaker"), ("a/b", b"after"))
    assert [m.payload for m in collect(transport, 1)] == [b"after"]
    assert broker.restarts == 1
    transport.stop()


def test_a_device_may_use_its_own_topics_only(broker: AnyBroker) -> None:
    transport = session(broker)
    publish(broker.address("fridge"), ("other/topic", b"forbidden"))
    publish(broker.address("fridge"), ("own/fridge/air", b"allowed"))
    assert [m.payload for m in collect(transport, 1)] == [b"allowed"]
    transport.stop()


def test_a_wrong_password_is_refused_and_noticed(broker: AnyBroker) -> None:
    right = broker.address("fridge")
    events: list[tuple[str, str]] = []
    wrong = Address(right.host, right.port, "fridge", "wrong")
    stranger = mqtt_transport(
        wrong, client_id="stranger", on_event=lambda event, detail: events.append((event, detail))
    )
    stranger.start()
    until(lambda: any(event == "refused" for event, _ in events))
    assert not stranger.connected
    stranger.stop()
    until(lambda: broker.notices)
    assert "password" in broker.notices[-1]


def test_retained_is_marked_large_and_chinese_pass(broker: AnyBroker) -> None:
    publish(broker.address("caretaker"), ("食堂/冰箱", b"kept"), retain=True)
    transport = session(broker)
    (kept,) = collect(transport, 1)
    assert (kept.topic, kept.retained) == ("食堂/冰箱", True)
    transport.acknowledge([kept])
    publish(broker.address("caretaker"), ("big", b"x" * 2_000_000))
    (big,) = collect(transport, 1)
    assert len(big.payload) == 2_000_000
    transport.stop()


def test_logins_can_change_while_it_runs(broker: AnyBroker) -> None:
    transport = session(broker)
    broker.set_logins((*LOGINS, Login("door", "d-secret", ("own/door/#",))))

    def arrives() -> bool:
        publish(broker.address("door"), ("own/door/state", b"open"))
        return bool(collect(transport, 1, within_s=1))

    until(arrives)
    transport.stop()


def test_stop_leaves_no_process(broker: AnyBroker) -> None:
    port = broker.address("caretaker").port
    broker.stop()
    assert not broker.running
    assert not answers(port)
