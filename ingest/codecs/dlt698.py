"""DL/T 698.45 replies of electricity meters: `68 L L C SA.. CA HCS HCS APDU.. FCS FCS 16`.

    L   length between the two ends, 14 bits      SA  its length, then the meter number, low first
    C   C3 a meter's answer, 83 its own report    HCS, FCS  CRC-16 of head and frame (ISO/IEC 13239)

The APDU is a GET-Response (85) or a REPORT-Notification (88) of objects (DL/T 698.45, 7.3 and annex
A), perhaps within a SECURITY-Response in plain text (90 00). An object's unit and decimals stand in
the table of its class (annex B), not in the frame. The meter number is that of DL/T 645.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.dlt645 import meter_number
from ingest.codecs.values import Value

_START = 0x68
_END = 0x16
_SHORTEST = 17
_LENGTH = 0x3FFF
_FROM_METER, _SCRAMBLED, _CUT = 0x80, 0x08, 0x20  # bits of the control byte
_OFFSET = 0x33
_MAX_ITEMS = 255
_MAX_DEPTH = 4
_TARIFFS = ("", "sharp", "peak", "flat", "valley")  # 总 尖 峰 平 谷
_TOTAL = ("", "a", "b", "c")
_PHASES = ("a", "b", "c")
_INTEGERS = {  # data type -> bytes, signed
    0x05: (4, True),
    0x06: (4, False),
    0x0F: (1, True),
    0x10: (2, True),
    0x11: (1, False),
    0x12: (2, False),
    0x14: (8, True),
    0x15: (8, False),
}
_FIXED = {0x03: 1, 0x16: 1, 0x17: 4, 0x18: 8, 0x19: 10, 0x1A: 5, 0x1B: 3, 0x1C: 7, 0x50: 2, 0x51: 4}
_COUNTED = {0x09, 0x0A, 0x0C, 0x55}
_NULL, _ARRAY, _STRUCTURE, _BITS = 0x00, 0x01, 0x02, 0x04


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose two checksums hold."""

    meter: str
    control: int
    apdu: bytes


@dataclass(frozen=True, slots=True)
class _Form:
    quantity: str
    unit: str
    decimals: int
    channels: tuple[str, ...] = ("",)
    channel: str = ""


# The first object number of each energy; those of the phases follow it.
_ENERGY = {
    0x0000: _Form("energy", "kWh", 2, channel="combined"),
    0x0010: _Form("energy", "kWh", 2),
    0x0020: _Form("energy_export", "kWh", 2),
    0x0030: _Form("reactive_energy", "kvarh", 2, channel="combined_1"),
    0x0040: _Form("reactive_energy", "kvarh", 2, channel="combined_2"),
    0x0050: _Form("reactive_energy", "kvarh", 2, channel="quadrant_1"),
    0x0060: _Form("reactive_energy", "kvarh", 2, channel="quadrant_2"),
    0x0070: _Form("reactive_energy", "kvarh", 2, channel="quadrant_3"),
    0x0080: _Form("reactive_energy", "kvarh", 2, channel="quadrant_4"),
    0x0090: _Form("apparent_energy", "kVAh", 2),
    0x00A0: _Form("apparent_energy", "kVAh", 2, channel="export"),
}
_PRECISE = 2  # further decimals of an energy's attribute 4
_VARIABLES = {
    0x2000: _Form("voltage", "V", 1, _PHASES),
    0x2001: _Form("current", "A", 3, _PHASES),
    0x2004: _Form("power", "W", 1, _TOTAL),
    0x2005: _Form("reactive_power", "var", 1, _TOTAL),
    0x2006: _Form("apparent_power", "VA", 1, _TOTAL),
    0x200A: _Form("power_factor", "1", 3, _TOTAL),
    0x200F: _Form("frequency", "Hz", 2),
    0x2010: _Form("device_temperature", "C", 1),
    0x2011: _Form("battery_voltage", "V", 2, channel="clock"),
    0x2012: _Form("battery_voltage", "V", 2, channel="reading"),
}
_PAST = {0x1: "a maximum demand, no live one", 0x3: "an event record", 0x5: "a frozen register"}


class _BadDataError(ValueError):
    """The APDU does not hold what it says it holds."""


def fcs(data: bytes) -> int:
    """Return the CRC-16 of ISO/IEC 13239 (X-25).

    >>> hex(fcs(b"123456789"))
    '0x906e'
    """
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


def frames(data: bytes) -> Iterator[Frame | Rejected]:
    """Yield each frame of a byte string whose head is sound, or its refusal if its body is not."""
    position = 0
    while 0 <= (start := data.find(_START, position)) <= len(data) - _SHORTEST:
        position = start + 1
        length = int.from_bytes(data[start + 1 : start + 3], "little")
        end = start + 1 + (length & _LENGTH)  # of the second checksum
        if length & ~_LENGTH or end >= len(data) or data[end] != _END:
            continue
        size = (data[start + 4] & 0x0F) + 1
        head = start + 6 + size  # where the first checksum stands
        if head + 4 > end or fcs(data[start + 1 : head]) != _number(data, head):
            continue
        position = end + 1
        meter = meter_number(data[start + 4 + size : start + 4 : -1])
        if fcs(data[start + 1 : end - 2]) != _number(data, end - 2):
            yield Rejected(RejectReason.BAD_CHECKSUM, f"DL/T 698.45 meter {meter}")
        else:
            yield Frame(meter, data[start + 3], data[head + 2 : end - 2])


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def values(frame: Frame) -> Iterator[Value | Rejected]:
    """Yield what a frame says; a request, a setting or another service yields nothing.

    >>> apdu = bytes.fromhex("85010000100200" "0101020600003039" "060000000a" "0000")
    >>> [(v.channel, v.number, v.unit) for v in values(Frame("1", 0xC3, apdu))]
    [('', 123.45, 'kWh'), ('sharp', 0.1, 'kWh')]
    """
    apdu = frame.apdu
    if not frame.control & _FROM_METER:
        return
    if frame.control & _CUT:
        yield Rejected(RejectReason.WRONG_SHAPE, "DL/T 698.45: a part of an answer")
        return
    if frame.control & _SCRAMBLED:
        apdu = bytes((byte - _OFFSET) & 0xFF for byte in apdu)
    try:
        yield from _service(apdu)
    except _BadDataError as error:
        yield Rejected(RejectReason.WRONG_SHAPE, f"DL/T 698.45: {error}")


