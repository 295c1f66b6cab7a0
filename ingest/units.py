"""Units as devices name them, and the factor to the canonical unit of the quantity."""

import re
from functools import lru_cache

from caretaker.quantities import QUANTITIES, Kind

_ENERGY = {
    "wh": 1e-3,
    "wmin": 1 / 60_000,
    "kwh": 1.0,
    "mwh": 1e3,
    "gwh": 1e6,
    "j": 1 / 3.6e6,
    "kj": 1 / 3600,
    "mj": 1 / 3.6,
    "gj": 1e3 / 3.6,
}
_POWER = {"w": 1e-3, "kw": 1.0, "mw": 1e3, "j/h": 1 / 3.6e6, "mj/h": 1 / 3.6}
_POWER |= {"jh": 1 / 3.6e6, "kj/h": 1 / 3600, "mjh": 1 / 3.6, "gj/h": 1e3 / 3.6}
_VOLUME = {
    "m3": 1.0,
    "l": 1e-3,
    "ml": 1e-6,
    "hl": 0.1,
    "gal": 0.003785411784,
    "ft3": 0.028316846592,
}
_FLOW = {
    "m3h": 1.0,
    "m3/h": 1.0,
    "l/h": 1e-3,
    "lh": 1e-3,
    "l/min": 0.06,
    "lmin": 0.06,
    "l/s": 3.6,
    "m3/s": 3600.0,
    "ls": 3.6,
    "m3/min": 60.0,
}
# Formaldehyde of 30.026 g/mol as a gas of 25 degC and 1013.25 hPa; the NIOSH pocket guide rounds to
# 1.23 mg/m3 a ppm.
_FORMALDEHYDE = {"ppm": 1.2272841, "ppb": 0.0012272841}
_SCALE: dict[str, dict[str, float]] = {
    "kWh": _ENERGY,
    "kvarh": {"varh": 1e-3, "kvarh": 1.0, "mvarh": 1e3},
    "kVAh": {"vah": 1e-3, "kvah": 1.0, "mvah": 1e3},
    "kW": _POWER,
    "kvar": {"var": 1e-3, "kvar": 1.0, "mvar": 1e3},
    "kVA": {"va": 1e-3, "kva": 1.0, "mva": 1e3},
    "V": {"v": 1.0, "mv": 1e-3, "kv": 1e3},
    "A": {"a": 1.0, "ma": 1e-3},
    "Hz": {"hz": 1.0},
    "K": {"k": 1.0, "c": 1.0, "degc": 1.0, "f": 5 / 9, "degf": 5 / 9},
    "m3": _VOLUME,
    "m3/h": _FLOW,
    "%": {"%": 1.0, "pct": 1.0, "percent": 1.0, "rh": 1.0, "m3/m3": 100.0},
    "hPa": {
        "hpa": 1.0,
        "pa": 0.01,
        "kpa": 10.0,
        "mbar": 1.0,
        "bar": 1e3,
        "mmhg": 1.33322387415,
        "inhg": 33.8638866667,
        "psi": 68.9475729318,
    },
    "ppm": {"ppm": 1.0},
    "ppb": {"ppb": 1.0, "ppm": 1e3},
    "ug/m3": {"ug/m3": 1.0, "ugm3": 1.0, "mg/m3": 1e3, "mgm3": 1e3},
    "mg/m3": {"mg/m3": 1.0, "mgm3": 1.0, "ug/m3": 1e-3, "ugm3": 1e-3} | _FORMALDEHYDE,
    "dB": {"db": 1.0, "dba": 1.0, "db(a)": 1.0},
    "lx": {"lx": 1.0, "lux": 1.0, "klx": 1e3},
    "1": {"1": 1.0, "": 1.0, "bool": 1.0, "%": 0.01},
}
_MILLI = {"mW": ("kW", 1e-6), "mWh": ("kWh", 1e-6), "mvar": ("kvar", 1e-6), "mVA": ("kVA", 1e-6)}
"""Units whose small m is milli, where the same word in small letters means mega."""
_POWERS = re.compile(r"[⋅·](m|h|s|min)⁻([¹³])")  # µg⋅m⁻³, l⋅h⁻¹
_COUNTED = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?([^\d\s].*)")
_PLAIN = str.maketrans(
    {"³": "3", "℃": "c", "℉": "f", "°": "", "º": "", " ": "", "_": "", "µ": "u", "μ": "u"}
)


