"""Caretaker's own MQTT receiver against any bytes, cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.transport.gathered import packets
from ingest.transport.gathered.splitter import Control, Splitter
from ingest.transport.port import Message
from tests.ingest.mqtt_bytes import MOST, PUBLISHES, STREAMS, publish_packet

LONG = 100
"""Bytes of an unfinished packet from which on it is received in a place of its own."""

CUTS = st.lists(st.integers(0, 4_000), max_size=30)


def feed(splitter: Splitter, data: bytes) -> tuple[list[Message], list[Control]]:
    """Receive some bytes as a socket would hand them over."""
    messages: list[Message] = []
    controls: list[Control] = []
    while data:
        room = splitter.room
        count = min(len(room), len(data))
        room[:count] = data[:count]
        some, others = splitter.filled(count, 7)
        messages += some
        controls += others
        data = data[count:]
    return messages, controls


def split(stream: bytes, cuts: list[int]) -> tuple[list[Message], list[Control], str]:
    """Feed a stream in pieces; return what came of it and why it ended, if it did."""
    taken = Splitter(3, most=MOST, short=LONG)
    messages: list[Message] = []
    controls: list[Control] = []
    edges = [0, *sorted(c for c in cuts if c < len(stream)), len(stream)]
    for low, high in pairwise(edges):
        some, others = feed(taken, stream[low:high])
        messages += some
        controls += others
        assert len(taken._begun) + len(taken._long) <= 2 * (MOST + 5)
    return messages, controls, taken.broken


@given(STREAMS, CUTS)
def test_a_stream_means_the_same_wherever_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole = split(stream, [])
    assert whole[2] == ""
    assert split(stream, cuts) == whole
    assert split(stream, list(range(len(stream)))) == whole


@given(st.lists(PUBLISHES, max_size=12), CUTS)
def test_every_message_of_a_stream_comes_out_once_in_order(
    sent: list[bytes], cuts: list[int]
) -> None:
    messages, controls, _ = split(b"".join(sent), cuts)
    assert len(messages) == len(sent)
    assert not controls
    for message, packet in zip(messages, sent, strict=True):
        assert (message.qos, message.retained) == (packet[0] >> 1 & 3, bool(packet[0] & 1))
        assert message.payload in packet
        assert message.received_ms == 7
        assert message.receipt >> 16 == 3


@given(st.binary(max_size=600), CUTS)
def test_any_bytes_end_in_messages_or_in_a_broken_stream(data: bytes, cuts: list[int]) -> None:
    assert split(data, cuts) == split(data, [])


@given(STREAMS.filter(bool), st.integers(0, 10_000), st.integers(0, 255), CUTS)
def test_a_damaged_stream_never_does_worse(
    stream: bytes, at: int, byte: int, cuts: list[int]
) -> None:
    damaged = bytearray(stream)
    damaged[at % len(stream)] = byte
    assert split(bytes(damaged), cuts) == split(bytes(damaged), [])


def test_what_is_beyond_the_limit_is_read_past_and_the_next_message_is_whole() -> None:
    large = publish_packet(b"t", b"x" * 10_000, qos=1, packet_id=1, flags=0)
    after = publish_packet(b"u", b"after", qos=1, packet_id=2, flags=0)
    messages, _, _ = split(large + after, list(range(0, 10_100, 97)))
    assert [(m.topic, m.receipt & 0xFFFF) for m in messages] == [("t", 1), ("u", 2)]
    assert messages[0].payload == b"x" * (MOST - 5)  # topic and packet id are kept, too
    assert messages[1].payload == b"after"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x10\x00",  # CONNECT, from a server
        b"\x20\x05hello",  # a CONNACK of five bytes
        b"\x32\x03\x00\x01a",  # QoS 1 without a packet id
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
        b"\x30\x02\x00\x09",  # a topic longer than the packet
        b"\x30\x01a",  # a packet shorter than a length
        b"\x90\xff\xff\x7fx",  # a SUBACK of megabytes
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_what_no_broker_sends_is_refused_at_once(stream: bytes) -> None:
    assert split(stream, [])[2]
    assert split(stream, list(range(len(stream))))[2]


@given(st.integers(0, 200_000))
def test_lengths_are_read_as_they_are_written(size: int) -> None:
    packet = packets.publish("t", b"x" * size)
    (message,), _ = feed(Splitter(), packet)
    assert len(message.payload) == size
