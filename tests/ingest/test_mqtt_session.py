"""Caretaker's own MQTT receiver against brokers that misbehave, each a script of its test.

What it must do like every transport is in tests/contract/test_transport.py.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from ingest.broker.port import Address
from ingest.transport.gathered import packets, transport
from ingest.transport.gathered.packets import Kind
from ingest.transport.gathered.transport import GatheredTransport
from ingest.transport.port import Message
from tests.ingest.mqtt_bytes import PUBLISHES, publish_packet


def until(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Peer:
    """The broker's end of one connection, played by the test."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(15)
        self.connection = connection

    def expect(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.connection.recv(size - len(data))
            assert part, "hung up"
            data += part
        return data

    def packet(self) -> bytes:
        """Return the next whole packet; those a client sends here are short."""
        head = self.expect(2)
        assert head[1] < 128
        return head + self.expect(head[1])

    def welcome(self, *, present: bool = True) -> None:
        """Take CONNECT and SUBSCRIBE and grant both."""
        assert self.packet()[0] == 0x10
        self.send(bytes([0x20, 2, present, 0]))
        subscribe = self.packet()
        assert subscribe[0] == 0x82
        self.send(b"\x90\x03" + subscribe[2:4] + b"\x01")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def close(self) -> None:
        self.connection.close()


class Server:
    """Accepts the connections of a transport under test."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(15)
        self.address = Address("127.0.0.1", self.listener.getsockname()[1], "u", "p")

        self.peers: list[Peer] = []

    def accept(self) -> Peer:
        self.peers.append(Peer(self.listener.accept()[0]))
        return self.peers[-1]

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.listener.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(transport, "_BACKOFF_S", (0.01, 0.02))
    monkeypatch.setattr(transport, "_LEAVE_S", 0.05)
    made = Server()
    yield made
    made.close()


@contextmanager
def session(
    server: Server, events: list[tuple[str, str]] | None = None
) -> Iterator[GatheredTransport]:
    seen = [] if events is None else events
    made = GatheredTransport(
        server.address,
        client_id="c",
        on_event=lambda event, detail: seen.append((event, detail)),
        clock=ManualClock(5),
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def numbered(*ids: int) -> bytes:
    return b"".join(publish_packet(b"t", b"%d" % n, qos=1, packet_id=n, flags=0) for n in ids)


def take(transport: GatheredTransport, count: int) -> list[Message]:
    found: list[Message] = []
    deadline = time.monotonic() + 15
    while len(found) < count:
        found += transport.receive(limit=1_000, timeout_s=0.05)
        assert time.monotonic() < deadline
    return found


def test_nothing_is_acknowledged_unasked_and_then_in_order(server: Server) -> None:
    with session(server) as transport:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(*range(1, 101)))
        found = take(transport, 100)
        assert [m.payload for m in found] == [b"%d" % n for n in range(1, 101)]
        assert found[0].received_ms == 5
        peer.connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.connection.recv(1)  # nothing is acknowledged that is not said to be safe
        peer.connection.settimeout(15)
        transport.acknowledge(found[:60])
        assert peer.expect(240) == b"".join(
            b"\x40\x02" + struct.pack(">H", n) for n in range(1, 61)
        )


def test_what_came_by_an_earlier_connection_is_not_acknowledged_on_the_next(server: Server) -> None:
    with session(server) as transport:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(1, 2))
        old = take(transport, 2)
        peer.close()
        peer = server.accept()
        peer.welcome()
        until(lambda: transport.connected)
        transport.acknowledge(old)
        peer.send(publish_packet(b"t", b"2", qos=1, packet_id=2, flags=8))
        (again,) = take(transport, 1)
        assert again.redelivered
        transport.acknowledge([again])
        assert peer.packet() == b"\x40\x02\x00\x02"


def test_a_lost_session_is_told_and_subscribed_anew(server: Server) -> None:
    events: list[tuple[str, str]] = []
    with session(server, events) as transport:
        peer = server.accept()
        peer.welcome(present=True)
        until(lambda: transport.connected)
        peer.close()
        server.accept().welcome(present=False)
        until(lambda: [name for name, _ in events].count("connected") == 2)
        assert [n for n, _ in events] == ["connected", "disconnected", "session_lost", "connected"]


@pytest.mark.parametrize(
    "answer", [b"\x20\x02\x00\x04", b"HTTP/1.1 200 OK\r\n\r\n", b"\x20\x02", b""]
)
def test_after_any_refusal_it_tries_again(server: Server, answer: bytes) -> None:
    events: list[tuple[str, str]] = []
    with session(server, events) as transport:
        for _ in range(3):
            peer = server.accept()
            peer.packet()
            peer.send(answer)
            if len(answer) <= 2:
                peer.close()
        server.accept().welcome()
        until(lambda: transport.connected)
        assert ("refused", "wrong user name or password") in events or answer != b"\x20\x02\x00\x04"


def test_a_refused_subscription_is_told_and_tried_again(server: Server) -> None:
    events: list[tuple[str, str]] = []
    with session(server, events) as transport:
        peer = server.accept()
        peer.packet()
        peer.send(b"\x20\x02\x00\x00")
        peer.packet()
        peer.send(b"\x90\x03\x00\x01\x80")
        until(lambda: events)
        assert events[0][0] == "refused"
        assert not transport.connected
        server.accept().welcome()
        until(lambda: transport.connected)


def test_garbage_in_the_middle_costs_the_connection_only(server: Server) -> None:
    with session(server) as transport:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(1) + b"\xff\xff\xff\xff\xff\xff")
        (before,) = take(transport, 1)
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(1, 2))
        assert [m.payload for m in take(transport, 2)] == [b"1", b"2"]
        assert before.payload == b"1"


def test_a_silent_broker_is_pinged_and_left(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_KEEPALIVE_S", 0.2)
    monkeypatch.setattr(transport, "_ANSWER_S", 1.5)
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        assert peer.packet() == packets.PINGREQ
        peer.send(b"\xd0\x00")
        assert peer.packet() == packets.PINGREQ
        assert made.connected
        peer = server.accept()  # the second ping stays without an answer
        # It accepts and says nothing at all: left as well.
        server.accept().welcome()
        until(lambda: made.connected)


def test_with_its_hands_full_it_reads_no_more_but_stays_alive(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_KEEPALIVE_S", 0.2)
    monkeypatch.setattr(transport, "_HELD", 50)
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(*range(1, 101)))
        until(lambda: made._taken_in == 100)
        peer.send(numbered(*range(101, 201)))
        for _ in range(3):
            assert peer.packet() == packets.PINGREQ
            peer.send(b"\xd0\x00")
        assert made._taken_in == 100
        assert [m.payload for m in take(made, 200)] == [b"%d" % n for n in range(1, 201)]
        assert made.connected


def test_a_batch_is_bounded_by_number_and_by_bytes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_BATCH_BYTES", 1_000)
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        body = [publish_packet(b"t", b"x" * 400, qos=0, packet_id=0, flags=0)] * 10
        peer.send(b"".join(body))
        until(lambda: made._taken_in == 10)
        sizes = [len(made.receive(limit=2, timeout_s=1)) for _ in range(2)]
        sizes += [len(made.receive(limit=9, timeout_s=1)) for _ in range(2)]
        assert sizes == [2, 2, 3, 3]
        peer.send(publish_packet(b"t", b"x" * 5_000, qos=0, packet_id=0, flags=0))
        assert len(take(made, 1)[0].payload) == 5_000


def test_what_it_publishes_is_sent_again_until_confirmed(server: Server) -> None:
    with session(server) as made:
        made.publish("early", b"lost")  # not connected: best effort
        peer = server.accept()
        peer.welcome()
        until(lambda: made.connected)
        made.publish("a", b"1")
        made.publish("a", b"2", retain=True)
        made.publish("a", b"3", qos=0)
        first, second, third = peer.packet(), peer.packet(), peer.packet()
        assert (first[0], second[0], third[0]) == (0x32, 0x33, 0x30)
        peer.send(b"\x40\x02" + first[5:7])
        until(lambda: len(made._unconfirmed) == 1)
        peer.close()
        peer = server.accept()
        peer.packet()
        peer.send(b"\x20\x02\x01\x00")
        assert peer.packet()[0] == 0x82
        repeated = peer.packet()
        assert repeated == bytes([second[0] | 8]) + second[1:]


def test_a_message_of_qos_2_is_kept_once_and_concluded(server: Server) -> None:
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        peer.send(publish_packet(b"t", b"2", qos=2, packet_id=9, flags=0))
        made.acknowledge(take(made, 1))
        assert peer.packet() == packets.answers(Kind.PUBREC, [9])
        peer.send(b"\x62\x02\x00\x09")
        assert peer.packet() == packets.answers(Kind.PUBCOMP, [9])


def test_stopping_sends_what_is_queued_and_says_goodbye(server: Server) -> None:
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(1))
        made.acknowledge(take(made, 1))
    assert peer.expect(6) == b"\x40\x02\x00\x01" + packets.DISCONNECT
    assert peer.connection.recv(1) == b""


def test_a_broker_that_still_sends_loses_no_acknowledgement_at_the_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_LEAVE_S", 5.0)
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        peer.send(numbered(*range(1, 101)))
        made.acknowledge(take(made, 100))
        made._stopping.set()
        for number in range(101, 301):
            with contextlib.suppress(OSError):
                peer.send(numbered(number))
        assert len(peer.expect(402)) == 402
        peer.close()


def test_a_stop_while_nobody_answers_is_quick() -> None:
    nowhere = Address("127.0.0.1", 1)
    made = GatheredTransport(nowhere, client_id="c")
    made.start()
    began = time.monotonic()
    made.stop()
    assert time.monotonic() - began < 5
    assert not made.connected


@given(data=st.lists(st.binary(min_size=1, max_size=60) | PUBLISHES, max_size=6))
def test_no_bytes_end_the_thread(data: list[bytes]) -> None:
    server = Server()
    before = transport._BACKOFF_S, transport._LEAVE_S
    transport._BACKOFF_S, transport._LEAVE_S = (0.001, 0.002), 0.01
    try:
        with session(server) as made:
            peer = server.accept()
            peer.welcome()
            for part in data:
                try:
                    peer.send(part)
                except OSError:
                    break  # it has hung up on us
            peer.close()
            peer = server.accept()
            peer.welcome()
            peer.send(numbered(77))
            while take(made, 1)[-1].payload != b"77":
                pass
            assert made._thread is not None
            assert made._thread.is_alive()
    finally:
        transport._BACKOFF_S, transport._LEAVE_S = before
        server.close()


def test_threads_may_publish_while_it_receives(server: Server) -> None:
    with session(server) as made:
        peer = server.accept()
        peer.welcome()
        until(lambda: made.connected)

        def speak() -> None:
            for _ in range(100):
                made.publish("a", b"x")

        threads = [threading.Thread(target=speak) for _ in range(4)]
        for thread in threads:
            thread.start()
        ids = [peer.packet()[5:7] for _ in range(400)]
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 400


def test_no_session_without_a_client_id() -> None:
    with pytest.raises(ValueError, match="client id"):
        GatheredTransport(Address("h", 1), client_id="")
