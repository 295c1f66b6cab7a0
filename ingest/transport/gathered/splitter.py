"""Received bytes into messages and control packets, wherever the reads cut them."""

from dataclasses import dataclass

from ingest.transport.gathered.packets import Kind
from ingest.transport.port import Message

MAX_KEPT = 4 * 1024 * 1024
"""What a packet holds beyond this is read past and not kept; no decoder takes even a quarter."""

_GULP = 256 * 1024
SHORT = 4 * 1024
"""A packet of more bytes whose end is still to come is received in a place of its own."""

_MAX_SUBACK = 64 * 1024
_KNOWN_TOPICS = 20_000
_KNOWN_LENGTH = 256
_PUBLISH = Kind.PUBLISH << 4
_SUBACK = Kind.SUBACK << 4
_SIZES = {
    Kind.CONNACK << 4: 2,
    Kind.PUBACK << 4: 2,
    Kind.PUBREC << 4: 2,
    Kind.PUBREL << 4 | 2: 2,
    Kind.PUBCOMP << 4: 2,
    Kind.PINGRESP << 4: 0,
}


class ProtocolError(Exception):
    """The other side does not speak MQTT 3.1.1: the connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Control:
    """A packet that carries no message."""

    kind: Kind
    body: bytes

    @property
    def packet_id(self) -> int:
        """The packet id of those that begin with one."""
        return int.from_bytes(self.body[:2], "big")


class Splitter:
    """Takes the byte stream of one connection apart; holds no more than one packet of it.

    Bytes are received into `room`, and `filled` says how many they were. Messages as devices send
    them come many in one read; a long packet is received where it is put together, since each
    further copy of a megabyte makes the next message wait.

    `broken` says why the stream is of no more use once it cannot be MQTT; what was whole before is
    still handed out, the same wherever the reads cut.

    The `receipt` of a message is the connection's number above, its packet id in the lower 16 bits.
    """

    def __init__(self, generation: int = 0, *, most: int = MAX_KEPT, short: int = SHORT) -> None:
        self._receipt = generation << 16
        self._most, self._short = most, short
        self._gulp = memoryview(bytearray(_GULP))
        self._begun = b""
        self._long = memoryview(bytearray())
        self._have = self._need = 0
        self._skip = 0
        self._topics: dict[bytes, str] = {}
        self.broken = ""

    @property
    def room(self) -> memoryview:
        """Where the next bytes belong, from its beginning on."""
        if self._need:
            return self._long[self._have : self._need]
        return self._gulp[: self._skip] if self._skip else self._gulp

    def filled(self, count: int, received_ms: int) -> tuple[list[Message], list[Control]]:
        """Return what is whole now that so many bytes came into `room`, in order."""
        messages: list[Message] = []
        controls: list[Control] = []
        if not self.broken:
            try:
                if self._need:
                    self._add(count, received_ms, messages, controls)
                elif self._skip:
                    self._skip -= count
                else:
                    data = self._begun + bytes(self._gulp[:count])
                    self._split(data, received_ms, messages, controls)
            except ProtocolError as error:
                self.broken = str(error)
        return messages, controls

    def _split(
        self, data: bytes, received_ms: int, messages: list[Message], controls: list[Control]
    ) -> None:
        at, size, need = 0, len(data), 0
        while at + 1 < size:
            head, remaining, body = data[at], data[at + 1], at + 2
            if remaining > 127:
                remaining, body = _remaining(data[at + 1 : at + 5])
                if not body:
                    break
                body += at + 1
            if head & 0xF0 != _PUBLISH:
                _check(head, remaining)
            kept = min(remaining, self._most)
            end = body + kept
            if end > size:
                need = end - at
                break
            if head & 0xF0 == _PUBLISH:
                messages.append(self._message(data, head, body, end, received_ms))
            else:
                controls.append(Control(Kind(head >> 4), data[body:end]))
            at = end
            if kept < remaining:
                past = min(remaining - kept, size - at)
                self._skip = remaining - kept - past
                at += past
        self._begun = data[at:]
        if need > self._short:
            self._begin(need)

    def _begin(self, need: int) -> None:
        """Go on receiving a packet where all that is kept of it will stand."""
        if len(self._long) < need:
            self._long = memoryview(bytearray(need))
        self._have, self._need = len(self._begun), need
        self._long[: self._have] = self._begun
        self._begun = b""

    def _add(
        self, count: int, received_ms: int, messages: list[Message], controls: list[Control]
    ) -> None:
        self._have += count
        if self._have < self._need:
            return
        whole, end = self._long[: self._need], self._need
        self._need = 0
        head = whole[0]
        remaining, body = _remaining(bytes(whole[1:5]))
        body += 1
        if head & 0xF0 == _PUBLISH:
            messages.append(self._message(whole, head, body, end, received_ms))
        else:
            controls.append(Control(Kind(head >> 4), bytes(whole[body:])))
        self._skip = remaining - (end - body)

    def _message(
        self, data: bytes | memoryview, head: int, body: int, end: int, received_ms: int
    ) -> Message:
        start = body + 2
        payload = start + (data[body] << 8 | data[body + 1]) if start <= end else start
        name, receipt, qos = bytes(data[start:payload]), self._receipt, head >> 1 & 3
        if qos:
            packet_id = data[payload] << 8 | data[payload + 1] if payload + 2 <= end else 0
            if qos == 3 or not packet_id:
                raise ProtocolError("a PUBLISH without a packet id, or of no QoS")
            payload += 2
            receipt |= packet_id
        if payload > end:
            raise ProtocolError("a PUBLISH shorter than its topic")
        topic = self._topics.get(name) or self._name(name)
        retained, again = head & 1 == 1, head & 8 == 8
        content = bytes(data[payload:end])
        return Message(topic, content, received_ms, qos, retained, again, receipt)

    def _name(self, name: bytes) -> str:
        topic = name.decode("utf-8", "replace")
        if len(name) <= _KNOWN_LENGTH:
            if len(self._topics) >= _KNOWN_TOPICS:
                self._topics.clear()
            self._topics[name] = topic
        return topic


def _remaining(field: bytes) -> tuple[int, int]:
    """Return (remaining length, bytes of the field), (0, 0) while the field is not whole (2.2.3).

    >>> _remaining(b"\\x80\\x01"), _remaining(b"\\xff\\xff")
    ((128, 2), (0, 0))
    """
    value = 0
    for index, byte in enumerate(field):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, index + 1
    if len(field) == 4:
        raise ProtocolError("a remaining length of more than four bytes")
    return 0, 0


def _check(head: int, remaining: int) -> None:
    """Refuse by its first bytes what no server sends, before anything of it is kept."""
    if head == _SUBACK:
        if 3 <= remaining <= _MAX_SUBACK:
            return
    elif _SIZES.get(head) == remaining:
        return
    raise ProtocolError(f"a packet {head:#04x} of {remaining} bytes")
