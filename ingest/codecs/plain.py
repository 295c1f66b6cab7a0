"""A plain number on a topic: what it is must stand in the topic, the unit too.

`school/hall/temperature_c` is a reading; `school/hall/temperature` says what but not in which unit,
so it is held until a person names it; anything else is not ours. A unit may stand behind the
number, `21.5 °C`. A level that is a phase is the channel: `meter/l2/voltage_v`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.keys import Key, identify, of_gas
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
from ingest.codecs.words import PHASED_UNITS
from ingest.driver import Driver
from ingest.extract import number

_MAX_BYTES = 32
_LEVELS = 3
_WITH_UNIT = re.compile(
    r"([+-]?\d{1,15}(?:\.\d{1,12})?) ?([^\d\s.,;:+-][^\d\s,;:+-]{0,7}|m3(?:/h)?|ft3)",
    re.ASCII,
)
_PHASE = {"l1": "a", "l2": "b", "l3": "c", "phase_a": "a", "phase_b": "b", "phase_c": "c"}
_PHASE |= {"phase_1": "a", "phase_2": "b", "phase_3": "c", "phase1": "a", "phase2": "b"}
_PHASE |= {"phase3": "c", "phasea": "a", "phaseb": "b", "phasec": "c"}


class Plain:
    """Reads a bare number by the last words of its topic."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._skipped = frozenset(driver.options.get("skipped", ()))
        self._topics: dict[tuple[str, str], tuple[Key, str] | None] = {}

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload is neither an object nor a list."""
        del anywhere
        return shape in (SCALAR, NO_JSON)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one value of a message; None when topic or payload is not plain."""
        del route
        message = heard.message
        if len(message.payload) > _MAX_BYTES:
            return None
        text, unit = message.payload.decode("utf-8", "replace").strip(), ""
        if isinstance(number(text), Rejected):
            told = _WITH_UNIT.fullmatch(text)
            if told is None:
                return None
            text, unit = told.groups()
        named = self._named(message.topic, unit)
        if named is None:
            return None
        key, device = named
        if QUANTITIES[key.quantity].kind is Kind.STATE or not usable_name(device):
            return None
        if not key.unit and QUANTITIES[key.quantity].unit != "1":
            what = f"{key.quantity}: nothing says the unit"
            return (refuse(heard, self._driver, Rejected(RejectReason.UNIT_MISSING, what)),)
        value = Value(key.quantity, text, key.unit, key.channel)
        found, refused = readings([value], received_ms=message.received_ms)
        name = self._driver.device.format(device=device)
        return (arrive(heard, self._driver, device=name, measured=found, rejected=refused),)

    def _named(self, topic: str, unit: str) -> tuple[Key, str] | None:
        """Return what a topic names and of which device."""
        try:
            return self._topics[topic, unit]
        except KeyError:
            pass
        levels = topic.split("/")
        found: tuple[Key, str] | None = None
        for back in range(1, min(_LEVELS, len(levels) - 1) + 1):
            level = levels[-back]
            if level.lower() in self._skipped:
                continue
            key = identify(level, unit)
            if unit and not isinstance(identify(level), Key):
                break  # 3A alone may be anything
            if isinstance(key, Key):
                rest = [x for x in levels[:-back] if x.lower() not in self._skipped]
                found = _phased(of_gas(key, rest), rest)
            break
        if len(self._topics) < 10_000:
            self._topics[topic, unit] = found
        return found


def _phased(key: Key, levels: list[str]) -> tuple[Key, str]:
    """Return the meaning with the phase of a meter as its channel, and the device."""
    phase = _PHASE.get(levels[-1].lower(), "") if len(levels) > 1 else ""
    if not phase or key.channel or QUANTITIES[key.quantity].unit not in PHASED_UNITS:
        return key, "/".join(levels)
    return replace(key, channel=phase), "/".join(levels[:-1])
