"""A plain number on a topic: what it is must stand in the topic, the unit too.

`school/hall/temperature_c` is a reading; `school/hall/temperature` says what but not in which unit,
so it is held until a person names it; anything else is not ours.
"""

from collections.abc import Sequence

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.port import (
    NO_JSON,
    SCALAR,
    Heard,
    Memory,
    Route,
    Shape,
    arrive,
    refuse,
    usable_name,
)
from ingest.codecs.values import Value, readings
from ingest.driver import Driver
from ingest.extract import number

_MAX_BYTES = 32
_LEVELS = 3


class Plain:
    """Reads a bare number by the last words of its topic."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._skipped = frozenset(driver.options.get("skipped", ()))
        self._topics: dict[str, tuple[Key, str] | None] = {}

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload is neither an object nor a list."""
        del anywhere
        return shape in (SCALAR, NO_JSON)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one value of a message; None when topic or payload is not plain."""
        del route
        message = heard.message
        if len(message.payload) > _MAX_BYTES or isinstance(
            number(message.payload.decode("utf-8", "replace").strip()), Rejected
        ):
            return None
        named = self._named(message.topic)
        if named is None:
            return None
        key, device = named
        if QUANTITIES[key.quantity].kind is Kind.STATE or not usable_name(device):
            return None
        if not key.unit and QUANTITIES[key.quantity].unit != "1":
            what = f"{key.quantity}: nothing says the unit"
            return (refuse(heard, self._driver, Rejected(RejectReason.UNIT_MISSING, what)),)
        text = message.payload.decode().strip()
        value = Value(key.quantity, text, key.unit, key.channel)
        found, refused = readings([value], received_ms=message.received_ms)
        name = self._driver.device.format(device=device)
        return (arrive(heard, self._driver, device=name, measured=found, rejected=refused),)

    def _named(self, topic: str) -> tuple[Key, str] | None:
        """Return what a topic names and of which device."""
        try:
            return self._topics[topic]
        except KeyError:
            pass
        levels = topic.split("/")
        found: tuple[Key, str] | None = None
        for back in range(1, min(_LEVELS, len(levels) - 1) + 1):
            level = levels[-back]
            if level.lower() in self._skipped:
                continue
            key = identify(level)
            if isinstance(key, Key):
                rest = [x for x in levels[:-back] if x.lower() not in self._skipped]
                found = (key, "/".join(rest))
            break
        if len(self._topics) < 10_000:
            self._topics[topic] = found
        return found
