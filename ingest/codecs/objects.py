"""Readings out of a decoded object whose keys name what they hold.

Understood shapes: `{"key": 4.5}`, `{"key": {"value": 4.5, "unit": "V"}}`, `{"key": 4.5, "keyUnit":
"V"}`, a list of `{"type": ..., "value": ..., "unit": ..., "time": ...}`, and a list of objects with
a time each (a data log). A model table, where one fits, says what its keys are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.collect import Collector
from ingest.codecs.keys import Key, identify
from ingest.codecs.values import Value, moment

_TIMES = [
    "timestamp",
    "time",
    "date",
    "datetime",
    "ts",
    "Timestamp",
    "Time",
    "at",
    "dateTime",
    "timeStamp",
]
_CHANNELS = ("measurementChannel", "channel", "probe", "uuid", "id", "index", "port", "socket")
_NAMES = [
    "_name",
    "variable",
    "type",
    "measurement",
    "name",
    "Type",
    "measurementName",
    "parameter",
]
_VALUES = ("value", "_value", "Value", "measurementValue", "val")
_UNITS = ("unit", "_unit", "Unit", "units", "uom")
_SIBLINGS = ("Unit", "_unit", "_units", "Units", "_uom")
_NO_VALUES = frozenset((*_TIMES, *_UNITS))
_NUMBERS = frozenset((int, float, bool))
_OF_ALL = {*_UNITS, "data_type", "dataType"}
_MAX_VALUES = 2_000
_MAX_DEPTH = 6
_TOO_LARGE = Rejected(RejectReason.TOO_LARGE, f"an object of more than {_MAX_VALUES} values")


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
    walk = Collector(keys or {}, implied or {})
    if isinstance(decoded, list):
        _list(walk, "", decoded, depth=0)
    else:
        _object(walk, decoded, at_ms=None, depth=0, prefix="")
    return walk.result()


def _first(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    for name in names:
        found = item.get(name)
        if found is not None:
            return found
    return None


def _object(walk: Collector, item: Any, *, at_ms: int | None, depth: int, prefix: str) -> None:
    """Read the keys of an object; a nested object's name helps where a key alone says nothing."""
    if not isinstance(item, dict) or depth > _MAX_DEPTH:
        return
    phased = _phased(item)
    own_unit = _first(item, _UNITS)
    if own_unit is not None and sum([type(raw) in _NUMBERS for raw in item.values()]) != 1:
        own_unit = None
    named = any(key.endswith(_SIBLINGS) for key in item)  # rarely: then each key is looked up
    for key, raw in item.items():
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            walk.refused = walk.refused or [_TOO_LARGE]
            return
        if raw is None or key in _NO_VALUES:
            continue
        name = _name(walk, prefix, str(key))
        if isinstance(raw, dict):
            _nested(walk, name, raw, at_ms=at_ms, depth=depth)
        elif isinstance(raw, list):
            if not _aside(key):
                _list(walk, name, raw, depth=depth + 1)
        else:
            unit = own_unit
            if named:
                unit = next((item[key + end] for end in _SIBLINGS if key + end in item), own_unit)
            walk.take(name, raw, unit if isinstance(unit, str) else "", at_ms=at_ms, phased=phased)


def _name(walk: Collector, prefix: str, key: str) -> str:
    """Return the key, with the name of what holds it where the key alone names no quantity."""
    joined = f"{prefix}_{key}" if prefix else key
    return key if key in walk.keys or (joined not in walk.keys and _known(walk, key)) else joined


def _nested(
    walk: Collector, name: str, raw: Mapping[str, Any], *, at_ms: int | None, depth: int
) -> None:
    """Read `{"value": 4.5, "unit": "V"}`, `{"value": {"a": 4.5}, "unit": "V"}`, or go deeper."""
    value, unit = _first(raw, _VALUES), str(_first(raw, _UNITS) or "")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, (dict, list)):
                walk.take(f"{name}_{key}", item, unit, at_ms=at_ms)
    elif value is not None:
        walk.take(name, value, unit, at_ms=at_ms)
    elif not _aside(name):
        _object(walk, raw, at_ms=at_ms, depth=depth + 1, prefix=name)


def _aside(key: str) -> bool:
    """Return whether a nested part is about settings or alarms, not about now."""
    return isinstance(identify(f"temperature_{key}", "C"), Rejected) and key != "history"


def _phased(item: Mapping[str, Any]) -> bool:
    for key in item:
        if key.endswith(("_a", "_A")) and key[:-1] + ("b" if key[-1] == "a" else "B") in item:
            return True
    return False


def _list(walk: Collector, name: str, items: list[Any], *, depth: int) -> None:
    """Read a list of named values, a data log (objects with a time each), or an array."""
    if depth > _MAX_DEPTH:
        return
    keys = [key for item in items if isinstance(item, dict) for key in item]
    told = _telling(items)
    own = [key for key in keys if key not in _OF_ALL]
    apart = len(own) == len(set(own))  # no two hold the same: parts of one object, no log
    for at, item in enumerate(items):
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            walk.refused = walk.refused or [_TOO_LARGE]
            return
        if isinstance(item, dict):
            _item(walk, item, apart=apart, told=told, depth=depth)
        elif isinstance(item, list):
            _list(walk, name, item, depth=depth + 1)
        else:
            walk.take_place(name, at, item)


def _telling(items: list[Any]) -> str:
    """Return the key that tells apart the items of a list which share a name and have no time."""
    named = [item for item in items if isinstance(item, dict) and _first(item, _NAMES)]
    labels = [_first(item, _NAMES) for item in named]
    if len(set(map(str, labels))) == len(labels) or any(_first(i, _TIMES) for i in named):
        return ""
    for key in _CHANNELS:
        found = [(str(label), item.get(key)) for label, item in zip(labels, named, strict=True)]
        if all(isinstance(w, str | int) for _, w in found) and len(set(found)) == len(found):
            return key
    return ""


def _item(walk: Collector, item: Mapping[str, Any], *, apart: bool, told: str, depth: int) -> None:
    raw_time = _first(item, _TIMES)
    at_ms = None if raw_time is None else moment(raw_time)
    if isinstance(at_ms, Rejected):
        walk.refused.append(at_ms)
        return
    label, value = _first(item, _NAMES), _first(item, _VALUES)
    if isinstance(label, str) and not isinstance(value, (dict, list)) and value is not None:
        labels = [item[n] for n in _NAMES if isinstance(item.get(n), str)]
        best = next((text for text in labels if _known(walk, text)), label)
        unit, channel = str(_first(item, _UNITS) or ""), _first(item, _CHANNELS[:3])
        channel = item[told] if told else channel
        if isinstance(channel, str | int) and str(channel).replace("_", "").isalnum():
            walk.take_channel(best, str(channel), value, unit, at_ms=at_ms)
        else:
            walk.take(best, value, unit, at_ms=at_ms)
    elif at_ms is not None or apart:
        _object(walk, item, at_ms=at_ms, depth=depth + 1, prefix="")


def _known(walk: Collector, name: str) -> bool:
    return name in walk.keys or isinstance(identify(name), Key)
