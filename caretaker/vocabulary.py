"""The nouns every room shares: site, device, point, reading, arrival, rejection."""

from dataclasses import dataclass, field
from enum import IntFlag, StrEnum

from msgspec import Struct


class Quality(IntFlag):
    """What is known against a reading; 0 is good. Flags add up."""

    GOOD = 0
    ESTIMATED = 1  # computed, not measured
    SUSPECT = 2  # possible sentinel, spike or stuck value: stored, never judged as truth
    CLOCK = 4  # the device's clock was out of its window; the time of receipt is used
    RETAINED = 8  # the broker repeated it: never fresh, never clears an alert
    NO_CLOCK = 16  # the device sent no time; the time of receipt is used
    QOS0 = 32  # sent without delivery promise

    def __and__(self, other: int) -> "Quality":
        return QUALITIES[int.__and__(self, other)]

    def __or__(self, other: int) -> "Quality":
        return QUALITIES[int.__or__(self, other)]


QUALITIES = tuple(Quality(value) for value in range(1 << len(Quality)))
"""All flags by the number they are stored as; asking the enum takes a microsecond."""


def quality_of(value: int) -> Quality:
    """Return the flags that a stored number stands for.

    >>> quality_of(18)
    <Quality.SUSPECT|NO_CLOCK: 18>
    """
    return QUALITIES[value]


class RejectReason(StrEnum):
    """Why a payload, or a part of one, went to quarantine."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    TOO_DEEP = "too-deep"
    DUPLICATE_KEY = "duplicate-key"
    WRONG_SHAPE = "wrong-shape"
    WRONG_TYPE = "wrong-type"
    NOT_FINITE = "not-finite"
    OUT_OF_RANGE = "out-of-range"
    SENTINEL = "sentinel"
    UNKNOWN_QUANTITY = "unknown-quantity"
    UNKNOWN_UNIT = "unknown-unit"
    UNIT_MISSING = "unit-missing"  # nobody documents the unit: a person must name it
    NOT_LIVE = "not-live"  # a past register, a statistic, a setting: no reading of now
    BAD_CHECKSUM = "bad-checksum"
    NOT_BCD = "not-bcd"
    DEVICE_ERROR = "device-error"  # the device answered with an error
    NO_MEANING = "no-meaning"  # the message that describes this one was not heard yet
    BAD_NAME = "bad-name"
    BAD_TIME = "bad-time"
    NO_DRIVER = "no-driver"
    CONFLICT = "conflict"  # same point and instant, another value
    DRIVER_FAULT = "driver-fault"
    TOO_MANY_DEVICES = "too-many-devices"
    TOO_MANY_POINTS = "too-many-points"
    FLOOD = "flood"  # beyond the share of its device; kept raw or counted, not decoded


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refusal: why, and the evidence in a few words."""

    reason: RejectReason
    detail: str = ""


class Measured(Struct, frozen=True, gc=False):
    """One value of one channel of a device in canonical units, before it has a point id.

    A struct of msgspec, as `Arrival` and `Message` are: thousands are made a second, and a frozen
    dataclass takes ten times as long to make. Change one with `msgspec.structs.replace`.

    `ordinal` tells apart two readings of one point in the same millisecond; it is the device's
    sequence number where there is one, else 0.
    """

    channel: str
    quantity: str
    at_ms: int
    value: float
    quality: Quality = Quality.GOOD
    ordinal: int = 0


class Arrival(Struct, frozen=True, gc=False):
    """What one MQTT message became: readings of one device, refusals, or both.

    `device` is the stable key `family:native-id`; empty when no driver recognised the message.
    `sequence` holds the device's own message numbers within `boot`, if it counts. `available` is
    what a last will or a status message says of the connection; liveness is judged by readings.
    `knowledge` is what a descriptor message taught, key to value, an empty value to forget.
    `replies` are messages (topic, payload) to publish once this arrival is durable.
    """

    topic: str
    payload: bytes
    received_ms: int
    device: str = ""
    driver: str = ""
    measured: tuple[Measured, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    boot: str = ""
    sequence: tuple[int, ...] = ()
    retained: bool = False
    qos: int = 1
    model: str = ""
    redelivered: bool = False
    digest: bytes = b""
    """Set for messages stored under our time, so that a redelivery is known again."""
    available: bool | None = None
    knowledge: tuple[tuple[str, bytes], ...] = ()
    replies: tuple[tuple[str, bytes], ...] = ()
    repeats: int = 1
    """How many messages alike this stands for; more than one only where nothing else is kept."""


class Reading(Struct, frozen=True, gc=False):
    """A stored value of a point [canonical unit of its quantity] at an instant [ms UTC].

    A struct and no dataclass: it is made for each reading, and a frozen dataclass takes three
    times as long to make.
    """

    point: int
    at_ms: int
    value: float
    quality: Quality = Quality.GOOD


class DeviceStatus(StrEnum):
    """Where a device stands between first message and retirement."""

    HEARD = "heard"
    ADOPTED = "adopted"
    IGNORED = "ignored"
    RETIRED = "retired"
    INTERNAL = "internal"  # Caretaker's own: the canary, a drill; never shown, never counted


class DeviceRole(StrEnum):
    """What a device is for; rules and pages choose by it."""

    ELECTRICITY = "electricity"
    WATER = "water"
    ROOM = "room"
    FRIDGE = "fridge"
    FREEZER = "freezer"
    SAMPLE_FRIDGE = "sample_fridge"
    HOT_HOLDING = "hot_holding"
    DOOR = "door"
    OTHER = "other"

    @property
    def cold(self) -> bool:
        """Whether the device watches cold storage."""
        return self._value_ in _COLD

    @property
    def holds_food(self) -> bool:
        """Whether the device watches food, cold or hot."""
        return self._value_ in _FOOD


_COLD = frozenset({"fridge", "freezer", "sample_fridge"})  # asked for with each reading
_FOOD = _COLD | {"hot_holding"}


@dataclass(frozen=True, slots=True)
class Device:
    """A thing that publishes.

    `parent` is the id of the meter upstream (0: none, or the main meter); `limits` holds
    overrides of rule parameters (names of the rule book, e.g. `limit_hi_c`); `source` says
    who owns its settings: `file` (site.toml, read-only on the page) or `page`.
    """

    id: int
    key: str
    driver: str
    status: DeviceStatus
    name: str = ""
    role: DeviceRole = DeviceRole.OTHER
    building: str = ""
    area: str = ""
    parent: int = 0
    interval_s: int = 0
    first_heard_ms: int = 0
    last_heard_ms: int = 0
    last_topic: str = ""
    source: str = "page"
    model: str = ""
    limits: dict[str, float] = field(default_factory=dict)
    available: bool | None = None
    """What its last will or its gateway last said of the connection; None when nothing did."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measured quantity of one channel of one device."""

    id: int
    device: int
    channel: str
    quantity: str


class Severity(StrEnum):
    """How soon a person must act (ISA-18.2 priorities in words)."""

    NOTICE = "notice"
    ALARM = "alarm"
    CRITICAL = "critical"


class Truth(StrEnum):
    """The three answers of a rule."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


class Period(StrEnum):
    """A rollup's length; days are cut in the site's zone."""

    QUARTER_HOUR = "15min"
    HOUR = "hour"
    DAY = "day"
