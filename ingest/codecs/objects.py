"""Readings out of a decoded object whose keys name what they hold.

Understood shapes: `{"key": 4.5}`, `{"key": {"value": 4.5, "unit": "V"}}`, `{"key": 4.5, "keyUnit":
"V"}`, a list of `{"type": ..., "value": ..., "unit": ..., "time": ...}`, and a list of objects with
a time each (a data log). A model table, where one fits, says what its keys are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.values import Value, moment

_TIMES = ("timestamp", "time", "date", "datetime", "ts", "Timestamp", "Time", "at", "dateTime")
_NAMES = ("variable", "type", "measurement", "name", "Type", "measurementName", "parameter")
_VALUES = ("value", "Value", "measurementValue", "val")
_UNITS = ("unit", "Unit", "units", "uom")
_SIBLINGS = ("Unit", "_unit", "_units", "Units", "_uom")
_OF_ALL = {*_UNITS, "data_type", "dataType"}
_MAX_VALUES = 2_000
_MAX_DEPTH = 6
_NUMBERED = re.compile(r"_\d{1,3}$")
_STATES: dict[str, dict[str, float]] = {
    "leak": {
        **dict.fromkeys(("normal", "no leak", "dry", "noleak", "not leaking", "no_leak"), 0.0),
        **dict.fromkeys(("leak", "leaking", "wet", "water leak", "leakage", "alarm"), 1.0),
    },
    "door": {
        **dict.fromkeys(("close", "closed"), 0.0),
        **dict.fromkeys(("open", "opened"), 1.0),
    },
    "occupancy": {
        **dict.fromkeys(("vacant", "idle", "unoccupied", "normal", "no motion", "none"), 0.0),
        **dict.fromkeys(("occupied", "trigger", "triggered", "motion", "detected"), 1.0),
    },
    "relay": {
        **dict.fromkeys(("off", "close", "closed"), 0.0),
        **dict.fromkeys(("on", "open"), 1.0),
    },
}


@dataclass(slots=True)
class _Walk:
    """What one object gave: values, timed values, names without a unit."""

    keys: Mapping[str, Key | None]
    implied: Mapping[str, str]
    flat: list[Value] = field(default_factory=list)
    timed: list[Value] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    unitless: dict[str, object] = field(default_factory=dict)
    visited: int = 0
    hot: bool = False
    cold: bool = False


def read_object(
    decoded: Any,
    *,
    keys: Mapping[str, Key | None] | None = None,
    implied: Mapping[str, str] | None = None,
) -> list[Value | Rejected]:
    """Return the values of a decoded object.

    `keys` is a model's table, name -> meaning (None: no reading); it goes before the grammar.
    `implied` are units that a dialect documents for bare names. Names of quantities without a unit
    are refused together, as one UNIT_MISSING.

    >>> read_object({"TempC_SHT": 4.5, "BatV": 3.1, "Work_mode": "IIC"})[0].channel
    'sht'
    >>> read_object({"voltage": 221, "uplink": 4})[0].detail
    'voltage'
    """
    walk = _Walk(keys or {}, implied or {})
    _object(walk, decoded, at_ms=None, depth=0, prefix="")
    if walk.hot and walk.cold:  # supply and return side by side: a heat meter
        walk.flat = [_thermal(value) for value in walk.flat]
        walk.timed = [_thermal(value) for value in walk.timed]
    known = {_point(value) for value in walk.timed}
    latest = {(value.quantity, str(value.number)) for value in walk.timed}
    flat = [
        value
        for value in walk.flat
        if _point(value) not in known or (value.quantity, str(value.number)) not in latest
    ]
    numbers = {str(value.number) for value in (*flat, *walk.timed)}
    waiting = sorted(name for name, raw in walk.unitless.items() if str(raw) not in numbers)
    found: list[Value | Rejected] = [*flat, *walk.timed, *walk.refused]
    if waiting:
        found.append(Rejected(RejectReason.UNIT_MISSING, ", ".join(waiting)[:200]))
    return found


_HOT = re.compile(r"forward|supply|inlet|high|flow", re.IGNORECASE)
_COLD = re.compile(r"return|outlet|low(?!er)|back", re.IGNORECASE)


def _thermal(value: Value) -> Value:
    if value.quantity in {"energy", "power", "volume", "flow"}:
        return replace(value, quantity=f"heat_{value.quantity}")
    return value


def _point(value: Value) -> tuple[str, str]:
    return value.quantity, value.channel


def _first(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _object(walk: _Walk, item: Any, *, at_ms: int | None, depth: int, prefix: str) -> None:
    """Read the keys of an object; a nested object's name helps where a key alone says nothing."""
    if not isinstance(item, Mapping) or depth > _MAX_DEPTH:
        return
    phased = _phased(item)
    plain = [key for key, raw in item.items() if isinstance(raw, int | float)]
    own_unit = _first(item, _UNITS) if len(plain) == 1 else None
    for key, raw in item.items():
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            return
        if key in _TIMES or key in _UNITS or raw is None:
            continue
        name = _name(walk, prefix, str(key))
        if isinstance(raw, Mapping):
            _nested(walk, name, raw, at_ms=at_ms, depth=depth)
        elif isinstance(raw, list):
            if not _aside(key):
                _list(walk, name, raw, depth=depth + 1)
        else:
            unit = next((item[key + end] for end in _SIBLINGS if key + end in item), own_unit)
            _take(
                walk, name, raw, unit if isinstance(unit, str) else "", at_ms=at_ms, phased=phased
            )


