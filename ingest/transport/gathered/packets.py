"""MQTT 3.1.1 control packets as bytes, for what a receiver sends (OASIS mqtt-v3.1.1-os)."""

from collections.abc import Sequence
from enum import IntEnum
from struct import pack

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
MAX_REMAINING = 268_435_455
"""The longest packet the standard knows (2.2.3) [bytes]."""

_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker does not take this client id",
    3: "the broker is not available",
    4: "wrong user name or password",
    5: "not authorised",
}


class Kind(IntEnum):
    """The packet types a receiver meets (2.2.1)."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBACK = 9
    PINGRESP = 13


def length(size: int) -> bytes:
    """Return the remaining-length field (2.2.3).

    >>> length(127).hex(), length(128).hex(), length(268_435_455).hex()
    ('7f', '8001', 'ffffff7f')

    Raises ValueError for more than the standard knows.
    """
    if not 0 <= size <= MAX_REMAINING:
        raise ValueError(f"no MQTT packet has {size} bytes")
    field = bytearray()
    while True:
        size, low = divmod(size, 128)
        field.append(low | 0x80 if size else low)
        if not size:
            return bytes(field)


def text(value: str) -> bytes:
    """Return a string with its length before it (1.5.3); raises ValueError beyond 65535 bytes."""
    encoded = value.encode("utf-8")
    if len(encoded) > 0xFFFF:
        raise ValueError("no MQTT string is longer than 65535 bytes")
    return pack(">H", len(encoded)) + encoded


def connect(client_id: str, *, keepalive_s: int, username: str = "", password: str = "") -> bytes:
    """Return a CONNECT that resumes the session of this client id (3.1)."""
    flags, body = 0, text(client_id)
    if username:
        flags |= 0x80
        body += text(username)
        if password:
            flags |= 0x40
            body += text(password)
    body = text("MQTT") + pack(">BBH", 4, flags, keepalive_s) + body
    return b"\x10" + length(len(body)) + body


def subscribe(packet_id: int, topics: Sequence[str]) -> bytes:
    """Return a SUBSCRIBE for these filters at QoS 1 (3.8)."""
    body = pack(">H", packet_id) + b"".join(text(topic) + b"\x01" for topic in topics)
    return b"\x82" + length(len(body)) + body


def publish(topic: str, payload: bytes, *, packet_id: int = 0, retain: bool = False) -> bytes:
    """Return a PUBLISH, at QoS 1 where it has a packet id and at QoS 0 otherwise (3.3).

    >>> publish("a", b"x").hex(), publish("a", b"x", packet_id=5, retain=True).hex()
    ('300400016178', '3306000161000578')
    """
    body = text(topic) + (pack(">H", packet_id) if packet_id else b"") + payload
    return bytes([0x30 | 2 * bool(packet_id) | retain]) + length(len(body)) + body


def again(packet: bytes) -> bytes:
    """Return a PUBLISH marked as sent before (3.3.1.1)."""
    return bytes([packet[0] | 0x08]) + packet[1:]


def answers(kind: Kind, packet_ids: Sequence[int]) -> bytes:
    """Return one PUBACK, PUBREC or PUBCOMP for each packet id, in this order, as one write.

    >>> answers(Kind.PUBACK, [1, 515]).hex(" ", 4)
    '40020001 40020203'
    """
    head = kind << 12 | 2
    words = [head] * (2 * len(packet_ids))
    words[1::2] = packet_ids
    return pack(f">{len(words)}H", *words)


def refusal(code: int) -> str:
    """Return what a CONNACK return code says (3.2.2.3)."""
    return _REFUSALS.get(code, f"return code {code}")
