"""Readings out of a decoded payload, by the fields table of a driver."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Measured, Quality, Rejected, RejectReason
from ingest.driver import Field
from ingest.quality import judge
from ingest.units import UnknownUnitError, factor_offset

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?([eE][+-]?\d{1,3})?")
_PHASES = ("a", "b", "c")
_WORDS = {"on": 1.0, "open": 1.0, "true": 1.0, "off": 0.0, "closed": 0.0, "false": 0.0}


def walk(
    value: Any,
    path: Sequence[str],
    captured: tuple[str, ...] = (),
    trail: tuple[str, ...] = (),
) -> Iterator[tuple[Any, tuple[str, ...], tuple[str, ...]]]:
    """Yield what stands at `path`, what its stars matched, and the concrete path.

    >>> list(walk({"DS18B20-1": {"T": 4}}, ("DS18B20*", "T")))
    [(4, ('-1',), ('DS18B20-1', 'T'))]
    """
    if not path:
        yield value, captured, trail
        return
    if not isinstance(value, Mapping):
        return
    head, rest = path[0], path[1:]
    if "*" not in head:
        if head in value:
            yield from walk(value[head], rest, captured, (*trail, head))
        return
    prefix, _, suffix = head.partition("*")
    for key, child in value.items():
        if key.startswith(prefix) and key.endswith(suffix) and len(key) >= len(head) - 1:
            star = key[len(prefix) : len(key) - len(suffix)]
            yield from walk(child, rest, (*captured, star), (*trail, key))


def first(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at `path`, or None."""
    return next((found for found, _, _ in walk(value, path)), None) if path else None


def number(raw: object, *, state: bool = False) -> float | Rejected:
    """Return a JSON value as a number; strings only by a strict grammar, words only for states.

    >>> number("4.5"), number("on", state=True)
    (4.5, 1.0)
    >>> [number(bad).reason.value for bad in (True, "1_000", "４.５", "4,5")]
    ['wrong-type', 'wrong-type', 'wrong-type', 'wrong-type']
    """
    if isinstance(raw, bool):
        if state:
            return float(raw)
        return Rejected(RejectReason.WRONG_TYPE, "true/false where a number is wanted")
    if isinstance(raw, int | float):
        return float(raw)
    if isinstance(raw, str):
        if state and raw.lower() in _WORDS:
            return _WORDS[raw.lower()]
        if raw.isascii() and _NUMBER.fullmatch(raw):
            return float(raw)
    return Rejected(RejectReason.WRONG_TYPE, f"{str(raw)[:40]!r} is no number")


def measure(
    fields: Sequence[Field],
    payload: Any,
    *,
    at_ms: int,
    quality: Quality,
) -> tuple[list[Measured], list[Rejected]]:
    """Return the readings a payload holds by the table, and what of it was refused."""
    found: list[Measured] = []
    refused: list[Rejected] = []
    seen: set[tuple[str, ...]] = set()
    for field in fields:
        if field.when and not _holds(field, payload):
            continue
        for raw, stars, trail in walk(payload, field.path):
            if raw is None or trail in seen:
                continue  # a null says "no reading now"; the first row of the table wins
            seen.add(trail)
            channel = field.channel.format(*stars).strip("-: ") if field.channel else ""
            factor, offset = field.factor, field.offset
            if field.unit_at:
                try:
                    factor, offset = factor_offset(
                        field.quantity, str(first(payload, field.unit_at) or field.unit)
                    )
                except UnknownUnitError as error:
                    refused.append(Rejected(RejectReason.UNKNOWN_UNIT, str(error)))
                    continue
            for value, name in _spread(field, raw, channel):
                item = _one(field, value, name, factor, offset, at_ms=at_ms, quality=quality)
                if isinstance(item, Rejected):
                    refused.append(item)
                else:
                    found.append(item)
    return found, refused


def _holds(field: Field, payload: Any) -> bool:
    return all(str(first(payload, key.split("."))) in words for key, words in field.when.items())


def _spread(field: Field, raw: Any, channel: str) -> Iterator[tuple[Any, str]]:
    if field.phases and isinstance(raw, list):
        yield from zip(raw, _PHASES, strict=False)
    elif field.phases and isinstance(raw, Mapping):
        yield from zip(raw.values(), _PHASES, strict=False)
    else:
        yield raw, channel


def _one(
    field: Field,
    raw: Any,
    channel: str,
    factor: float,
    offset: float,
    *,
    at_ms: int,
    quality: Quality,
) -> Measured | Rejected:
    value = number(raw, state=QUANTITIES[field.quantity].kind is Kind.STATE)
    if isinstance(value, Rejected):
        return Rejected(value.reason, f"{field.quantity}: {value.detail}")
    canonical = value * factor + offset
    if field.invert:
        canonical = 1.0 - canonical
    verdict = judge(field.quantity, value, canonical)
    if isinstance(verdict, Rejected):
        return verdict
    return Measured(
        channel=channel,
        quantity=field.quantity,
        at_ms=at_ms,
        value=canonical,
        quality=quality | verdict,
    )