def _name(walk: _Walk, prefix: str, key: str) -> str:
    """Return the key, with the name of what holds it where the key alone names no quantity."""
    joined = f"{prefix}_{key}" if prefix else key
    return key if key in walk.keys or (joined not in walk.keys and _known(walk, key)) else joined


def _nested(
    walk: _Walk, name: str, raw: Mapping[str, Any], *, at_ms: int | None, depth: int
) -> None:
    """Read `{"value": 4.5, "unit": "V"}`, `{"value": {"a": 4.5}, "unit": "V"}`, or go deeper."""
    value, unit = _first(raw, _VALUES), str(_first(raw, _UNITS) or "")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(item, Mapping | list):
                _take(walk, f"{name}_{key}", item, unit, at_ms=at_ms)
    elif value is not None:
        _take(walk, name, value, unit, at_ms=at_ms)
    elif not _aside(name):
        _object(walk, raw, at_ms=at_ms, depth=depth + 1, prefix=name)


def _aside(key: str) -> bool:
    """Return whether a nested part is about settings or alarms, not about now."""
    return isinstance(identify(f"temperature_{key}", "C"), Rejected) and key != "history"


def _phased(item: Mapping[str, Any]) -> bool:
    return any(
        key[-2:] in {"_a", "_A"} and key[:-1] + ("b" if key[-1] == "a" else "B") in item
        for key in item
        if isinstance(key, str)
    )


def _list(walk: _Walk, name: str, items: list[Any], *, depth: int) -> None:
    """Read a list of named values, or a data log: objects with a time each."""
    if depth > _MAX_DEPTH:
        return
    keys = [key for item in items if isinstance(item, Mapping) for key in item]
    own = [key for key in keys if key not in _OF_ALL]
    apart = len(own) == len(set(own))  # no two hold the same: parts of one object, no log
    for item in items:
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            return
        if isinstance(item, list):
            _list(walk, name, item, depth=depth + 1)
        if not isinstance(item, Mapping):
            continue
        raw_time = _first(item, _TIMES)
        at_ms: int | None = None
        if raw_time is not None:
            at = moment(raw_time)
            if isinstance(at, Rejected):
                walk.refused.append(at)
                continue
            at_ms = at
        label, value = _first(item, _NAMES), _first(item, _VALUES)
        if isinstance(label, str) and not isinstance(value, Mapping | list) and value is not None:
            labels = [item[n] for n in _NAMES if isinstance(item.get(n), str)]
            best = next((text for text in labels if _known(walk, text)), label)
            _take(walk, best, value, str(_first(item, _UNITS) or ""), at_ms=at_ms)
        elif at_ms is not None or apart:
            _object(walk, item, at_ms=at_ms, depth=depth + 1, prefix="")


def _known(walk: _Walk, name: str) -> bool:
    return name in walk.keys or isinstance(identify(name), Key)


def _take(
    walk: _Walk, name: str, raw: Any, unit: str, *, at_ms: int | None, phased: bool = False
) -> None:
    if name in walk.keys:
        key: Key | Rejected | None = walk.keys[name]
    else:
        key = identify(name, unit, phased=phased)
    if isinstance(key, Rejected) and key.reason is RejectReason.UNKNOWN_UNIT:
        walk.refused.append(key)
    if key is None or isinstance(key, Rejected):
        return  # no quantity, or a statistic or setting: fields like others that are not read
    state = QUANTITIES[key.quantity].kind is Kind.STATE
    number: object = raw
    if state:
        number = _state(key.quantity, name, raw)
        if number is None:
            return
    elif isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return
    known_unit = key.unit or unit or _implied(walk, name)
    if not known_unit and QUANTITIES[key.quantity].unit != "1":
        if not isinstance(raw, str) or _numeric(raw):
            walk.unitless[name] = raw
        return
    if key.quantity == "temperature":
        walk.hot = walk.hot or _HOT.search(name) is not None
        walk.cold = walk.cold or (_COLD.search(name) is not None and _HOT.search(name) is None)
    value = Value(key.quantity, number, known_unit, key.channel, at_ms)
    (walk.flat if at_ms is None else walk.timed).append(value)


def _implied(walk: _Walk, name: str) -> str:
    """Return the unit that the dialect documents for this bare name, or for it with a number."""
    return walk.implied.get(name) or walk.implied.get(_NUMBERED.sub("_#", name), "")


def _numeric(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("-").isdigit()


def _state(quantity: str, name: str, raw: Any) -> float | None:
    """Return a state as 1 or 0; None where the sense is not documented in the name or the word."""
    if isinstance(raw, str):
        return _STATES.get(quantity, {}).get(raw.strip().lower())
    if isinstance(raw, bool) or raw in (0, 1):
        if quantity == "door" and "open" not in name.lower():
            return None  # `door: 1` may be either
        return float(raw)
    return None
