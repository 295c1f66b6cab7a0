"""A flat JSON object on any topic whose names say what they measure, and in which unit.

`{"temperature_c": 21.5}` is a reading, `{"temperature": 21.5}` says what but not in which unit: it
is held until a person names it. `{"value": 21.5, "unit": "°C"}` takes its name from the topic, and
under a name that of its key. An object that holds others in it is a dialect that nobody taught us,
and one without such a name too.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.keys import Key, identify, of_gas
from ingest.codecs.port import (
    Heard,
    Memory,
    Route,
    Shape,
    arrive,
    is_object,
    refuse,
    usable_name,
)
from ingest.codecs.values import Value, moment, readings
from ingest.driver import Driver

_MAX_NAMES = 100
_SINGLE = {"value", "unit"}
_MAX_SINGLE = 5  # keys of one value: its unit, a label, a time


class Named:
    """Reads flat objects by the words of their names."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._ids: Sequence[str] = driver.options.get("ids", ())
        self._times: Sequence[str] = driver.options.get("times", ())
        self._skipped = frozenset(driver.options.get("skipped", ()))

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload is an object of not too many names."""
        del anywhere  # what a name means depends on the unit that may stand in its value
        return is_object(shape) and len(shape) <= _MAX_NAMES

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one device of a message; None when no name in it says what it is."""
        del route
        told = heard.json if heard.message.payload[:1] == b"{" else None
        if not isinstance(told, dict) or len(told) > _MAX_NAMES:
            return None
        units: dict[str, str] = {}
        if any(isinstance(raw, dict | list) for raw in told.values()):
            opened = _opened(told)
            if opened is None:
                return None
            told, units = opened
        device, found = self._said(heard.message.topic, told, units)
        values = [value for value in found if isinstance(value, Value)]
        waiting = ", ".join(sorted(name for name in found if isinstance(name, str)))[:200]
        refused = [Rejected(RejectReason.UNIT_MISSING, waiting)] if waiting else []
        if not values or not usable_name(device):
            return (refuse(heard, self._driver, *refused),) if refused else None
        at_ms = next((moment(told[key]) for key in self._times if key in told), None)
        measured, bad = readings(
            values,
            received_ms=heard.message.received_ms,
            at_ms=None if isinstance(at_ms, Rejected) else at_ms,
        )
        if not measured:
            return (refuse(heard, self._driver, *refused, *bad),)
        key = self._driver.device.format(device=device)
        rejected = [*refused, *bad]
        return (arrive(heard, self._driver, device=key, measured=measured, rejected=rejected),)

    def _said(
        self, topic: str, told: Mapping[str, Any], units: Mapping[str, str]
    ) -> tuple[str, list[Value | str]]:
        """Return the device, and what is measured: values, and names that lack a unit."""
        ids = (told[key] for key in self._ids if isinstance(told.get(key), str | int))
        own = next((f"/{name}" for name in ids if not isinstance(name, bool)), "")
        if not told.keys() >= _SINGLE:
            return topic + own, list(_values(told, units, topic))
        levels = [level for level in topic.split("/") if level.lower() not in self._skipped]
        name = levels.pop() if len(levels) > 1 else ""
        unit = told["unit"]
        found = (
            _values({name: told["value"]}, {name: unit}, topic)
            if isinstance(unit, str)
            else iter(())
        )
        return "/".join(levels) + own, list(found)


def _opened(told: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Return the values of `{"power": {"value": 2, "unit": "W"}}` by name, and their units.

    None where anything in it is of another shape: then it is no object of names.
    """
    values: dict[str, Any] = {}
    units: dict[str, str] = {}
    for name, raw in told.items():
        inner = raw[0] if isinstance(raw, list) and len(raw) == 1 else raw
        if not isinstance(inner, dict | list):
            values[name] = inner
        elif isinstance(inner, dict) and inner.keys() >= _SINGLE and len(inner) <= _MAX_SINGLE:
            values[name], units[name] = inner["value"], str(inner["unit"] or "")
        else:
            return None
    return values, units


def _values(told: Mapping[str, Any], units: Mapping[str, str], topic: str) -> Iterator[Value | str]:
    for name, raw in told.items():
        unit = units.get(name, "")
        text = isinstance(raw, str) and bool(unit)  # a number as text, with its unit beside it
        if isinstance(raw, bool) or not (text or isinstance(raw, int | float)):
            continue  # a text or a truth may be anything
        key = identify(name, unit)
        if not isinstance(key, Key) or QUANTITIES[key.quantity].kind is Kind.STATE:
            continue
        if key.unit:
            quantity = of_gas(key, topic.split("/")).quantity
            yield Value(quantity, raw, key.unit, key.channel)
        elif QUANTITIES[key.quantity].unit != "1":
            yield name
