"""The P1 port of a smart meter as text: DSMR 2.2 to 5, Belgian, Luxembourg, Swedish and kin.

`/ident`, lines `A-B:C.D.E(value*unit)`, `!CRC`. The OBIS code says what a value is (IEC 62056-61),
the telegram its unit. M-Bus channels 0-n hold other meters: their type says of what, their id
names them. Times are local with a letter for summer; the meter's own clock tells how far local is
from UTC.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS
from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
from ingest.codecs.port import (
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
from ingest.times import settle, wall_clock
from ingest.units import UnknownUnitError, factor_offset

_LINE = re.compile(r"(?:(\d+)-(\d+):)?(\d+\.\d+\.\d+)(?:[*&](\d+))?((?:\([^()]*\))+)")
_NOW = {"", "0", "255"}  # value group F; any other is a register of a past billing period
_GROUP = re.compile(r"\(([^()]*)\)")
_VALUE = re.compile(r"([+-]?\d+(?:\.\d+)?)(?:\*([A-Za-z0-9³]+))?")
_CRC = re.compile(rb"![ \t]*([0-9A-Fa-f]{1,4})[ \t]*(?:\r|\n|$)")
_MAX_BYTES = 64 * 1024
_MAX_ID = 64


@dataclass(slots=True)
class _MBus:
    type: str = ""
    id: str = ""
    values: list[tuple[str, str, str]] = field(default_factory=list)  # (time, value, unit)


class P1:
    """Reads P1 telegrams."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._obis: Mapping[str, Sequence[str]] = driver.options.get("obis", {})
        self._types: Mapping[str, Mapping[str, str]] = driver.options.get("mbus", {})
        self._unless: Mapping[str, str] = driver.options.get("unless", {})
        self._ids: Sequence[str] = driver.options.get("ids", ())

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether a payload is no JSON: a telegram begins with a slash."""
        del anywhere
        return shape == NO_JSON

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one meter a telegram is from; None when it is no telegram."""
        payload = heard.message.payload
        body = payload.lstrip()[:_MAX_BYTES]
        if not body.startswith(b"/") or b"!" not in body or b"(" not in body:
            return None
        driver = self._driver
        if not checksum_holds(body):
            refusal = Rejected(RejectReason.BAD_CHECKSUM, "the CRC of the telegram")
            return (refuse(heard, driver, refusal),)
        text = body.decode("ascii", "replace")
        lines = list(_lines(text))
        model = text[1:].splitlines()[0].strip() if len(text) > 1 else ""
        # A telegram whose id was blanked out goes by its topic, or by what the meter calls itself.
        name = self._name(lines) or (model if route.anywhere else route.names.get("device", model))
        if not usable_name(name):
            return (bad_name(heard, driver, name),)
        found: list[Measured] = []
        refused: list[Rejected] = []
        received_ms = heard.message.received_ms
        zone = _zone(lines, received_ms)
        for item in self._read(lines, received_ms, zone):
            if isinstance(item, Rejected):
                refused.append(item)
            else:
                found.append(item)
        device = driver.device.format(device=name)
        return (
            arrive(heard, driver, device=device, measured=found, rejected=refused, model=model),
        )

    def _name(self, lines: Sequence["_Obis"]) -> str:
        """Return the meter's serial number; ids are often ASCII in hexadecimal."""
        by_code = {f"{line.medium}-{line.channel}:{line.code}": line for line in lines}
        for code in self._ids:
            line = by_code.get(code)
            if line is not None and (name := plain_id(line.groups[0])):
                return name
        return ""

    def _read(
        self, lines: Sequence["_Obis"], received_ms: int, zone: "_Zone | None"
    ) -> Iterator[Measured | Rejected]:
        at_ms, quality = received_ms, Quality.NO_CLOCK
        meters: dict[str, _MBus] = {}
        for line in lines:
            if line.code == "1.0.0" and line.medium == "0" and line.channel == "0":
                if zone is not None and (told := zone.utc(line.groups[0])) is not None:
                    at_ms, quality = settle(told, received_ms)
            elif line.medium == "0" and line.channel not in {"", "0"}:
                _note(meters.setdefault(line.channel, _MBus()), line)
        codes = {line.code for line in lines}
        for line in lines:
            row = self._obis.get(line.code) if line.medium in {"1", ""} else None
            if row is not None and self._unless.get(line.code) in codes:
                continue
            if row is not None and (match := _VALUE.fullmatch(line.groups[-1])):
                yield _measured(row[0], row[1], match[1], match[2] or "", at_ms, quality)
        for channel, meter in meters.items():
            yield from self._mbus(channel, meter, received_ms, zone)

    def _mbus(
        self, channel: str, meter: _MBus, received_ms: int, zone: "_Zone | None"
    ) -> Iterator[Measured | Rejected]:
        kinds = self._types.get(meter.type.lstrip("0"), {})
        name = plain_id(meter.id)[:_MAX_ID] or f"mbus{channel}"
        for time, value, unit in meter.values:
            quantity = kinds.get(unit.lower(), "")
            if not quantity:
                what = f"{value[:20]} {unit[:8]} of M-Bus device type {meter.type or 'unknown'}"
                yield Rejected(RejectReason.UNKNOWN_QUANTITY, what)
                continue
            told = zone.utc(time) if zone is not None else None
            at_ms, quality = settle(told, received_ms)
            yield _measured(quantity, name, value, unit, at_ms, quality)


