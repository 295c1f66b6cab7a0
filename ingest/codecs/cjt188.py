"""CJ/T 188-2004 and -2018 replies of water, heat, gas and electricity meters.

    68  T   A0..A6         C   L   DI0 DI1 SER  V V V V U  V V V V U  clock(7) status(2)  CS 16
        10  meter no, BCD  81      90  1F       register   settlement register

T is the meter type: 10-19 water, 20-29 heat (21 cold), 30-39 gas, 40-49 electricity. U is the unit
byte of the value before it (CJ/T 188, table of units). The status differs by maker: not read. Heat
meters: settlement energy, energy,
power, flow, volume, supply and return temperature, hours. FF means no value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.octets import bcd
from ingest.codecs.values import Value

_START = 0x68
_END = 0x16
_ADDRESS_SIZES = (7, 5, 6)  # 7 by the standard; older readers send a shorter one
_READING = (b"\x90\x1f", b"\x1f\x90")  # some send the identifier's bytes swapped
# Price table, settlement day, reading day, purchase, key version, address: known, and no readings.
_ASIDE = {0x8102, 0x8103, 0x8104, 0x8105, 0x8106, 0x810A}
_REPLIES = {0x81, 0xC1, 0x01, 0x83, 0x84, 0xC4, 0x91, 0xC3}
_ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")
_COLD = 0x21
_FULL = 99_999_999  # every digit 9: a filler, no register
_UNITS = {
    0x01: "J",
    0x02: "Wh",
    0x05: "kWh",
    0x08: "MWh",
    0x0A: "100MWh",
    0x0B: "kJ",
    0x0E: "MJ",
    0x11: "GJ",
    0x13: "100GJ",
    0x14: "W",
    0x17: "kW",
    0x1A: "MW",
    # 29 is the litre, and meters differ in the decimals they write with it: it waits for a proof.
    0x2C: "m3",
    0x32: "L/h",
    0x35: "m3/h",
}
_HEAT_KINDS = (("Wh", "J"), ("Wh", "J"), ("W",), ("/h",), ("m3",))
_HUNDREDFOLD = {"100MWh": ("MWh", 100.0), "100GJ": ("GJ", 100.0)}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame with a valid checksum."""

    meter: str
    kind: int
    control: int
    data: bytes


def frames(data: bytes) -> Iterator[Frame | Rejected]:
    """Yield each frame of a byte string, and one refusal for each that its checksum spoils.

    >>> text = "6810010000000000008103901F00AC16"
    >>> [frame.meter for frame in frames(bytes.fromhex(text))]
    ['00000000000001']
    """
    position, spoiled, reach = 0, None, 0
    while (start := data.find(_START, position)) >= 0:
        position = start + 1
        for size in _ADDRESS_SIZES:
            end = _end(data, start, size)
            if end < 0:
                continue
            if spoiled is not None and start >= reach:
                yield spoiled
                spoiled = None
            meter = data[start + 1 + size : start + 1 : -1].hex()
            if sum(data[start:end]) & 0xFF == data[end]:
                head = start + 2 + size
                yield Frame(meter, data[start + 1], data[head], data[head + 2 : end])
                # What seemed to begin before it and to reach into it was noise on the line.
                position, spoiled = end + 2, None
                break
            if spoiled is None:
                spoiled = Rejected(RejectReason.BAD_CHECKSUM, f"CJ/T 188 meter {meter}")
                reach = end + 2
    if spoiled is not None:
        yield spoiled


def _end(data: bytes, start: int, size: int) -> int:
    """Return where the checksum stands if this can be a frame with `size` address bytes."""
    head = start + 2 + size
    if head + 4 > len(data) or data[head] not in _REPLIES:
        return -1
    end = head + 2 + data[head + 1]
    if end + 1 >= len(data) or data[end + 1] != _END:
        return -1
    # Only the identifier tells a real frame from a chance hit at a shorter address.
    electric = data[start + 7] == _START  # a frame of DL/T 645 has its second start there
    plausible = (
        (data[head + 1] < 3 and not electric) or data[head + 2 : head + 4] in _READING or size == 7
    )
    return end if plausible else -1


