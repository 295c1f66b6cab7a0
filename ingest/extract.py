"""Readings out of a decoded payload, by the compiled field table of a driver."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Measured, Quality, Rejected, RejectReason
from ingest.driver import UNIT_UNKNOWN, UNIT_WRITTEN, Condition, Field, Where
from ingest.plan import MAX_CHANNEL, MAX_LIST, Leaf, State
from ingest.quality import doubt, judge
from ingest.times import instant, settle
from ingest.units import UnknownUnitError, factor_offset

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?([eE][+-]?\d{1,3})?")
_WRITTEN = re.compile(r"([+-]?\d[\d.]*(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)
_PHASES = ("a", "b", "c")
_WORDS = {
    **dict.fromkeys(("on", "open", "true", "yes", "detected", "wet"), 1.0),
    **dict.fromkeys(("off", "closed", "close", "false", "no", "clear", "dry"), 0.0),
}
_NUMBERS = frozenset((int, float))
NESTED = frozenset((dict, list))
"""The types of what holds other values in JSON."""
IDS = (str, int)
"""The types of what may be a name."""
_MOST = 1_000  # values of one message; the largest meters known here send about a hundred


def first(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at `path`, or None; a level of a list is its index.

    >>> first({"a": [{"b": 1}]}, ("a", "0", "b")), first({"a": 1}, ("b",)), first({}, ())
    (1, None, None)
    """
    if not path:
        return None
    for key in path:
        if type(value) is dict:
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def written(value: object) -> tuple[str, str]:
    """Return a number and the unit that is written behind it.

    >>> written("2.5 kWh"), written("-18.4°C"), written("2e3 W"), written("low")
    (('2.5', 'kWh'), ('-18.4', '°C'), ('2e3', 'W'), ('low', ''))
    """
    text = str(value).strip()
    match = _WRITTEN.fullmatch(text)
    return (match[1], match[2]) if match else (text, "")


def number(raw: object, *, state: bool = False) -> float | Rejected:
    """Return a JSON value as a number; strings only by a strict grammar, words only for states.

    >>> number("4.5"), number("on", state=True)
    (4.5, 1.0)
    >>> [number(bad).reason.value for bad in (True, "1_000", "４.５", "4,5")]
    ['wrong-type', 'wrong-type', 'wrong-type', 'wrong-type']
    """
    kind = type(raw)
    if kind is float:
        return raw  # type: ignore[return-value]  # just seen
    if kind is int:
        try:
            return float(raw)  # type: ignore[arg-type]  # just seen
        except OverflowError:
            return Rejected(RejectReason.NOT_FINITE, "a number beyond every range")
    if kind is bool:
        if state:
            return float(raw)  # type: ignore[arg-type]  # just seen
        return Rejected(RejectReason.WRONG_TYPE, "true/false where a number is wanted")
    if isinstance(raw, str):
        if state and raw.lower() in _WORDS:
            return _WORDS[raw.lower()]
        text = raw.strip()
        if text.isascii() and _NUMBER.fullmatch(text):
            return float(text)
        if text.lower() in {"nan", "-nan", "inf", "-inf", "infinity", "-infinity"}:
            return Rejected(RejectReason.NOT_FINITE, "NaN or Infinity")
    return Rejected(RejectReason.WRONG_TYPE, f"{str(raw)[:40]!r} is no number")


