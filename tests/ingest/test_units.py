"""Our unit table against an independent one: pint knows what a unit is worth."""

import pint
import pytest

from caretaker.quantities import QUANTITIES
from ingest.units import UnknownUnitError, factor_offset, spellings

REGISTRY: pint.UnitRegistry[float] = pint.UnitRegistry()
REGISTRY.define("watt_minute = watt * minute")
REGISTRY.define("ppb = 1e-3 * ppm")
CANONICAL = {
    "kvarh": "kilowatt_hour", "kVAh": "kilowatt_hour", "kvar": "kilowatt", "kVA": "kilowatt",
    "kWh": "kilowatt_hour", "kW": "kilowatt", "V": "volt", "A": "ampere", "Hz": "hertz",
    "m3": "meter**3", "m3/h": "meter**3/hour", "hPa": "hectopascal", "degC": "degC",
    "K": "delta_degC",
    "%": "percent", "ppm": "ppm", "ppb": "ppb", "ug/m3": "microgram/meter**3",
    "mg/m3": "milligram/meter**3", "lx": "lux", "1": "dimensionless",
}  # fmt: skip
THEIRS = {
    "wh": "watt_hour", "kwh": "kilowatt_hour", "mwh": "megawatt_hour", "gwh": "gigawatt_hour",
    "wmin": "watt_minute", "j": "joule", "kj": "kilojoule", "mj": "megajoule", "gj": "gigajoule",
    "w": "watt", "kw": "kilowatt", "mw": "megawatt", "var": "watt", "kvar": "kilowatt",
    "mvar": "megawatt", "va": "watt", "kva": "kilowatt", "mva": "megawatt", "varh": "watt_hour",
    "kvarh": "kilowatt_hour", "mvarh": "megawatt_hour", "vah": "watt_hour", "kvah": "kilowatt_hour",
    "mvah": "megawatt_hour", "v": "volt", "mv": "millivolt", "kv": "kilovolt", "a": "ampere",
    "ma": "milliampere", "hz": "hertz", "m3": "meter**3", "l": "liter", "ml": "milliliter",
    "hl": "hectoliter", "gal": "gallon", "ft3": "foot**3", "m3h": "meter**3/hour",
    "m3/h": "meter**3/hour", "l/h": "liter/hour", "lh": "liter/hour", "l/min": "liter/minute",
    "lmin": "liter/minute", "l/s": "liter/second", "ls": "liter/second", "m3/s": "meter**3/second",
    "hpa": "hectopascal", "pa": "pascal", "kpa": "kilopascal", "mbar": "millibar", "bar": "bar",
    "mmhg": "mmHg", "inhg": "inHg", "psi": "psi", "c": "degC", "degc": "degC", "celsius": "degC",
    "fahrenheit": "degF", "f": "degF", "degf": "degF", "k": "kelvin", "ppm": "ppm", "ppb": "ppb",
    "ug/m3": "microgram/meter**3", "ugm3": "microgram/meter**3", "mg/m3": "milligram/meter**3",
    "mgm3": "milligram/meter**3", "lx": "lux", "lux": "lux", "klx": "kilolux",
    "m3/m3": "dimensionless",
    "m3/min": "meter**3/minute", "j/h": "joule/hour", "jh": "joule/hour", "kj/h": "kilojoule/hour",
    "mj/h": "megajoule/hour", "mjh": "megajoule/hour", "gj/h": "gigajoule/hour",
}  # fmt: skip
MILLI = {"mW": "milliwatt", "mWh": "milliwatt_hour", "mvar": "milliwatt", "mVA": "milliwatt"}
OURS = {"%", "pct", "percent", "rh", "db", "dba", "db(a)", "1", "", "bool"}
"""Spellings of the canonical unit itself, for which another table has no name."""

UNITS = sorted({(q.unit, q.name) for q in QUANTITIES.values()})
FIRST = {unit: next(name for u, name in UNITS if u == unit) for unit, _ in UNITS}
CASES = [(q, s) for unit, q in FIRST.items() for s in spellings(q) if s not in OURS]


@pytest.mark.parametrize(("quantity", "spelling"), CASES)
def test_a_unit_is_worth_what_it_is_worth_elsewhere(quantity: str, spelling: str) -> None:
    factor, offset = factor_offset(quantity, spelling)
    canonical = CANONICAL[QUANTITIES[quantity].unit]
    theirs = {**THEIRS, **MILLI}[spelling]
    if quantity == "temperature_difference":
        theirs = {
            "c": "delta_degC",
            "degc": "delta_degC",
            "f": "delta_degF",
            "degf": "delta_degF",
        }.get(spelling, theirs)
    share = quantity == "formaldehyde" and spelling in {"ppm", "ppb"}  # of the air's molecules
    for raw in (0.0, 1.0, 37.5):
        told = REGISTRY.Quantity(raw, theirs)
        if share:
            told *= REGISTRY("30.026 g/mol / (molar_gas_constant * 298.15 kelvin / atm)")
        expected = told.to(canonical).magnitude
        assert raw * factor + offset == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_unit_of_something_else_is_refused() -> None:
    for quantity, unit in (
        ("energy", "kW"),
        ("power", "kWh"),
        ("volume", "m3/h"),
        ("humidity", "C"),
    ):
        with pytest.raises(UnknownUnitError):
            factor_offset(quantity, unit)


def test_small_m_is_milli_and_large_is_mega() -> None:
    assert factor_offset("energy", "mWh")[0] == pytest.approx(1e-6)
    assert factor_offset("energy", "MWh")[0] == pytest.approx(1e3)
    assert factor_offset("power", "mW")[0] == pytest.approx(1e-6)


@pytest.mark.parametrize("spelling", ["°C", "℃", "degC", "ºC", "m³", "µg/m³", "μg/m³", "l / min"])
def test_signs_of_print_are_understood(spelling: str) -> None:
    quantity = {"m": "volume", "µ": "pm10", "μ": "pm10", "l": "flow"}.get(
        spelling[0], "temperature"
    )
    assert factor_offset(quantity, spelling)[0] > 0
