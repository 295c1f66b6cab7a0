"""SenML, RFC 8428: a list of records, base values carried on, units by its registry.

A name is device and channel at once: what the base name says is the device, the rest the channel. A
time below 2**28 is relative to now, and 0 or none is now (4.5.3). `s` is the integral of the value
over time: of watts the energy in joules.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
from ingest.codecs import cbor
from ingest.codecs.port import (
    LIST,
    NO_JSON,
    Heard,
    Memory,
    Route,
    Shape,
    arrive,
    bad_name,
    refuse,
    usable_name,
)
from ingest.driver import Driver
from ingest.extract import number
from ingest.quality import judge
from ingest.times import settle
from ingest.units import UnknownUnitError, factor_offset

_RELATIVE_S = 2**28
_VALUES = ("v", "vb", "vs", "vd")
_KNOWN = frozenset(
    {"bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vb", "vs", "vd", "s", "t", "ut"}
)
_LABELS: dict[Any, str] = {
    **dict(zip(range(-1, -7, -1), ("bver", "bn", "bt", "bu", "bv", "bs"), strict=True)),
    **dict(zip(range(9), ("n", "u", "v", "vs", "vb", "s", "t", "ut", "vd"), strict=True)),
}
_ARRAY = 4  # the major type of a CBOR list
_VERSION = 10
_URN = re.compile(r"(urn:dev:[^:]+:[^:_/;]+)[:_/;]?(.*)")
"""A device identifier, RFC 9039, and what of the device it is."""
_MAX_RECORDS = 5_000


@dataclass(slots=True)
class _Base:
    name: str = ""
    time: float = 0.0
    unit: str = ""
    value: float = 0.0
    total: float = 0.0

    def take(self, record: Mapping[str, Any]) -> Rejected | None:
        """Carry on what a record says of all that follow."""
        for key, slot in (("bn", "name"), ("bu", "unit")):
            if key in record:
                if not isinstance(record[key], str):
                    return Rejected(RejectReason.WRONG_TYPE, f"{key} is no text")
                setattr(self, slot, record[key])
        for key, slot in (("bt", "time"), ("bv", "value"), ("bs", "total")):
            if key in record:
                value = number(record[key])
                if isinstance(value, Rejected):
                    return Rejected(RejectReason.WRONG_TYPE, f"{key} is no number")
                setattr(self, slot, value)
        return None


class SenMl:
    """Reads SenML packs; the driver file says what a unit measures, by words of the name."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._units: Mapping[str, Sequence[str]] = driver.options.get("units", {})
        self._named: Mapping[str, Mapping[str, str]] = driver.options.get("named", {})

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload may be a list, in JSON or in CBOR."""
        del anywhere
        return shape in (LIST, NO_JSON)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return an arrival for each device the records name."""
        records = _pack(_told(heard))
        if not records:
            return None
        driver = self._driver
        if len(records) > _MAX_RECORDS:
            refusal = Rejected(RejectReason.TOO_LARGE, f"more than {_MAX_RECORDS} records")
            return (refuse(heard, driver, refusal),)
        found: dict[str, list[Measured]] = {}
        refused: list[Rejected] = []
        bad: list[Arrival] = []
        for device, item in self._records(records, heard.message.received_ms, route):
            if isinstance(item, Rejected):
                refused.append(item)
            elif not usable_name(device):
                bad.append(bad_name(heard, driver, device))
            else:
                found.setdefault(device, []).append(item)
        if not found:
            return (*bad, refuse(heard, driver, *refused))
        first = next(iter(found))
        return (
            *bad,
            *(
                arrive(
                    heard,
                    driver,
                    device=driver.device.format(device=device),
                    measured=measured,
                    rejected=refused if device == first else (),
                )
                for device, measured in found.items()
            ),
        )

    def _records(
        self, records: Sequence[Mapping[str, Any]], received_ms: int, route: Route
    ) -> Iterator[tuple[str, Measured | Rejected]]:
        base = _Base()
        seen: dict[tuple[str, str, str, int], int] = {}
        for record in records:
            fault = _fault(record) or base.take(record)
            if fault is not None:
                yield "", fault
                continue
            device, channel = _name(base.name, record.get("n", ""), route)
            item = self._one(record, base, f"{device}/{channel}", channel, received_ms)
            if isinstance(item, Measured):
                key = (device, item.channel, item.quantity, item.at_ms)
                if key in seen:  # two values of one instant are told apart by their order
                    item = Measured(
                        item.channel,
                        item.quantity,
                        item.at_ms,
                        item.value,
                        item.quality,
                        seen[key],
                    )
                seen[key] = seen.get(key, 0) + 1
            if item is not None:
                yield device, item

    def _one(
        self,
        record: Mapping[str, Any],
        base: _Base,
        name: str,
        channel: str,
        received_ms: int,
    ) -> Measured | Rejected | None:
        raw: Any = record.get("v", record.get("vb"))
        unit = str(record.get("u", base.unit))
        if raw is None and "s" in record:
            raw, unit = record["s"], f"{unit}s"
        elif raw is None:
            return None  # a record of base values, text or data holds no reading
        quantity, scale = self._meaning(unit, name, truth="vb" in record)
        if isinstance(scale, Rejected):
            return scale
        value = number(raw, state=QUANTITIES[quantity].kind is Kind.STATE)
        if isinstance(value, Rejected):
            return value
        if "v" in record:
            value += base.value
        elif "s" in record:
            value += base.total
        told = number(record.get("t", 0))
        if isinstance(told, Rejected):
            return Rejected(RejectReason.BAD_TIME, "t is no number")
        at_ms, quality = _moment(base.time + told, received_ms)
        canonical = value * scale[0] + scale[1]
        verdict = judge(quantity, value, canonical)
        if isinstance(verdict, Rejected):
            return verdict
        return Measured(channel, quantity, at_ms, canonical, quality | verdict)

    def _meaning(
        self, unit: str, name: str, *, truth: bool
    ) -> tuple[str, tuple[float, float] | Rejected]:
        """Return what a unit measures; where it may be several things a word of the name says."""
        row = self._units.get(unit, ())
        lower = name.lower()
        for word, table in self._named.items():
            if word in lower and (quantity := table.get("truth" if truth else unit)):
                return quantity, _scale(quantity, row[1] if len(row) > 1 else unit)
        if truth:
            return "", Rejected(RejectReason.UNKNOWN_QUANTITY, f"{name[:60]}: a state of what?")
        if not unit:
            return "", Rejected(RejectReason.UNIT_MISSING, f"{name[:60]}: no unit")
        if not row:
            return "", Rejected(RejectReason.UNKNOWN_UNIT, f"{unit[:20]!r} of {name[:40]}")
        if not row[0]:
            return "", Rejected(RejectReason.UNKNOWN_QUANTITY, f"{unit} of {name[:40]}")
        return row[0], _scale(row[0], row[1])


