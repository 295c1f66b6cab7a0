"""DL/T 645-1997 replies: the frame of 2007, with a two-byte identifier and its own control codes.

    68  A0..A5  68  C   L   DI0 DI1  N..   CS  16
                    81      each byte + 0x33

Control 81 is a reply, A1 one with more to follow, 82/A2 a follow-up, 83/A3 the same once more, C1
to C3 an error reply. DI1 DI0 name the value: DL/T 645-1997, annex A, tables A.1 (energy),
A.2 (maximum demand) and A.3 (variables). A low half F of DI0 is the block of its items, FF the set
of its blocks. A block ends with AA, or each of its items does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs.octets import bcd
from ingest.codecs.values import Value

REPLIES = frozenset({0x81, 0xA1, 0x82, 0xA2, 0x83, 0xA3})
_FOLLOW_UPS = {0x82, 0xA2}
_BLOCK = 0xF
_SET = 0xFF
_DEMANDS = {part + month + kind for part in (0xA0, 0xB0) for month in (0, 4, 8) for kind in (0, 1)}
_ASIDE = {0xB2, 0xB3, 0xC0, 0xC1, 0xC2, 0xC3}  # events, clock, constants: known, and no readings
_SEPARATOR = 0xAA
_TARIFFS = ("", "sharp", "peak", "flat", "valley")  # 总 尖 峰 平 谷
_PHASES = ("", "a", "b", "c")


@dataclass(frozen=True, slots=True)
class _Form:
    """How a value is written: bytes, decimals, and whether a total goes before the phases."""

    quantity: str
    unit: str
    size: int
    decimals: int
    channel: str = ""
    total: bool = False


# DI1 of energies is 90 (active) or 91 (reactive) now, +4 last month, +8 the month before.
_ENERGY = {
    (0x0, 0x1): _Form("energy", "kWh", 4, 2),
    (0x0, 0x2): _Form("energy_export", "kWh", 4, 2),
    (0x1, 0x1): _Form("reactive_energy", "kvarh", 4, 2),
    (0x1, 0x2): _Form("reactive_energy_export", "kvarh", 4, 2),
    (0x1, 0x3): _Form("reactive_energy", "kvarh", 4, 2, "quadrant_1"),
    (0x1, 0x4): _Form("reactive_energy", "kvarh", 4, 2, "quadrant_4"),
    (0x1, 0x5): _Form("reactive_energy", "kvarh", 4, 2, "quadrant_2"),
    (0x1, 0x6): _Form("reactive_energy", "kvarh", 4, 2, "quadrant_3"),
}
# The high half of DI0 under B6; the low half is the phase.
_VARIABLES = {
    0x1: _Form("voltage", "V", 2, 0),
    0x2: _Form("current", "A", 2, 2),
    0x3: _Form("power", "kW", 3, 4, total=True),
    0x4: _Form("reactive_power", "kvar", 2, 2, total=True),
    0x5: _Form("power_factor", "1", 2, 3, total=True),
}


def values(control: int, data: bytes) -> Iterator[Value | Rejected]:
    """Yield what a reply says; `data` has the 0x33 taken off.

    >>> [(v.quantity, v.number, v.unit) for v in values(0x81, bytes.fromhex("109056341200"))]
    [('energy', 1234.56, 'kWh')]
    >>> [v.number for v in values(0x81, bytes.fromhex("1FB6200221020000AA"))]
    [220, 221, 0]
    """
    if len(data) < 3:
        return
    low, high, body = data[0], data[1], data[2:]
    name = f"DL/T 645-1997 {high:02X}{low:02X}"
    if control in _FOLLOW_UPS:
        yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: a follow-up without its beginning")
    elif high >> 4 == 0x9:
        yield from _energy(name, high, low, body)
    elif high in _DEMANDS:
        yield Rejected(RejectReason.NOT_LIVE, f"{name}: a maximum demand, or its time")
    elif high == 0xB6:
        yield from _variable(name, low, body)
    elif high not in _ASIDE:
        yield Rejected(RejectReason.UNKNOWN_QUANTITY, name)


def _energy(name: str, high: int, low: int, body: bytes) -> Iterator[Value | Rejected]:
    """Yield a register, or the block of its total and tariffs; those of past months are none."""
    rows = {row: form for (kind, row), form in _ENERGY.items() if kind == high & 0x3}
    if high & 0xC:
        yield Rejected(RejectReason.NOT_LIVE, f"{name}: a past register, not a live one")
    elif low == _SET:
        blocks = _blocks(body, rows)
        for row, parts in blocks:
            yield from _tariffs(rows[row], parts, first=0)
        if not blocks:
            yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: no set of blocks")
    elif (form := rows.get(low >> 4)) is None:
        yield Rejected(RejectReason.UNKNOWN_QUANTITY, name)
    else:
        tariff = low & 0xF
        parts = _parts(body, form.size, block=tariff == _BLOCK)
        yield from _tariffs(form, parts, first=0 if tariff == _BLOCK else tariff)
        if not parts:
            yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: {len(body)} bytes")


def _tariffs(form: _Form, parts: list[bytes], *, first: int) -> Iterator[Value | Rejected]:
    for index, part in enumerate(parts, start=first):
        channel = _TARIFFS[index] if index < len(_TARIFFS) else f"tariff_{index}"
        yield _number(form, part, channel)


def _variable(name: str, low: int, body: bytes) -> Iterator[Value | Rejected]:
    """Yield an instantaneous value of a phase, the total, or the block of all."""
    if low == _SET:
        blocks = _blocks(body, _VARIABLES)
        for row, parts in blocks:
            for channel, part in zip(_channels(_VARIABLES[row]), parts, strict=False):
                yield _number(_VARIABLES[row], part, channel)
        if not blocks:
            yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: no set of blocks")
        return
    form, index = _VARIABLES.get(low >> 4), low & 0xF
    channels = _channels(form) if form else ()
    if form is None or (index != _BLOCK and (index > 3 or _PHASES[index] not in channels)):
        yield Rejected(RejectReason.UNKNOWN_QUANTITY, name)  # also limits, B634 and B635
        return
    parts = _parts(body, form.size, block=index == _BLOCK)
    if not parts:
        yield Rejected(RejectReason.WRONG_SHAPE, f"{name}: {len(body)} bytes")
    named = channels if index == _BLOCK else (_PHASES[index],)
    for channel, part in zip(named, parts, strict=False):
        yield _number(form, part, channel)


def _channels(form: _Form) -> tuple[str, ...]:
    return _PHASES if form.total else _PHASES[1:]


def _blocks(body: bytes, rows: Mapping[int, _Form]) -> list[tuple[int, list[bytes]]]:
    """Return the blocks of a set, each up to its AA, in the order of their identifiers.

    Nothing where they do not fill the set: without AA in their places no block is told from
    the next.
    """
    found: list[tuple[int, list[bytes]]] = []
    at = 0
    for row in sorted(rows):
        size, parts = rows[row].size, list[bytes]()
        while at < len(body) and body[at] != _SEPARATOR:
            parts.append(body[at : at + size])
            at += size
        if at >= len(body) or not parts:
            return []
        found.append((row, parts))
        at += 1
    return found if at == len(body) else []


def _parts(body: bytes, size: int, *, block: bool) -> list[bytes]:
    """Return the items of a block, whether AA stands after each or after the last.

    >>> [part.hex() for part in _parts(bytes.fromhex("2002AA2102AA"), 2, block=True)]
    ['2002', '2102']
    """
    step = size + 1
    if not block:
        return [body[:size]] if len(body) >= size else []
    if body[size::step] and set(body[size::step]) == {_SEPARATOR}:  # AA is no BCD digit pair
        return [body[at : at + size] for at in range(0, len(body) - size + 1, step)]
    return [body[at : at + size] for at in range(0, len(body) - size + 1, size)]


def _number(form: _Form, data: bytes, channel: str) -> Value | Rejected:
    raw = bcd(data)
    name = "_".join(part for part in (form.channel, channel) if part)
    if isinstance(raw, Rejected):
        return Rejected(raw.reason, f"{form.quantity} {name}: {raw.detail}")
    return Value(form.quantity, raw / 10**form.decimals if form.decimals else raw, form.unit, name)
