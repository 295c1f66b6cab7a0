"""Readings out of a decoded object whose keys name what they hold.

Understood shapes: `{"key": 4.5}`, `{"key": {"value": 4.5, "unit": "V"}}`, `{"key": 4.5, "keyUnit":
"V"}`, a list of `{"type": ..., "value": ..., "unit": ..., "time": ...}`, and a list of objects with
a time each (a data log). A model table, where one fits, says what its keys are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.values import Value
from ingest.times import instant

_TIMES = ("timestamp", "time", "date", "datetime", "ts", "Timestamp", "Time", "at", "dateTime")
_NAMES = ("variable", "type", "measurement", "name", "Type", "measurementName", "parameter")
_VALUES = ("value", "Value", "measurementValue", "val")
_UNITS = ("unit", "Unit", "units", "uom")
_SIBLINGS = ("Unit", "_unit", "_units", "Units", "_uom")
_MAX_VALUES = 2_000
_MAX_DEPTH = 6
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


def _point(value: Value) -> tuple[str, str]:
    return value.quantity, value.channel


def _first(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _object(walk: _Walk, item: Any, *, at_ms: int | None, depth: int, prefix: str) -> None:
    if not isinstance(item, Mapping) or depth > _MAX_DEPTH:
        return
    phased = _phased(item)
    for key, raw in item.items():
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            return
        if key in _TIMES or raw is None:
            continue
        if isinstance(raw, Mapping):
            name = prefix + key
            if (value := _first(raw, _VALUES)) is not None and not isinstance(value, Mapping):
                _take(walk, name, value, str(_first(raw, _UNITS) or ""), at_ms=at_ms)
            elif not _aside(key):
                _object(walk, raw, at_ms=at_ms, depth=depth + 1, prefix="")
        elif isinstance(raw, list):
            if not _aside(key):
                _list(walk, raw, depth=depth + 1)
        else:
            unit = next((item[key + end] for end in _SIBLINGS if key + end in item), "")
            name = prefix + key
            _take(
                walk, name, raw, unit if isinstance(unit, str) else "", at_ms=at_ms, phased=phased
            )


def _aside(key: str) -> bool:
    """Return whether a nested part is about settings or alarms, not about now."""
    return isinstance(identify(f"temperature_{key}", "C"), Rejected) and key != "history"


def _phased(item: Mapping[str, Any]) -> bool:
    return any(
        key[-2:] in {"_a", "_A"} and key[:-1] + ("b" if key[-1] == "a" else "B") in item
        for key in item
    )


def _list(walk: _Walk, items: list[Any], *, depth: int) -> None:
    """Read a list of named values, or a data log: objects with a time each."""
    if depth > _MAX_DEPTH:
        return
    for item in items:
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            return
        if isinstance(item, list):
            _list(walk, item, depth=depth + 1)
        if not isinstance(item, Mapping):
            continue
        raw_time = _first(item, _TIMES)
        at_ms: int | None = None
        if raw_time is not None:
            at = instant(raw_time)
            if isinstance(at, Rejected):
                walk.refused.append(at)
                continue
            at_ms = at
        name, value = _first(item, _NAMES), _first(item, _VALUES)
        if isinstance(name, str) and not isinstance(value, Mapping | list) and value is not None:
            labels = [item[n] for n in _NAMES if isinstance(item.get(n), str)]
            best = next((label for label in labels if _known(walk, label)), name)
            _take(walk, best, value, str(_first(item, _UNITS) or ""), at_ms=at_ms)
        elif at_ms is not None:
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
    known_unit = key.unit or (
        walk.implied.get(name) or walk.implied.get(name.rstrip("_0123456789"), "")
    )
    if not known_unit and QUANTITIES[key.quantity].unit != "1":
        if not isinstance(raw, str) or _numeric(raw):
            walk.unitless[name] = raw
        return
    value = Value(key.quantity, number, known_unit, key.channel, at_ms)
    (walk.flat if at_ms is None else walk.timed).append(value)


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


def model_keys(table: Mapping[str, Any]) -> Iterator[tuple[str, Key | None]]:
    """Yield the rows of a model's key table: `name = "quantity unit [channel]"`, empty for none.

    Raises ValueError for a quantity that is not stored.

    >>> dict(model_keys({"bat": "battery %", "raw": ""}))
    {'bat': Key(quantity='battery', unit='%', channel=''), 'raw': None}
    """
    for name, text in table.items():
        words = str(text).split()
        if words and words[0] not in QUANTITIES:
            raise ValueError(f"{words[0]!r} is no quantity")
        unit, channel = (*words[1:3], "", "")[:2]
        yield name, Key(words[0], unit, channel) if words else None