@dataclass(slots=True)
class Reader:
    """Gathers readings and refusals from one payload."""

    root: Any
    at_ms: int
    quality: Quality
    received_ms: int
    channel: str = ""
    found: list[Measured] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)

    def walk(self, state: State, value: Any, beside: Any = None) -> None:
        """Read what stands at and below `value`; so many of a message and no more."""
        if len(self.found) + len(self.refused) >= _MOST:
            return
        for leaf in state.leaves:
            if leaf.conditional and value is not None and not self._applies(leaf, value, beside):
                continue
            if self._take(leaf, value, beside, inner=state.inner):
                break
        if state.inner:
            if type(value) is dict:
                self._object(state, value)
            elif type(value) is list:
                for index, child in enumerate(value[:MAX_LIST]):
                    after = state.step(str(index))
                    if after is not None:
                        self.walk(after, child, value)

    def _object(self, state: State, value: Mapping[str, Any]) -> None:
        for key, after in state.steps(tuple(value)):
            child, leaf = value[key], after.sole
            if leaf is None or type(child) not in _NUMBERS:
                self.walk(after, child, value)
            elif len(self.found) + len(self.refused) < _MOST:
                self._take_number(leaf, child)

    def _take(self, leaf: Leaf, value: Any, beside: Any, *, inner: bool) -> bool:
        """Read one value by one field; False when the field is not for it."""
        if leaf.plain and type(value) in _NUMBERS:
            self._take_number(leaf, value)
            return True
        rule = leaf.field
        if value is None:
            return True  # a null says "no reading now"
        nested = type(value) in NESTED
        if nested and not rule.phases:
            if not inner:
                self._refuse(RejectReason.WRONG_TYPE, f"{rule.quantity}: no single value")
            return not inner
        scaling = self._scale(rule, value, beside)
        if isinstance(scaling, Rejected):
            self.refused.append(scaling)
            return True
        channel = self._channel(leaf, beside)
        at_ms, quality = self._time(rule, beside)
        for raw, phase in _phases(value) if nested else ((value, ""),):
            if raw is None:
                continue
            name = f"{channel}/{phase}" if channel and phase else channel or phase
            item = _one(rule, raw, name, scaling, at_ms=at_ms, quality=quality)
            if isinstance(item, Rejected):
                self.refused.append(item)
            else:
                self.found.append(item)
        return True

    def _take_number(self, leaf: Leaf, value: float) -> None:
        """Read a number by a field that looks at nothing else: as most are."""
        rule = leaf.field
        quantity = rule.quantity
        told = value if type(value) is float else number(value)
        if isinstance(told, Rejected):
            self.refused.append(Rejected(told.reason, f"{quantity}: {told.detail}"))
            return
        canonical = told * rule.factor + rule.offset
        verdict = judge(quantity, told, canonical)
        if isinstance(verdict, Rejected):
            self.refused.append(verdict)
            return
        channel = self._under(leaf.channel) if self.channel else leaf.name
        quality = self.quality | verdict if verdict else self.quality
        self.found.append(Measured(channel, quantity, self.at_ms, canonical, quality))

    def _applies(self, leaf: Leaf, value: Any, beside: Any) -> bool:
        rule = leaf.field
        if rule.when and not all(self._holds(c, beside, leaf) for c in rule.when):
            return False
        if rule.unless and any(self._holds(c, beside, leaf) for c in rule.unless):
            return False
        return rule.between is None or _within(value, rule.between)

    def _refuse(self, reason: RejectReason, detail: str) -> None:
        self.refused.append(Rejected(reason, detail))

    def _at(self, where: Where, beside: Any) -> Any:
        return first(beside if where.beside else self.root, where.path)

    def _holds(self, condition: Condition, beside: Any, leaf: Leaf) -> bool:
        where = condition.at
        if leaf.stars and any("{" in key for key in where.path):
            where = Where(tuple(key.format(*leaf.stars) for key in where.path), where.beside)
        value = self._at(where, beside)
        if value is None:
            return False
        return not condition.words or str(value).lower() in condition.words

    def _scale(self, rule: Field, value: Any, beside: Any) -> tuple[float, float] | Rejected:
        if rule.unit_at is not None:
            unit = self._at(rule.unit_at, beside)
            if unit is None or unit == "":
                unit = rule.unit or UNIT_UNKNOWN
        elif rule.unit == UNIT_UNKNOWN:
            unit = UNIT_UNKNOWN
        elif rule.unit == UNIT_WRITTEN:
            unit = written(value)[1] or UNIT_UNKNOWN
        else:
            return rule.factor, rule.offset
        return scale(rule.quantity, str(unit)[:16])

    def _channel(self, leaf: Leaf, beside: Any) -> str:
        channel = leaf.channel
        for where in leaf.field.channel_at:
            named = self._at(where, beside)
            if isinstance(named, IDS) and not isinstance(named, bool) and named != "":
                channel = str(named)
                break
        return self._under(channel)

    def _under(self, channel: str) -> str:
        if self.channel:
            channel = f"{self.channel}/{channel}" if channel else self.channel
        return channel[:MAX_CHANNEL] if channel.isprintable() else ""

    def _time(self, rule: Field, beside: Any) -> tuple[int, Quality]:
        if rule.time_at is not None:
            raw = self._at(rule.time_at, beside)
            if raw is not None:
                device_ms = instant(raw)
                if not isinstance(device_ms, Rejected):
                    return settle(device_ms, self.received_ms)
        return self.at_ms, self.quality


@lru_cache(maxsize=2_048)
def scale(quantity: str, unit: str) -> tuple[float, float] | Rejected:
    """Return (factor, offset) to the canonical unit, or why there is none."""
    if unit == UNIT_UNKNOWN:
        if QUANTITIES[quantity].kind is Kind.STATE:
            return 1.0, 0.0
        return Rejected(RejectReason.UNIT_MISSING, f"{quantity}: nothing says the unit")
    try:
        return factor_offset(quantity, unit)
    except UnknownUnitError as error:
        return Rejected(RejectReason.UNKNOWN_UNIT, str(error))


def measure(
    state: State,
    payload: Any,
    *,
    at_ms: int,
    quality: Quality,
    received_ms: int = 0,
    channel: str = "",
) -> tuple[list[Measured], list[Rejected]]:
    """Return the readings a payload holds by a compiled table, and what of it was refused.

    The first field of the table that fits a value takes it.
    """
    reader = Reader(payload, at_ms, quality, received_ms or at_ms, channel)
    reader.walk(state, payload)
    return doubt(reader.found), reader.refused


def _within(value: Any, limits: tuple[float, float]) -> bool:
    told = number(value)
    return not isinstance(told, Rejected) and limits[0] <= told <= limits[1]


def _phases(value: Any) -> Iterator[tuple[Any, str]]:
    values = value.values() if isinstance(value, Mapping) else value
    yield from zip(values, _PHASES, strict=False)


def _one(
    rule: Field,
    raw: Any,
    channel: str,
    scaling: tuple[float, float],
    *,
    at_ms: int,
    quality: Quality,
) -> Measured | Rejected:
    quantity = rule.quantity
    value: float | Rejected | None = None
    if rule.words:
        value = rule.words.get(str(raw).strip().lower())
        if value is None and isinstance(raw, str):
            value = rule.words.get("*")
    if rule.unit == UNIT_WRITTEN and isinstance(raw, str):
        raw = written(raw)[0]
    if value is None:
        value = number(raw, state=QUANTITIES[quantity].kind is Kind.STATE)
    if isinstance(value, Rejected):
        return Rejected(value.reason, f"{quantity}: {value.detail}")
    factor, offset = scaling
    canonical = value * factor + offset
    if rule.nonzero:
        canonical = float(value != 0)
    if rule.invert:
        canonical = 1.0 - canonical
    verdict = judge(quantity, value, canonical)
    if isinstance(verdict, Rejected):
        return verdict
    return Measured(channel, quantity, at_ms, canonical, quality | verdict if verdict else quality)