def _service(apdu: bytes) -> Iterator[Value | Rejected]:
    reader = _Reader(apdu)
    service, choice = reader.byte(), reader.byte()
    if (service, choice) == (0x90, 0x00):
        yield from _service(reader.take(reader.count()))
    elif (service, choice) in {(0x85, 0x03), (0x85, 0x04), (0x88, 0x02)}:
        yield Rejected(RejectReason.NOT_LIVE, "DL/T 698.45: records of the past")
    elif (service, choice) in {(0x85, 0x01), (0x85, 0x02), (0x88, 0x01)}:
        reader.byte()  # number and priority of the service
        several = (service, choice) != (0x85, 0x01)
        for _ in range(reader.count() if several else 1):
            yield from _result(reader)


def _result(reader: "_Reader") -> Iterator[Value | Rejected]:
    """Yield one object: its number, attribute and index, and its data or why there is none."""
    oi = int.from_bytes(reader.take(2), "big")
    attribute, index = reader.byte() & 0x1F, reader.byte()
    name = f"DL/T 698.45 {oi:04X}{attribute:02X}{index:02X}"
    if not reader.byte():
        yield Rejected(RejectReason.DEVICE_ERROR, f"{name}: error {reader.byte()}")
        return
    data = reader.data()
    form = _form(oi, attribute)
    if form is not None:
        yield from _items(name, form, data, index)
    elif oi >> 12 in _PAST:
        yield Rejected(RejectReason.NOT_LIVE, f"{name}: {_PAST[oi >> 12]}")
    elif oi >> 12 == 0:
        yield Rejected(RejectReason.UNKNOWN_QUANTITY, name)


def _form(oi: int, attribute: int) -> _Form | None:
    """Return how an object is written; None of one that is not stored."""
    if oi >> 12 == 0 and attribute in {2, 4}:
        form, phase = _ENERGY.get(oi & 0xFFF0), oi & 0x0F
        if form is None or phase > len(_PHASES):
            return None
        channels = tuple(f"{_TOTAL[phase]}_{tariff}".strip("_") for tariff in _TARIFFS)
        decimals = form.decimals + (_PRECISE if attribute == 4 else 0)
        return _Form(form.quantity, form.unit, decimals, channels, form.channel)
    if oi == 0x2001 and attribute == 5:
        return _Form("current", "A", 3, channel="neutral")
    return _VARIABLES.get(oi) if attribute == 2 else None


def _items(name: str, form: _Form, data: object, index: int) -> Iterator[Value | Rejected]:
    """Yield a value, or those of an array: an index tells which of them stands alone."""
    first = index - 1 if index else 0
    for at, raw in enumerate(data if isinstance(data, list) else [data], start=first):
        place = form.channels[at] if at < len(form.channels) else f"tariff_{at}"
        channel = "_".join(word for word in (form.channel, place) if word)
        if raw is None:
            continue
        if not isinstance(raw, int):
            yield Rejected(RejectReason.WRONG_TYPE, f"{name}: no number")
        elif at >= len(form.channels) and form.channels[:1] != ("",):
            yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: {at + 1} phases")
        else:
            yield Value(form.quantity, raw / 10**form.decimals, form.unit, channel)


class _Reader:
    """Reads the data types of the standard (7.3.1) off an APDU."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise _BadDataError(f"{size} bytes wanted, {len(part)} left")
        self._at += size
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def count(self) -> int:
        """Return a length: a byte below 128, or as many bytes as the low bits of the first say."""
        first = self.byte()
        return int.from_bytes(self.take(first & 0x7F), "big") if first & 0x80 else first

    def data(self, depth: int = 0) -> object:
        """Return an integer, a list, None of no data, or the bytes of anything else."""
        kind = self.byte()
        if kind == _NULL:
            return None
        if kind in _INTEGERS:
            size, signed = _INTEGERS[kind]
            return int.from_bytes(self.take(size), "big", signed=signed)
        if kind in {_ARRAY, _STRUCTURE} and depth < _MAX_DEPTH:
            count = self.count()
            if count > _MAX_ITEMS:
                raise _BadDataError(f"{count} items")
            return [self.data(depth + 1) for _ in range(count)]
        if kind == _BITS:
            return self.take((self.count() + 7) // 8)
        if kind in _COUNTED:
            return self.take(self.count())
        if kind in _FIXED:
            return self.take(_FIXED[kind])
        raise _BadDataError(f"data type {kind:02X}")
