"""OBIS codes as names: `1-0:1.8.0`, `1.8.0*255`, `1_8_0` (IEC 62056-61, electricity).

Gateways that pass a meter's registers on name them so. C says what is measured (and of which
phase), D how, E which tariff, F which billing period.
"""

import re
from typing import NamedTuple

_CODE = re.compile(
    r"(?:obis[ _.]?)?(?:1[-_.]\d{1,3}[:_.])?(\d{1,2})[._](\d{1,2})[._](\d{1,2})(?:[*&](\d{1,3}))?",
    re.IGNORECASE,
)
_REGISTERS = {
    1: ("energy", ""),
    2: ("energy_export", ""),
    3: ("reactive_energy", ""),
    4: ("reactive_energy_export", ""),
    5: ("reactive_energy", "quadrant_1"),
    6: ("reactive_energy", "quadrant_2"),
    7: ("reactive_energy", "quadrant_3"),
    8: ("reactive_energy", "quadrant_4"),
    9: ("apparent_energy", ""),
}
_NOW = {
    1: ("power", ""),
    2: ("power_export", ""),
    3: ("reactive_power", ""),
    9: ("apparent_power", ""),
    11: ("current", ""),
    12: ("voltage", ""),
    13: ("power_factor", ""),
    14: ("frequency", ""),
    16: ("power", "net"),
}
_PHASES = ("", "a", "b", "c", "neutral")
_OF_PHASE = 20  # C of phase a is 20 more than that of the whole, and so on
_NET = 16
_REGISTER, _INSTANT = 8, 7
_OPEN_PERIOD = {"", "0", "255"}


class Meaning(NamedTuple):
    """What a code says; `live` is not set of a maximum, a mean or a past period."""

    quantity: str
    channel: str
    live: bool = True


def meaning(name: str) -> Meaning | None:
    """Return what an OBIS code names; None where it is none, or of something not stored.

    >>> meaning("1-0:1.8.0*255"), meaning("2.8.1").channel, meaning("1-0:52.7.0").channel
    (Meaning(quantity='energy', channel='', live=True), 't1', 'b')
    >>> meaning("1.8.0*01").live, meaning("1.6.0").live, meaning("0.9.1"), meaning("2.4.1.9")
    (False, False, None, None)
    """
    match = _CODE.fullmatch(name)
    if match is None:
        return None
    c, d, e = (int(part) for part in match.groups()[:3])
    phase, kind = (0, c) if c <= _OF_PHASE else divmod(c, _OF_PHASE)
    if phase >= len(_PHASES) or (phase and kind == _NET):
        return None
    row = (_NOW if d == _INSTANT else _REGISTERS).get(kind)
    if row is None:
        return None
    tariff = f"t{e}" if e and d == _REGISTER else ""
    words = (_PHASES[phase], row[1], tariff)
    live = d in {_REGISTER, _INSTANT} and (match[4] or "") in _OPEN_PERIOD
    return Meaning(row[0], "_".join(word for word in words if word), live)
