"""What a codec promises: it turns one message of its dialect into arrivals, and never guesses."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
from ingest.driver import Driver
from ingest.strict_json import parse
from ingest.transport.port import Message

MAX_NAME = 128
_UNREAD = object()
# By quality: whether the time is that of receipt, another one each time.
_CLOCKLESS = tuple(
    bool(quality & (Quality.NO_CLOCK | Quality.CLOCK)) for quality in range(1 << len(Quality))
)


class Meaning(StrEnum):
    """What the messages of a topic are."""

    READINGS = "readings"
    AVAILABILITY = "availability"
    STATUS = "status"  # neither: taken note of, not refused


class Route(Struct, frozen=True):
    """What a topic means to one driver, and the names that its template found in the topic."""

    driver: Driver
    names: Mapping[str, str]
    meaning: Meaning = Meaning.READINGS
    anywhere: bool = False
    """Whether the topic says nothing: only the payload tells that it is of this dialect."""

    @property
    def adds(self) -> bool:
        """Whether the dialects that know the topic are asked too: a mapping adds to them."""
        return bool(self.driver.options.get("adds"))


Shape = tuple[str, ...]
"""The keys of an object, in their order; of what is none, one of the following."""
LIST: Shape = ("list", "list")  # no object has a key twice
SCALAR: Shape = ("scalar", "scalar")
NO_JSON: Shape = ("no JSON", "no JSON")
_NO_OBJECTS = frozenset({LIST, SCALAR, NO_JSON})


def is_object(shape: Shape) -> bool:
    """Return whether a shape is that of an object."""
    return shape not in _NO_OBJECTS


class Heard:
    """A message on its way through the decoder; its JSON is parsed once, when first asked for.

    `json` stands in place of the payload's, where a codec has changed it.
    """

    __slots__ = ("_json", "message")

    def __init__(self, message: Message, json: Any = _UNREAD) -> None:
        self.message = message
        self._json = json

    @property
    def json(self) -> Any | Rejected:
        """The payload as JSON, or why it is none."""
        if self._json is _UNREAD:
            self._json = parse(self.message.payload)
        return self._json

    @property
    def shape(self) -> Shape:
        """What of the payload tells which dialects it may be."""
        payload = self.json
        if type(payload) is dict:
            return tuple(payload)
        if type(payload) is list:
            return LIST
        return NO_JSON if type(payload) is Rejected else SCALAR


Memory = Mapping[str, bytes]
"""What descriptor messages taught (`Arrival.knowledge`), of all codecs; it survives restarts.

Begin each key with the codec's name and a colon. Read-only: the decoder adds to it what an arrival
carries as `knowledge`, at once and in the journal; an empty value forgets the key.
"""


class Codec(Protocol):
    """Reads one dialect; one is built for each driver file that names it."""

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what a message became, one arrival a device; None when it is not its dialect.

        With None the next driver that knows the topic is asked. What it knows and cannot use it
        refuses with a reason (`refuse`). A message that only teaches returns an arrival with
        `knowledge`.
        """
        ...


@runtime_checkable
class Choosy(Protocol):
    """A codec for every topic that need not see every message."""

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return False where `decode` would say None to every payload of a shape.

        Asked where the topic says nothing (`{any+}`, or known `anywhere`), and remembered: it may
        judge by the shape alone.
        """
        ...


@runtime_checkable
class Teacher(Protocol):
    """A codec that tells which messages what it learned is about."""

    def explains(self, key: str, value: bytes) -> Iterable[str]:
        """Return parts of the topics of messages that a key of the memory, of this codec, explains.

        A message held for want of a meaning is read again when its topic holds one of them. A
        codec that learns and tells nothing has all of them read again.
        """
        ...


CALLED = "called:"
"""Before a device's key in what is learned: the key it goes by instead, after a new name."""

Factory = Callable[[Driver, Memory], Codec]
"""Builds the codec of a driver file; raises ConfigurationError for options it cannot use."""


def refuse(heard: Heard, driver: Driver, *refusals: Rejected) -> Arrival:
    """Return an arrival of a message that no device is known of."""
    message = heard.message
    return Arrival(
        topic=message.topic,
        payload=message.payload,
        received_ms=message.received_ms,
        driver=driver.name,
        rejected=refusals,
        retained=message.retained,
        qos=message.qos,
    )


def arrive(
    heard: Heard,
    driver: Driver,
    *,
    device: str,
    measured: Sequence[Measured] = (),
    rejected: Sequence[Rejected] = (),
    boot: str = "",
    sequence: tuple[int, ...] = (),
    model: str = "",
    available: bool | None = None,
    knowledge: tuple[tuple[str, bytes], ...] = (),
    replies: tuple[tuple[str, bytes], ...] = (),
) -> Arrival:
    """Return what one device of a message said.

    `device` is the whole key, `family:native-id`. Readings of a retained or a QoS 0 message are
    marked so; one stored under our time gets a digest, so that a redelivery is known again.
    """
    message = heard.message
    if message.retained or message.qos == 0:
        extra = Quality.RETAINED if message.retained else Quality.GOOD
        if message.qos == 0:
            extra |= Quality.QOS0
        measured = [
            Measured(m.channel, m.quantity, m.at_ms, m.value, m.quality | extra, m.ordinal)
            for m in measured
        ]
    topic, payload = message.topic, message.payload
    clockless = bool(measured) and _CLOCKLESS[measured[0].quality]
    return Arrival(
        topic,
        payload,
        message.received_ms,
        device,
        driver.name,
        tuple(measured),
        tuple(rejected),
        boot,
        sequence,
        message.retained,
        message.qos,
        model[:MAX_NAME],
        message.redelivered,
        digest_of(topic, payload, device) if clockless else b"",
        available,
        knowledge,
        replies,
    )


def usable_name(name: str) -> bool:
    """Return whether a device's own id can stand in a key: printable, 1..128 characters.

    >>> usable_name("三楼 水表/#2"), usable_name(""), usable_name("a\\nb")
    (True, False, False)
    """
    return name.isprintable() and 0 < len(name) <= MAX_NAME


def bad_name(heard: Heard, driver: Driver, name: str) -> Arrival:
    """Return the refusal of a message whose device has no usable id."""
    return refuse(heard, driver, Rejected(RejectReason.BAD_NAME, name[:60]))


def digest_of(topic: str, payload: bytes, device: str) -> bytes:
    """Return 16 bytes that stand for one device's part of one message (BLAKE2b, RFC 7693)."""
    told = topic.encode("utf-8", "surrogatepass"), payload, device.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(b"\0".join(told), digest_size=16).digest()