def values(frame: Frame) -> Iterator[Value | Rejected]:
    """Yield what a frame says; a request yields nothing.

    >>> body = bytes.fromhex("901F00" "002301002C" "000000002C" "00000000000000" "0000")
    >>> [(v.quantity, v.number, v.unit) for v in values(Frame("1", 0x10, 0x81, body))]
    [('volume', 123.0, 'm3')]
    """
    if frame.control & 0xC0 == 0xC0:
        yield Rejected(RejectReason.DEVICE_ERROR, f"CJ/T 188 meter {frame.meter}")
        return
    if frame.control != 0x81 or len(frame.data) < 3:
        return
    if frame.data[:2] not in _READING:
        name = frame.data[:2].hex()
        if 0xD1 in frame.data[:2]:
            yield Rejected(RejectReason.NOT_LIVE, f"CJ/T 188 {name}: a past register")
        elif _ASIDE.isdisjoint(int.from_bytes(frame.data[:2], order) for order in _ORDERS):
            yield Rejected(RejectReason.UNKNOWN_QUANTITY, f"CJ/T 188 {name}")
        return
    body = frame.data[3:]
    family = frame.kind >> 4
    if family == 2 and len(body) >= 25:
        yield from _heat(body, frame.kind)
    elif family in (1, 3, 4) or frame.kind == 0xAA:
        yield _register(body, frame.kind)
    else:
        yield Rejected(RejectReason.UNKNOWN_QUANTITY, f"CJ/T 188 meter type {frame.kind:02X}")


def _register(body: bytes, kind: int) -> Value | Rejected:
    """Return the current register; the settlement register after it is history."""
    unit = _UNITS.get(body[4]) if len(body) > 4 else None
    if unit is None:
        return Rejected(RejectReason.UNKNOWN_UNIT, f"CJ/T 188 unit byte {body[4:5].hex() or '-'}")
    if unit.endswith(("Wh", "J")):
        quantity = "energy" if kind >> 4 == 4 else "heat_energy"
    else:
        quantity = "gas_volume" if kind >> 4 == 3 else "volume"
    return _number(quantity, body[:4], unit, decimals=2)


def _heat(body: bytes, kind: int) -> Iterator[Value | Rejected]:
    """Yield energy, power, flow, volume and the two temperatures of a heat or cold meter.

    Some makers write each unit before its value: told by the kinds of the five units.
    """
    fields = [body[at : at + 5] for at in range(0, 25, 5)]
    if not _fit(field[4] for field in fields) and _fit(field[0] for field in fields):
        fields = [field[1:] + field[:1] for field in fields]
    energy = "cooling_energy" if kind == _COLD else "heat_energy"
    rows = ((1, energy, 2), (2, "heat_power", 2), (3, "heat_flow", 4), (4, "heat_volume", 2))
    for at, quantity, decimals in rows:
        unit = _UNITS.get(fields[at][4])
        if unit is None:
            yield Rejected(RejectReason.UNKNOWN_UNIT, f"CJ/T 188 unit byte {fields[at][4]:02x}")
        else:
            yield _number(quantity, fields[at][:4], unit, decimals=decimals)
    for at, channel in ((25, "supply"), (28, "return")):
        if len(body) >= at + 3:
            yield _number("temperature", body[at : at + 3], "C", decimals=2, channel=channel)


def _fit(units: Iterable[int]) -> bool:
    """Return whether five unit bytes are of energy, energy, power, flow and volume."""
    return all(
        _UNITS.get(unit, "").removeprefix("100").endswith(ends)
        for unit, ends in zip(units, _HEAT_KINDS, strict=True)
    )


def _number(
    quantity: str, data: bytes, unit: str, *, decimals: int, channel: str = ""
) -> Value | Rejected:
    raw = bcd(data)
    if isinstance(raw, Rejected):
        return Rejected(raw.reason, f"{quantity}: {raw.detail}")
    if raw == _FULL:
        return Rejected(RejectReason.SENTINEL, f"{quantity}: every digit is 9")
    unit, fold = _HUNDREDFOLD.get(unit, (unit, 1.0))
    return Value(quantity, raw * fold / 10**decimals, unit, channel)