@dataclass(frozen=True, slots=True)
class _Obis:
    medium: str
    channel: str
    code: str
    groups: tuple[str, ...]


def _lines(text: str) -> Iterator[_Obis]:
    """Yield the lines; one that is only a value in brackets belongs to the one before (DSMR 3)."""
    joined = re.sub(r"\r?\n[ \t]*\(", "(", text)
    for line in joined.splitlines():
        match = _LINE.match(line.strip())
        if match is not None and (match[4] or "").lstrip("0") in _NOW:
            groups = tuple(_GROUP.findall(match[5]))
            yield _Obis(match[1] or "", match[2] or "", match[3], groups)


def _note(meter: _MBus, line: _Obis) -> None:
    """Add a line of an M-Bus channel to what is known of its meter."""
    groups = line.groups
    if line.code == "24.1.0":
        meter.type = groups[0]
    elif line.code in {"96.1.0", "96.1.1", "96.1.2"} and groups[0]:
        meter.id = groups[0]
    elif line.code in {"24.2.1", "24.2.3", "24.4.2"} and (match := _VALUE.fullmatch(groups[-1])):
        if match[2]:
            meter.values.append((groups[0] if len(groups) > 1 else "", match[1], match[2]))
    elif line.code == "24.3.0" and (match := _VALUE.fullmatch(groups[-1])):
        # DSMR 2 and 3: (time)(status)(...)(...)(obis)(unit)(value)
        unit = next((g for g in reversed(groups[:-1]) if g and not g[0].isdigit()), "")
        meter.values.append((groups[0], match[1], unit))


@dataclass(frozen=True, slots=True)
class _Zone:
    """How far the meter's wall clock is from UTC [ms], and whether it is summer."""

    shift_ms: int
    season: str

    def utc(self, text: str) -> int | None:
        """Return a time of the telegram as ms UTC; one of the other season is an hour off."""
        local_ms = wall_clock(text)
        if local_ms is None:
            return None
        season = text.strip()[12:]
        shift_ms = self.shift_ms
        if {season, self.season} == {"S", "W"}:
            shift_ms += HOUR_MS if season == "S" else -HOUR_MS
        return local_ms - shift_ms


def _zone(lines: Sequence[_Obis], received_ms: int) -> _Zone | None:
    """Return the meter's zone in whole quarter-hours, or None where its clock is no guide.

    A telegram comes within seconds of its time, so its clock and ours tell the zone.
    """
    for line in lines:
        if line.code == "1.0.0" and line.medium == "0":
            local_ms = wall_clock(line.groups[0])
            if local_ms is None:
                return None
            shift_ms = round((local_ms - received_ms) / QUARTER_MS) * QUARTER_MS
            near = abs(local_ms - received_ms - shift_ms) <= 5 * MINUTE_MS
            if near and abs(shift_ms) <= 14 * HOUR_MS:
                return _Zone(shift_ms, line.groups[0].strip()[12:])
            return None
    return None


def _measured(
    quantity: str, channel: str, text: str, unit: str, at_ms: int, quality: Quality
) -> Measured | Rejected:
    try:
        factor, offset = factor_offset(quantity, unit)
    except UnknownUnitError as error:
        reason = RejectReason.UNKNOWN_UNIT if unit else RejectReason.UNIT_MISSING
        return Rejected(reason, str(error))
    value = number(text)
    if isinstance(value, Rejected):
        return value
    canonical = value * factor + offset
    verdict = judge(quantity, value, canonical)
    if isinstance(verdict, Rejected):
        return verdict
    return Measured(channel, quantity, at_ms, canonical, quality | verdict)


def plain_id(text: str) -> str:
    """Return a serial number as text; nothing for an empty one or one of zeros.

    >>> plain_id("4530303331"), plain_id("00000000000000"), plain_id("1ESY1336001560")
    ('E0031', '', '1ESY1336001560')
    """
    text = text.strip()
    if not text.strip("0"):
        return ""
    if len(text) % 2 == 0 and len(text) >= 8 and re.fullmatch(r"([2-7][0-9A-Fa-f])+", text):
        told = bytes.fromhex(text).decode("ascii")
        if re.fullmatch(r"[A-Za-z0-9 _.:-]+", told):
            return told
    return text


def checksum_holds(body: bytes) -> bool:
    """Return whether the CRC after `!` fits (DSMR 4 and later; older telegrams have none).

    CRC16 of `/` to `!`, polynomial x16+x15+x2+1, least significant bit first. A gateway that turned
    CR LF into LF did not change what the meter said, so both are tried.
    """
    match = _CRC.search(body)
    if match is None:
        return True
    told = int(match[1], 16)
    signed = body[: match.start() + 1]
    lines = signed.replace(b"\r\n", b"\n")
    return told in {crc16(signed), crc16(lines.replace(b"\n", b"\r\n")), crc16(lines)}


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        row = value
        for _ in range(8):
            row = (row >> 1) ^ 0xA001 if row & 1 else row >> 1
        rows.append(row)
    return tuple(rows)


_CRC_TABLE = _table()


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of bytes.

    >>> hex(crc16(b"123456789"))
    '0xbb3d'
    """
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc
