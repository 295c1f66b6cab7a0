"""MQTT packets made independently of the code under test, and streams of them."""

import struct

from hypothesis import strategies as st

MOST = 300
"""What a splitter of these tests keeps of a packet."""


def publish_packet(topic: bytes, payload: bytes, *, qos: int, packet_id: int, flags: int) -> bytes:
    """Encode a PUBLISH independently of the code under test."""
    body = struct.pack(">H", len(topic)) + topic
    body += struct.pack(">H", packet_id) if qos else b""
    body += payload
    size, field = len(body), b""
    while True:
        size, low = divmod(size, 128)
        field += bytes([low | (128 if size else 0)])
        if not size:
            return bytes([0x30 | qos << 1 | flags]) + field + body


CONTROLS = st.sampled_from(
    [
        b"\x20\x02\x01\x00",
        b"\x90\x03\x00\x01\x01",
        b"\x40\x02\x00\x07",
        b"\xd0\x00",
        b"\x62\x02\x00\x09",
    ]
)
PUBLISHES = st.builds(
    publish_packet,
    st.binary(max_size=40),
    st.binary(max_size=2 * MOST),
    qos=st.integers(0, 2),
    packet_id=st.integers(1, 0xFFFF),
    flags=st.sampled_from([0, 1, 8, 9]),
)
STREAMS = st.lists(PUBLISHES | CONTROLS, max_size=12).map(b"".join)
