"""DL/T 645 replies, as of 2007: `FE.. 68 A0-A5 68 C L DATA CS 16`, data offset by 0x33, BCD.

    68  A0 A1 A2 A3 A4 A5  68  C   L   DI0 DI1 DI2 DI3  N..   CS  16
        meter number, BCD      91      each byte + 0x33       sum of all before, mod 256

Control 91 is a reply, B1 one with more to follow, 92/B2 a follow-up (ends with a sequence byte; it
says nothing alone, see ingest/codecs/follow_up), D1 and D2 an error reply, 11 and 12 a request. DI3
DI2 DI1 DI0 name the value: DL/T 645-2007, annex A, tables A.1 (energy), A.2 (maximum demand), A.3
(variables). The control code tells a frame of 1997, whose identifiers are of two bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs import dlt645_1997
from ingest.codecs.octets import bcd
from ingest.codecs.values import Value

_START = 0x68
_END = 0x16
_OFFSET = 0x33
_HEAD = 10  # 68, six address bytes, 68, C, L
_REPLY = {0x91, 0xB1}
_FOLLOW_UP = {0x92, 0xB2}
_MORE = 0x20  # the bit of a control code that announces a follow-up
_ERROR_BITS = (
    "other error",
    "no such data",
    "password wrong or not authorised",
    "baud rate cannot change",
    "too many seasons",
    "too many periods of the day",
    "too many tariffs",
)
_TARIFFS = ("", "sharp", "peak", "flat", "valley")  # 总 尖 峰 平 谷
_PHASES = ("", "a", "b", "c")
_ANSWERS = dlt645_1997.REPLIES | _REPLY | _FOLLOW_UP
_PAST = {
    0x01: "a maximum demand, no live one",
    0x05: "a frozen register",
    0x06: "a load record",
    **dict.fromkeys((0x03, *range(0x10, 0x24)), "an event record"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame with a valid checksum; `data` has the 0x33 taken off."""

    meter: str
    control: int
    data: bytes

    @property
    def identifier(self) -> str:
        """The data identifier DI3 DI2 DI1 DI0 in hex."""
        return self.data[3::-1].hex().upper() if len(self.data) >= 4 else ""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a value is written: bytes, decimals, sign."""

    quantity: str
    unit: str
    size: int
    decimals: int
    signed: bool = False
    channel: str = ""


# DI2 of class 00: forward and reverse active, reactive by quadrant; +20 (0x14) per phase.
_ENERGY = {
    0x00: _Form("energy", "kWh", 4, 2, signed=True, channel="combined"),
    0x01: _Form("energy", "kWh", 4, 2),
    0x02: _Form("energy_export", "kWh", 4, 2),
    0x03: _Form("reactive_energy", "kvarh", 4, 2, signed=True, channel="combined_1"),
    0x04: _Form("reactive_energy", "kvarh", 4, 2, signed=True, channel="combined_2"),
    0x05: _Form("reactive_energy", "kvarh", 4, 2, channel="quadrant_1"),
    0x06: _Form("reactive_energy", "kvarh", 4, 2, channel="quadrant_2"),
    0x07: _Form("reactive_energy", "kvarh", 4, 2, channel="quadrant_3"),
    0x08: _Form("reactive_energy", "kvarh", 4, 2, channel="quadrant_4"),
    0x09: _Form("apparent_energy", "kVAh", 4, 2),
    0x0A: _Form("apparent_energy", "kVAh", 4, 2, channel="export"),
}
# DI2 of class 02: (form, whether index 0 is the total).
_PHASED = {
    0x01: (_Form("voltage", "V", 2, 1), False),
    0x02: (_Form("current", "A", 3, 3, signed=True), False),
    0x03: (_Form("power", "kW", 3, 4, signed=True), True),
    0x04: (_Form("reactive_power", "kvar", 3, 4, signed=True), True),
    0x05: (_Form("apparent_power", "kVA", 3, 4, signed=True), True),
    0x06: (_Form("power_factor", "1", 2, 3, signed=True), True),
}
_SIDE = {0x07, 0x08, 0x09, 0x0A, 0x0B}  # phase angles, distortion, harmonics: not stored
_PERIOD = {0x0B, 0x0C}  # what was used since the settlement day or the first of the month
_SINGLE = {
    0x01: _Form("current", "A", 3, 3, signed=True, channel="neutral"),
    0x02: _Form("frequency", "Hz", 2, 2),
    0x03: _Form("power", "kW", 3, 4, signed=True, channel="minute_mean"),
    0x04: _Form("demand", "kW", 3, 4, signed=True),
    0x05: _Form("reactive_power", "kvar", 3, 4, signed=True, channel="demand"),
    0x06: _Form("apparent_power", "kVA", 3, 4, signed=True, channel="demand"),
    0x07: _Form("device_temperature", "C", 2, 1, signed=True),
    0x08: _Form("battery_voltage", "V", 2, 2, channel="clock"),
    0x09: _Form("battery_voltage", "V", 2, 2, channel="reading"),
}
_SINGLE_SIDE = {0x0A, 0x0B, 0x0C, 0x20, 0x21, 0x22, 0x23}  # battery age, prices: not stored


def frames(data: bytes) -> Iterator[Frame | Rejected]:
    """Yield each frame of a byte string, and one refusal for each that its checksum spoils.

    >>> good = bytes.fromhex("6811111111111168910833333433333333336816")
    >>> [frame.identifier for frame in frames(good)]
    ['00010000']
    >>> [refusal.reason.value for refusal in frames(good[:-2] + b"\\x00\\x16")]
    ['bad-checksum']
    """
    position, spoiled, reach = 0, None, 0
    while 0 <= (start := data.find(_START, position)) <= len(data) - _HEAD - 2:
        position = start + 1
        if data[start + 7] != _START:
            continue
        end = start + _HEAD + data[start + 9]
        if end + 1 >= len(data) or data[end + 1] != _END:
            continue
        if spoiled is not None and start >= reach:
            yield spoiled
            spoiled = None
        address = meter_number(data[start + 6 : start : -1])
        if sum(data[start:end]) & 0xFF == data[end]:
            body = bytes((byte - _OFFSET) & 0xFF for byte in data[start + _HEAD : end])
            yield Frame(address, data[start + 8], body)
            # What seemed to begin before it and to reach into it was noise on the line.
            position, spoiled = end + 2, None
        elif spoiled is None:
            spoiled = Rejected(RejectReason.BAD_CHECKSUM, f"DL/T 645 meter {address}")
            reach = end + 2
    if spoiled is not None:
        yield spoiled


def meter_number(address: bytes) -> str:
    """Return a meter's number; AA stands for digits left out in front of a short address.

    Some meters answer under the wildcard by which they were asked; that works with one on a line.

    >>> meter_number(bytes.fromhex("aaaaaa004711")), meter_number(bytes.fromhex("aaaaaaaaaaaa"))
    ('000000004711', 'any')
    """
    digits = address.lstrip(b"\xaa").hex()
    return digits.rjust(12, "0") if digits and digits != "99" * 6 else "any"


def values(frame: Frame) -> Iterator[Value | Rejected]:
    """Yield what a frame says; a request or another command yields nothing.

    >>> frame = Frame("000000000001", 0x91, bytes.fromhex("0000010026000000"))
    >>> [(value.quantity, value.number, value.unit) for value in values(frame)]
    [('energy', 0.26, 'kWh')]
    """
    if frame.control & 0xC0 == 0xC0:
        yield Rejected(RejectReason.DEVICE_ERROR, _error(frame))
    elif frame.control not in _ANSWERS:
        return
    elif frame.control in dlt645_1997.REPLIES:
        yield from dlt645_1997.values(frame.control, frame.data)
    elif frame.control in _FOLLOW_UP:
        detail = f"DL/T 645 {frame.identifier}: a follow-up without its beginning"
        yield Rejected(RejectReason.WRONG_SHAPE, detail)
    elif len(frame.data) > 3:
        yield from _reply(frame, frame.data[4:])


def _reply(frame: Frame, body: bytes) -> Iterator[Value | Rejected]:
    kind = frame.data[3]
    if kind == 0x00:
        yield from _registers(frame, body, _ENERGY)
    elif kind == 0x02:
        yield from _variables(frame, body)
    elif kind in _PAST:
        yield Rejected(RejectReason.NOT_LIVE, f"DL/T 645 {frame.identifier}: {_PAST[kind]}")
    elif kind != 0x04:  # 04: clock, constants and schedules, known and no readings
        yield _unknown(frame)


def _error(frame: Frame) -> str:
    code = frame.data[0] if frame.data else 0
    words = [word for bit, word in enumerate(_ERROR_BITS) if code >> bit & 1]
    return f"DL/T 645 meter {frame.meter}: {', '.join(words) or 'error'}"


def _unknown(frame: Frame) -> Rejected:
    return Rejected(RejectReason.UNKNOWN_QUANTITY, f"DL/T 645 {frame.identifier}")


def _number(form: _Form, data: bytes, channel: str) -> Value | Rejected:
    raw = bcd(data, signed=form.signed)
    name = "_".join(part for part in (form.channel, channel) if part)
    if isinstance(raw, Rejected):
        return Rejected(raw.reason, f"{form.quantity} {name}: {raw.detail}")
    return Value(form.quantity, raw / 10**form.decimals, form.unit, name)


def _phase_of(kind: int, forms: dict[int, _Form]) -> tuple[_Form | None, str]:
    """Return the form and the phase: forward and reverse of a phase stand at 15, 29 and 3D."""
    phase, base = divmod(kind - 1, 0x14) if kind else (0, -1)
    if phase and base > 9:
        return None, ""
    return (forms.get(base + 1), _PHASES[phase]) if phase < 4 else (None, "")


def _registers(frame: Frame, body: bytes, forms: dict[int, _Form]) -> Iterator[Value | Rejected]:
    """Yield energies: a total and tariffs, of now or of a settlement day."""
    settlement, tariff, kind = frame.data[0], frame.data[1], frame.data[2]
    form, phase = _phase_of(kind, forms)
    if kind in _PERIOD:
        detail = f"DL/T 645 {frame.identifier}: a period's own counter"
        yield Rejected(RejectReason.NOT_LIVE, detail)
        return
    if form is None:
        yield _unknown(frame)
        return
    if settlement not in (0x00, 0xFF):
        yield Rejected(RejectReason.NOT_LIVE, f"settlement day {settlement}: a past register")
        return
    size = form.size
    parts = [body[at : at + size] for at in range(0, len(body) - size + 1, size)]
    single = settlement == 0x00 and tariff != 0xFF
    cut = frame.control & _MORE and parts  # its last item goes on in the next frame
    if not cut and (len(body) % size not in (0, 1) or (single and body[size:].strip(b"\xaa"))):
        yield Rejected(RejectReason.WRONG_SHAPE, f"{len(body)} bytes for {frame.identifier}")
        return
    if settlement == 0xFF or tariff != 0xFF:
        parts = parts[:1]  # what follows belongs to settlement days
    first = 0 if tariff == 0xFF else tariff
    for index, part in enumerate(parts, start=first):
        name = _TARIFFS[index] if index < len(_TARIFFS) else f"tariff_{index}"
        channel = "_".join(word for word in (phase, name) if word)
        yield _number(form, part[: form.size], channel)


def _variables(frame: Frame, body: bytes) -> Iterator[Value | Rejected]:
    """Yield instantaneous values: one phase, the total, or the block of all."""
    last, index, kind = frame.data[0], frame.data[1], frame.data[2]
    if kind == 0x80 and index == 0x00 and last in _SINGLE:
        yield _number(_SINGLE[last], body[: _SINGLE[last].size], "")
        return
    if kind in _SIDE or (kind == 0x80 and last in _SINGLE_SIDE):
        return
    form, with_total = _PHASED.get(kind, (None, False))
    if form is None or last != 0x00:
        yield _unknown(frame)
        return
    channels: tuple[str, ...]
    if index == 0xFF:
        channels = _PHASES if with_total else _PHASES[1:]
    elif index < len(_PHASES):
        channels = _PHASES[index : index + 1]
    else:
        yield _unknown(frame)
        return
    if len(body) < form.size:
        yield Rejected(RejectReason.WRONG_SHAPE, f"{len(body)} bytes for {frame.identifier}")
    for at, channel in enumerate(channels):
        part = body[at * form.size : (at + 1) * form.size]
        if len(part) == form.size:
            yield _number(form, part, channel)
