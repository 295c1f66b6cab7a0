"""Gathers what the names and values of a decoded object mean, and what waits for a unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from msgspec import structs

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.keys import Key, identify
from ingest.codecs.values import Value
from ingest.recent import Recent

_KNOWN = 1_000
_MAX_KNOWN = 160  # characters of a name with its unit
FIGURES = frozenset((int, float))
_REMARKED = re.compile(r"(-?\d{1,12}(?:\.\d{1,9})?)\s?\(.{1,40}\)")  # 3.1(low battery)
_NUMBERED = re.compile(r"_\d{1,3}$")
_WITH_UNIT = re.compile(
    r"(-?\d{1,12}(?:\.\d{1,9})?)\s?([°℃%A-Za-z][°℃A-Za-z0-9³/%]{0,7})(?:\s*\(.*\))?"
)  # 3.1V(low battery)
_OUTLET = re.compile(r"relay|socket", re.IGNORECASE)
_AIR = re.compile(r"air|baro|atmos", re.IGNORECASE)
_HOT = re.compile(r"forward|supply|inlet|high|flow", re.IGNORECASE)
_COLD = re.compile(r"return|outlet|low(?!er)|back", re.IGNORECASE)
_BY_SIZE: dict[str, tuple[tuple[str, float, float], ...]] = {
    "V|mV": (("V", 1.0, 60.0), ("mV", 1_000.0, 60_000.0)),
    "C?": (),
    "air?": (("hPa", 300.0, 1_100.0), ("kPa", 30.0, 110.0), ("Pa", 30_000.0, 110_000.0)),
}
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


class Meant(NamedTuple):
    """What a name means: its key (None: no reading), its unit, or why it is refused.

    `plain` says that a number under this name is a reading whatever its size, `unitless` that it
    waits for a unit; of a temperature `hot` and `cold` say that the name speaks of a side.
    """

    key: Key | None
    unit: str
    refused: Rejected | None = None
    plain: bool = False
    unitless: bool = False
    hot: bool = False
    cold: bool = False


_NOTHING = Meant(None, "")


class Names:
    """What names mean in one dialect, remembered within bounds.

    `keys` is a model's table, name -> meaning (None: no reading); it goes before the grammar.
    `implied` are the units that the dialect documents for bare names.
    """

    def __init__(self, keys: Mapping[str, Key | None], implied: Mapping[str, str]) -> None:
        self.keys = keys
        self._implied = implied
        self._meant = Recent[tuple[str, str, bool], Meant](_KNOWN)
        self.plans = Recent[tuple[str, ...], Plan](_KNOWN)

    def known(self, name: str) -> bool:
        """Return whether a name says by itself what it is of."""
        return name in self.keys or isinstance(identify(name), Key)

    def key(self, name: str, unit: str = "") -> Key | Rejected | None:
        """Return what the table or the grammar says of a name."""
        return self.keys[name] if name in self.keys else identify(name, unit)

    def meaning(self, name: str, unit: str, *, phased: bool) -> Meant:
        """Return what a name means beside a unit, which may be empty."""
        asked = (name, unit, phased)
        found = self._meant.get(asked)
        if found is None:
            found = self._meaning(name, unit, phased=phased)
            if len(name) + len(unit) <= _MAX_KNOWN:
                self._meant.keep(asked, found)
        return found

    def _meaning(self, name: str, unit: str, *, phased: bool) -> Meant:
        if name in self.keys:
            return _meant(self.keys[name], name, unit)
        key = identify(name, unit, phased=phased)
        if isinstance(key, Rejected):
            refused = key if key.reason is RejectReason.UNKNOWN_UNIT else None
            return Meant(None, "", refused)
        implied = unit or self.implied(name)
        if not implied and key is not None and not key.unit:
            implied = self._of_quantity(key, name)
        return _meant(key, name, implied)

    def implied(self, name: str) -> str:
        """Return the unit documented for this bare name, or for it with a number."""
        return self._implied.get(name) or self._implied.get(_NUMBERED.sub("_#", name), "")

    def _of_quantity(self, key: Key, name: str) -> str:
        """Return the unit that a dialect documents for a quantity, whatever its name."""
        unit = self._implied.get(f"any {key.quantity}", "")
        return "" if unit == "air?" and not _AIR.search(name) else unit


def _meant(key: Key | None, name: str, unit: str) -> Meant:
    if key is None:
        return _NOTHING
    quantity = QUANTITIES[key.quantity]
    known, state = key.unit or unit, quantity.kind is Kind.STATE
    hot = key.quantity == "temperature" and _HOT.search(name) is not None
    cold = key.quantity == "temperature" and not hot and _COLD.search(name) is not None
    sure = not state and known not in _BY_SIZE
    needless = bool(known) or quantity.unit == "1"
    return Meant(
        key,
        unit,
        plain=sure and needless,
        unitless=sure and not needless,
        hot=hot,
        cold=cold,
    )


class Act(NamedTuple):
    """What to do with one key of an object: its whole name and its meaning.

    `passed` is set of a name under which neither a number nor a word can be a reading. `beside` is
    the key that may name its unit.
    """

    key: str
    name: str
    meant: Meant
    passed: bool
    beside: str


class Plan(NamedTuple):
    """What to do with the keys of an object, in their order; None where there is never a value."""

    acts: tuple[Act | None, ...]
    phased: bool
    units: tuple[str, ...]
    """Keys that may name the unit of a single value."""


@dataclass(slots=True)
class Collector:
    """Takes (name, value, unit) one by one and says in the end what was read."""

    names: Names
    flat: list[Value] = field(default_factory=list)
    timed: list[Value] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    unitless: dict[str, object] = field(default_factory=dict)
    visited: int = 0
    hot: bool = False
    cold: bool = False

    def take(
        self, name: str, raw: Any, unit: str, *, at_ms: int | None = None, phased: bool = False
    ) -> None:
        """Take a named value; a statistic, a setting or what is no quantity is passed over."""
        if isinstance(raw, str) and (remarked := _REMARKED.fullmatch(raw.strip())):
            raw = remarked[1]
        if isinstance(raw, str) and not unit and (written := _WITH_UNIT.fullmatch(raw.strip())):
            # `4a` may be any code
            raw, unit = written.groups() if self.names.known(name) else (raw, "")
        self.put(self.names.meaning(name, unit, phased=phased), name, raw, at_ms=at_ms)

    def put(self, meant: Meant, name: str, raw: Any, *, at_ms: int | None) -> None:
        """Take a value whose name's meaning is known."""
        if meant.refused is not None:
            self.refused.append(meant.refused)
        elif type(raw) not in FIGURES or not (meant.plain or meant.unitless):
            self._keep(meant.key, name, raw, meant.unit, at_ms=at_ms)
        elif meant.unitless:
            self.unitless[name] = raw
        elif (key := meant.key) is not None:
            self.hot, self.cold = self.hot or meant.hot, self.cold or meant.cold
            value = Value(key.quantity, raw, key.unit or meant.unit, key.channel, at_ms)
            (self.flat if at_ms is None else self.timed).append(value)

    def take_channel(
        self, name: str, channel: str, raw: Any, unit: str, *, at_ms: int | None
    ) -> None:
        """Take a value of a list that numbers its channels."""
        key = self.names.key(name, unit)
        if isinstance(key, Key):
            joined = f"{key.channel}_{channel}".strip("_")
            unit = unit or self.names.implied(name)
            self._keep(replace(key, channel=joined), f"{name}_{channel}", raw, unit, at_ms=at_ms)

    def take_place(self, name: str, place: int, raw: Any) -> None:
        """Take one place of an array: a channel of its own, by no unit but the model's."""
        key = self.names.key(name)
        if isinstance(key, Key):
            channel = f"{key.channel}_{place}".strip("_")
            self._keep(replace(key, channel=channel), f"{name}_{place}", raw, "", at_ms=None)

    def _keep(self, key: Key | None, name: str, raw: Any, unit: str, *, at_ms: int | None) -> None:
        if key is None or (key.quantity == "illuminance" and _word(raw)):
            return  # `dim` and `bright` are no figures
        number: object = raw
        if QUANTITIES[key.quantity].kind is Kind.STATE:
            # a share of the time, or seconds, are no state
            number = _state(key.quantity, name, raw) if unit in {"", "1", "bool"} else None
        elif isinstance(raw, bool) or not isinstance(raw, int | float | str):
            number = None
        if number is None:
            return
        known_unit = key.unit or unit
        if known_unit in _BY_SIZE:
            known_unit = _by_size(known_unit, number)
        if not known_unit and QUANTITIES[key.quantity].unit != "1":
            if not isinstance(raw, str) or _numeric(raw):
                self.unitless[name] = raw
            return
        if key.quantity == "temperature":
            self.hot = self.hot or _HOT.search(name) is not None
            self.cold = self.cold or (_COLD.search(name) is not None and not _HOT.search(name))
        value = Value(key.quantity, number, known_unit, key.channel, at_ms)
        (self.flat if at_ms is None else self.timed).append(value)

    def result(self) -> list[Value | Rejected]:
        """Return what was read, and what was refused; names without a unit as one refusal.

        A value that a log of the same message holds too is not counted again.
        """
        if self.hot and self.cold:  # supply and return side by side: a heat meter
            self.flat = [_thermal(value) for value in self.flat]
            self.timed = [_thermal(value) for value in self.timed]
        if not self.timed and not self.unitless:
            return [*self.flat, *self.refused]
        logged = {(v.quantity, v.channel) for v in self.timed}
        equal = {(v.quantity, str(v.number)) for v in self.timed}
        flat = [
            v
            for v in self.flat
            if (v.quantity, v.channel) not in logged or (v.quantity, str(v.number)) not in equal
        ]
        numbers = {str(v.number) for v in (*flat, *self.timed)}
        waiting = sorted(name for name, raw in self.unitless.items() if str(raw) not in numbers)
        found: list[Value | Rejected] = [*flat, *self.timed, *self.refused]
        if waiting:
            found.append(Rejected(RejectReason.UNIT_MISSING, ", ".join(waiting)[:200]))
        return found


