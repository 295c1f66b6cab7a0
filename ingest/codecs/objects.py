"""Readings out of a decoded object whose keys name what they hold.

Understood shapes: `{"key": 4.5}`, `{"key": {"value": 4.5, "unit": "V"}}`, `{"key": 4.5, "keyUnit":
"V"}`, a list of `{"type": ..., "value": ..., "unit": ..., "time": ...}`, and a list of objects with
a time each (a data log). A model table, where one fits, says what its keys are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.collect import FIGURES, Act, Collector, Names, Plan
from ingest.codecs.keys import identify
from ingest.codecs.values import Value, moment
from ingest.recent import Recent, brief

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
    "label",
    "typeName",
]
_IDS = ("measurementId",)  # a number that a model's table explains
_VALUES = ("value", "_value", "Value", "measurementValue", "val")
_UNITS = ("unit", "_unit", "Unit", "units", "uom", "typeUnits")
_SIBLINGS = ("Unit", "_unit", "_units", "Units", "_uom")
_NO_VALUES = frozenset((*_TIMES, *_UNITS))
_NUMBERS = frozenset((int, float, bool))
_NESTED = frozenset((dict, list))
_OF_ALL = {*_UNITS, *_NAMES, "data_type", "dataType"}
_MAX_VALUES = 2_000
_MAX_DEPTH = 6
_MAX_PREFIX = 200
_TOO_LARGE = Rejected(RejectReason.TOO_LARGE, f"an object of more than {_MAX_VALUES} values")


def read_object(decoded: Any, names: Names | None = None) -> list[Value | Rejected]:
    """Return the values of a decoded object.

    `names` says what names mean; without it the grammar alone does. Names of quantities without a
    unit are refused together, as one UNIT_MISSING.

    >>> read_object({"TempC_SHT": 4.5, "BatV": 3.1, "Work_mode": "IIC"})[0].channel
    'sht'
    >>> read_object({"voltage": 221, "uplink": 4})[0].detail
    'voltage'
    """
    walk = Collector(names or Names({}, {}))
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
    plan = _planned(walk.names, prefix, item)
    own = _own_unit(item, plan.units) if plan.units else ""
    for raw, act in zip(item.values(), plan.acts, strict=False):
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            walk.refused = walk.refused or [_TOO_LARGE]
            return
        if raw is None or act is None:
            continue
        if type(raw) in _NESTED:
            _inside(walk, act, raw, at_ms=at_ms, depth=depth)
        elif unit := _text(item[act.beside]) if act.beside else own:
            walk.take(act.name, raw, unit, at_ms=at_ms, phased=plan.phased)
        elif type(raw) in FIGURES:
            walk.put(act.meant, act.name, raw, at_ms=at_ms)
        elif not act.passed:
            walk.take(act.name, raw, "", at_ms=at_ms, phased=plan.phased)


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _own_unit(item: Mapping[str, Any], units: tuple[str, ...]) -> str:
    """Return the unit that an object of a single number names for it."""
    unit = _first(item, units)
    single = unit is not None and sum([type(raw) in _NUMBERS for raw in item.values()]) == 1
    return _text(unit) if single else ""


def _inside(walk: Collector, act: Act, raw: Any, *, at_ms: int | None, depth: int) -> None:
    """Read an object or a list under a key."""
    if type(raw) is dict:
        _nested(walk, act.name, raw, at_ms=at_ms, depth=depth)
    elif not _aside(act.key):
        _list(walk, act.name, raw, depth=depth + 1)


def _planned(names: Names, prefix: str, item: Mapping[str, Any]) -> Plan:
    """Return what to do with the keys of an object below a prefix; it is remembered."""
    keys = tuple(item)
    plan = names.plans.get((prefix, *keys))
    if plan is None:
        plan = _plan(names, prefix, keys[: _MAX_VALUES + 1])
        if brief(keys) and len(prefix) <= _MAX_PREFIX:
            names.plans.keep((prefix, *keys), plan)
    return plan


def _plan(names: Names, prefix: str, keys: tuple[str, ...]) -> Plan:
    phased, every = _phased(keys), set(keys)
    acts: list[Act | None] = []
    for key in keys:
        if key in _NO_VALUES:
            acts.append(None)
            continue
        name = _name(names, prefix, key)
        meant = names.meaning(name, "", phased=phased)
        passed = meant.key is None and meant.refused is None
        passed = passed and (name in names.keys or not names.known(name))
        beside = next((key + end for end in _SIBLINGS if key + end in every), "")
        acts.append(Act(key, name, meant, passed, beside))
    return Plan(tuple(acts), phased, tuple(unit for unit in _UNITS if unit in every))


def _name(names: Names, prefix: str, key: str) -> str:
    """Return the key, with the name of what holds it where the key alone names no quantity."""
    joined = f"{prefix}_{key}" if prefix else key
    return key if key in names.keys or (joined not in names.keys and names.known(key)) else joined


def _nested(
    walk: Collector, name: str, raw: Mapping[str, Any], *, at_ms: int | None, depth: int
) -> None:
    """Read `{"value": 4.5, "unit": "V"}`, `{"value": {"a": 4.5}, "unit": "V"}`, or go deeper.

    >>> read_object({"temperature0": {"value": [21.5], "unit": "°C"}})[0].number
    21.5
    """
    value, unit = _first(raw, _VALUES), str(_first(raw, _UNITS) or "")
    if isinstance(value, list) and len(value) == 1 and type(value[0]) not in _NESTED:
        value = value[0]
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


def _phased(keys: tuple[str, ...]) -> bool:
    every = set(keys)
    for key in keys:
        if key.endswith(("_a", "_A")) and key[:-1] + ("b" if key[-1] == "a" else "B") in every:
            return True
    return False


class _Layout(NamedTuple):
    """Which keys of an item may hold its time, its name, its value and so on, the surest first.

    `only` holds the one of value, unit and channel, or nothing, where there is never a choice.
    """

    times: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[str, ...]
    units: tuple[str, ...]
    channels: tuple[str, ...]
    own: tuple[str, ...]
    ids: tuple[str, ...]
    only: tuple[str, str, str] | None


_LAYOUTS = Recent[tuple[str, ...], _Layout](500)


def _layout(item: Mapping[str, Any]) -> _Layout:
    keys = tuple(item)
    found = _LAYOUTS.get(keys)
    if found is None:
        found = _layout_of(keys)
        if brief(keys):
            _LAYOUTS.keep(keys, found)
    return found


def _layout_of(keys: tuple[str, ...]) -> _Layout:
    wanted = (_TIMES, _NAMES, _VALUES, _UNITS, _CHANNELS[:3])
    every = set(keys)
    times, names, values, units, channels = (
        tuple(name for name in some if name in every) for some in wanted
    )
    own = tuple(key for key in keys if key not in _OF_ALL)
    ids = tuple(key for key in _IDS if key in every)
    value, unit, channel = (next(iter(some), "") for some in (values, units, channels))
    sure = max(map(len, (values, units, channels))) < 2
    only = (value, unit, channel) if sure else None
    return _Layout(times, names, values, units, channels, own, ids, only)


def _list(walk: Collector, name: str, items: list[Any], *, depth: int) -> None:
    """Read a list of named values, a data log (objects with a time each), or an array."""
    if depth > _MAX_DEPTH:
        return
    parts = [(item, _layout(item)) for item in items if isinstance(item, dict)]
    told = _telling(parts)
    own = [key for _, layout in parts for key in layout.own]
    # What no other holds is a part of one object; what several hold is a log.
    shared = {key for key, n in Counter(own).items() if n > 1} if len(own) > len(set(own)) else None
    times = [_time(item, layout) for item, layout in parts]
    once = any(type(at_ms) is Rejected for at_ms in times) and _once(parts)
    timed = iter(zip(parts, times, strict=True))
    for at, item in enumerate(items):
        walk.visited += 1
        if walk.visited > _MAX_VALUES:
            walk.refused = walk.refused or [_TOO_LARGE]
            return
        if isinstance(item, dict):
            (held, layout), at_ms = next(timed)
            apart = shared is None or shared.isdisjoint(layout.own)
            _item(walk, held, layout, at_ms, apart=apart, told=told, once=once, depth=depth)
        elif isinstance(item, list):
            _list(walk, name, item, depth=depth + 1)
        else:
            walk.take_place(name, at, item)


def _once(parts: list[tuple[dict[str, Any], _Layout]]) -> bool:
    """Return whether no two items have the same names."""
    labels = [tuple(str(item[n]) for n in layout.names) for item, layout in parts]
    return len(set(labels)) == len(labels)


def _telling(parts: list[tuple[dict[str, Any], _Layout]]) -> str:
    """Return the key that tells apart the items of a list which share a name and have no time."""
    named = [(i, layout) for i, layout in parts if layout.names and _first(i, layout.names)]
    if not named:
        return ""
    labels = [_first(item, layout.names) for item, layout in named]
    if len(set(map(str, labels))) == len(labels) or any(
        _first(item, layout.times) for item, layout in named
    ):
        return ""
    for key in _CHANNELS:
        pairs = zip(labels, named, strict=True)
        found = [(str(label), item.get(key)) for label, (item, _) in pairs]
        if all(isinstance(w, str | int) for _, w in found) and len(set(found)) == len(found):
            return key
    return ""


def _time(item: Mapping[str, Any], layout: _Layout) -> int | Rejected | None:
    raw = _first(item, layout.times) if layout.times else None
    return None if raw is None else moment(raw)


def _told(item: Mapping[str, Any], layout: _Layout) -> tuple[Any, Any, Any]:
    """Return what an item says of its value, its unit and its channel."""
    if layout.only is None:
        return (
            _first(item, layout.values),
            _first(item, layout.units),
            _first(item, layout.channels),
        )
    value, unit, channel = layout.only
    return (
        item[value] if value else None,
        item[unit] if unit else None,
        item[channel] if channel else None,
    )


def _item(
    walk: Collector,
    item: Mapping[str, Any],
    layout: _Layout,
    at_ms: int | Rejected | None,
    *,
    apart: bool,
    told: str,
    once: bool,
    depth: int,
) -> None:
    """Read an item of a list; `once` says that no other has its name: then it is none of a log."""
    labels = [text for n in layout.names if isinstance(text := item[n], str)]
    if isinstance(at_ms, Rejected):
        if not (once and labels):
            walk.refused.append(at_ms)
            return
        at_ms = None  # it has the time of its message
    value, raw_unit, channel = _told(item, layout)
    if labels and not isinstance(value, (dict, list)) and value is not None:
        best, unit = labels[0], str(raw_unit or "")
        if len(labels) > 1 or layout.ids:
            labels += [str(item[n]) for n in layout.ids if str(item[n]) in walk.names.keys]
            best = next((text for text in labels if walk.names.known(text)), best)
        channel = item[told] if told else channel
        if isinstance(channel, str | int) and str(channel).replace("_", "").isalnum():
            walk.take_channel(best, str(channel), value, unit, at_ms=at_ms)
        else:
            walk.take(best, value, unit, at_ms=at_ms)
    elif at_ms is not None or apart:
        _object(walk, item, at_ms=at_ms, depth=depth + 1, prefix="")