_TEMPERATURE = {
    "c": (1.0, 0.0),
    "degc": (1.0, 0.0),
    "celsius": (1.0, 0.0),
    "f": (5 / 9, -160 / 9),
    "degf": (5 / 9, -160 / 9),
    "fahrenheit": (5 / 9, -160 / 9),
    "k": (1.0, -273.15),
}


class UnknownUnitError(ValueError):
    """The unit does not fit the quantity; a unit is never guessed."""


@lru_cache(maxsize=4_096)
def factor_offset(quantity: str, unit: str) -> tuple[float, float]:
    """Return (factor, offset) so that canonical = raw * factor + offset.

    >>> factor_offset("energy", "Wh")
    (0.001, 0.0)
    >>> factor, offset = factor_offset("temperature", "°F"); round(50 * factor + offset, 6)
    10.0
    >>> factor_offset("power", "MW"), factor_offset("power", "mW")
    ((1000.0, 0.0), (1e-06, 0.0))

    A number before the unit is what one count stands for: tenths of a degree, pulses of 10 L.

    >>> factor_offset("temperature", "0.1 °C"), factor_offset("volume", "10 L")
    ((0.1, 0.0), (0.01, 0.0))
    >>> factor_offset("pm10", "µg⋅m⁻³"), factor_offset("flow", "l⋅h⁻¹")
    ((1.0, 0.0), (0.001, 0.0))

    Raises UnknownUnitError.
    """
    canonical = QUANTITIES[quantity].unit
    if unit in _MILLI and _MILLI[unit][0] == canonical:
        return _MILLI[unit][1], 0.0
    if "⁻" in unit:
        unit = _POWERS.sub(r"/\1\2", unit).replace("¹", "")
    name = unit.translate(_PLAIN).lower()
    if canonical == "degC":
        if name in _TEMPERATURE:
            return _TEMPERATURE[name]
    elif name in _SCALE.get(canonical, {}):
        return _SCALE[canonical][name], 0.0
    if (counted := _COUNTED.fullmatch(unit)) and float(counted[1]):
        factor, offset = factor_offset(quantity, counted[2])
        return float(counted[1]) * factor, offset
    raise UnknownUnitError(f"{unit!r} is no unit of {quantity}")


_CHOICES = {
    "kWh": "kWh Wh MWh MJ GJ 0.1kWh 0.01kWh",
    "kW": "kW W MW 0.1W",
    "degC": "°C °F K 0.1°C 0.01°C",
    "K": "K °F",
    "m3": "m³ L mL ft³ gal 10L 100L",
    "m3/h": "m³/h L/h L/min L/s m³/s",
    "hPa": "hPa Pa kPa bar mbar mmHg psi",
    "kvarh": "kvarh varh",
    "kVAh": "kVAh VAh",
    "kvar": "kvar var",
    "kVA": "kVA VA",
    "V": "V mV kV 0.1V",
    "A": "A mA 0.1A 0.01A",
    "ug/m3": "µg/m³ mg/m³",
    "mg/m3": "mg/m³ µg/m³",
    "ppb": "ppb ppm",
    "lx": "lx klx",
    "%": "% 0.1%",
}


def choices(quantity: str) -> tuple[str, ...]:
    """Return the units of a quantity that a person may choose from, the usual one first.

    >>> choices("energy"), choices("humidity"), choices("power_factor")
    (('kWh', 'Wh', 'MWh', 'MJ', 'GJ', '0.1kWh', '0.01kWh'), ('%', '0.1%'), ('1', '%'))
    """
    canonical = QUANTITIES[quantity].unit
    if canonical == "1":
        return () if QUANTITIES[quantity].kind is Kind.STATE else ("1", "%")
    return tuple(_CHOICES.get(canonical, canonical).split())


def spellings(quantity: str) -> tuple[str, ...]:
    """Return every spelling of a unit of a quantity.

    >>> spellings("frequency")
    ('hz',)
    """
    canonical = QUANTITIES[quantity].unit
    if canonical == "degC":
        return tuple(_TEMPERATURE)
    milli = (name for name, (unit, _) in _MILLI.items() if unit == canonical)
    return (*_SCALE.get(canonical, {}), *milli)