def _by_size(rule: str, raw: object) -> str:
    """Return the unit that the size of a value leaves as the only one, or nothing.

    No battery has 3 mV or 3,000 V; a whole number above 60 may count tenths of a degree; the air
    on land has 300 to 1,100 hPa.

    >>> _by_size("V|mV", 3.6), _by_size("V|mV", 3600), _by_size("V|mV", 255)
    ('V', 'mV', '')
    >>> _by_size("C?", 21.5), _by_size("C?", 215)
    ('C', '')
    >>> [_by_size("air?", size) for size in (1013.2, 101.3, 101_320, 4.5)]
    ['hPa', 'kPa', 'Pa', '']
    """
    text = str(raw)
    value = float(text) if _numeric(text) and text.count("-") < 2 else 0.0
    if rule == "C?":
        return "" if abs(value) > 60 and value == int(value) else "C"
    return next((unit for unit, low, high in _BY_SIZE[rule] if low <= value <= high), "")


def _thermal(value: Value) -> Value:
    if value.quantity in {"energy", "power", "volume", "flow"}:
        return structs.replace(value, quantity=f"heat_{value.quantity}")
    return value


def _word(raw: Any) -> bool:
    return isinstance(raw, str) and raw.isalpha()


def _numeric(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).lstrip("-").isdigit()


def _state(quantity: str, name: str, raw: Any) -> float | None:
    """Return a state as 1 or 0; None where the sense is not documented in the name or the word."""
    if isinstance(raw, str) and raw not in {"0", "1"}:
        return _STATES.get(quantity, {}).get(raw.strip().lower())
    raw = int(raw) if isinstance(raw, str) else raw
    if isinstance(raw, bool) or raw in (0, 1):
        if quantity == "door" and "open" not in name.lower():
            return None  # `door: 1` may be either
        if quantity == "occupancy" and not isinstance(raw, bool) and "motion" in name.lower():
            return None  # a count of movements
        if quantity == "relay" and "switch" in name.lower() and not _OUTLET.search(name):
            return None  # `switch: 1` may be an input
        return float(raw)
    return None