def _told(heard: Heard) -> Any:
    """Return a pack as JSON would say it: in CBOR the labels are numbers (RFC 8428, 6)."""
    payload = heard.message.payload
    if not payload or payload[0] >> 5 != _ARRAY:
        return heard.json
    told = cbor.parse(payload)
    if not isinstance(told, list):
        return heard.json
    return [
        {_LABELS.get(key, str(key)): value for key, value in record.items()}
        if isinstance(record, dict)
        else record
        for record in told
    ]


def _pack(payload: Any) -> list[dict[str, Any]]:
    """Return the records of a payload, none when it is no SenML."""
    if not isinstance(payload, list) or not all(isinstance(r, dict) for r in payload):
        return []
    keys = {key for record in payload for key in record if not key.endswith("_")}
    return payload if keys <= _KNOWN and keys & {"n", "bn", "v", "bver"} else []


def _fault(record: Mapping[str, Any]) -> Rejected | None:
    """Return what forbids a record by RFC 8428, 4.2 to 4.4."""
    if sum(key in record for key in _VALUES) > 1:
        return Rejected(RejectReason.WRONG_SHAPE, "a record with two values")
    version = record.get("bver", _VERSION)
    if not isinstance(version, int) or version > _VERSION:
        return Rejected(RejectReason.WRONG_SHAPE, f"version {version} is newer than {_VERSION}")
    unknown = [key for key in record if key.endswith("_")]
    if unknown:
        return Rejected(RejectReason.WRONG_SHAPE, f"{unknown[0][:30]!r} must be understood")
    return None


def _name(base: str, own: Any, route: Route) -> tuple[str, str]:
    """Return (device, channel) of a name: the base name, or all but the last part of it."""
    channel = str(own)
    if not base and (urn := _URN.fullmatch(channel)):
        return urn[1], urn[2]
    if base:
        return base.rstrip(":/."), channel
    head, separator, tail = channel.rpartition(":" if ":" in channel else "/")
    if separator:
        return head, tail
    return route.names.get("device", "") if not route.anywhere else channel, channel


def _moment(at_s: float, received_ms: int) -> tuple[int, Quality]:
    """Return when a record was taken: an instant, or so many seconds from now."""
    if at_s >= _RELATIVE_S:
        return settle(round(at_s * 1000), received_ms)
    at_ms, quality = settle(None, received_ms)
    return at_ms + round(at_s * 1000), quality


def _scale(quantity: str, unit: str) -> tuple[float, float] | Rejected:
    try:
        return factor_offset(quantity, unit)
    except UnknownUnitError as error:
        return Rejected(RejectReason.UNKNOWN_UNIT, str(error))
