"""The words of the payload corpus in ours: quantities, channels, values."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from caretaker.quantities import QUANTITIES, Kind
from ingest.units import UnknownUnitError, factor_offset

QUANTITY: dict[str, tuple[str, ...]] = {
    "energy_active_import": ("energy",),
    "energy_active_total": ("energy",),
    "energy_active_export": ("energy_export",),
    "energy_reactive": ("reactive_energy",),
    "energy_reactive_export": ("reactive_energy_export",),
    "energy_thermal": ("heat_energy", "cooling_energy"),
    "energy_heat": ("heat_energy",),
    "power_active": ("power",),
    "power_active_export": ("power_export",),
    "power_reactive": ("reactive_power",),
    "power_apparent": ("apparent_power",),
    "power_thermal": ("heat_power",),
    "volume_water": ("volume",),
    "volume_gas": ("gas_volume",),
    "volume_heat_carrier": ("heat_volume",),
    "flow_water": ("flow",),
    "flow_heat_carrier": ("heat_flow",),
    "temperature": (
        "temperature",
        "temperature_difference",
        "device_temperature",
        "temperature_setpoint",
        "dew_point",
    ),
    "temperature_device": ("device_temperature",),
    "battery_ok": ("battery_low", "battery"),
    "register": tuple(QUANTITIES),
    "metric": tuple(QUANTITIES),
}
"""What each word of the corpus may be with us; a word that is missing is ours too."""

STALE = ("_today", "_yesterday")
_WORDS = {"true": 1.0, "false": 0.0, "on": 1.0, "off": 0.0, "leak": 1.0, "normal": 0.0}
_PHASE = {"l1": "a", "l2": "b", "l3": "c", "1": "a", "2": "b", "3": "c"}


def quantities(word: str) -> tuple[str, ...]:
    """Return our quantities for a word of the corpus."""
    return QUANTITY.get(word, (word,) if word in QUANTITIES else ())


def is_stale(expected: Mapping[str, Any]) -> bool:
    """Return whether an expectation is a history, a statistic or a counter of the day."""
    history = expected.get("role") == "history_or_statistic"
    return history or expected["quantity"].endswith(STALE)


def correct(row: dict[str, Any]) -> None:
    """Put right what the corpus says of a field against its driver's own documentation.

    wmbusmeters: `total_heat_energy_kwh` is "the total heat energy consumption", the live register;
    `key_datetime_kwh` is the energy at a past date; the flow of a gas meter is gas.
    """
    for expected in row["expect"] or []:
        path = (expected.get("path") or [""])[-1]
        if row["family"] != "wmbusmeters":
            continue
        if path == "total_heat_energy_kwh":
            expected["role"] = "reading"
        elif path == "key_datetime_kwh":
            expected["role"] = "history_or_statistic"
        elif expected["quantity"] == "flow_heat_carrier" and row["payload"]["media"] == "gas":
            expected["quantity"] = "gas_flow"


def instant(word: str | None) -> int | None:
    """Return the instant [ms] that stands in place of a channel, or None.

    >>> instant("2024-07-24T19:00:00.000Z"), instant("L1")
    (1721847600000, None)
    """
    if word is None or not re.match(r"\d{4}-\d\d-\d\dT", str(word)):
        return None
    at = datetime.fromisoformat(str(word))
    return None if at.tzinfo is None else round(at.timestamp() * 1000)


def channel(word: str | None) -> str:
    """Return a channel in one spelling.

    >>> [channel(w) for w in ("L1", "phase_2", "switch:0", "tariff_1", "total", None)]
    ['a', 'b', '0', 't1', '', '']
    """
    if word is None:
        return ""
    text = str(word).lower()
    phase = re.fullmatch(r"(?:l|phase_?)([123])", text)
    if phase:
        return _PHASE[phase[1]]
    tariff = re.fullmatch(r"(?:tariff_?|t)(\d)", text)
    if tariff:
        return f"t{tariff[1]}"
    component = re.fullmatch(r"[a-z0-9]+:(\d+)", text)
    if component:
        return component[1]
    return "" if text in {"total", "root", "main"} else text


def _figure(value: object) -> float | None:
    """Return a value of the corpus as a number; words of a state count as 1 and 0."""
    if isinstance(value, str):
        word = _WORDS.get(value.lower())
        if word is not None:
            return word
        try:
            return float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) else None


def canonical(expected: Mapping[str, Any], quantity: str) -> float | None:
    """Return the expected value in the canonical unit of `quantity`; None where it does not fit.

    A value whose unit nobody names is taken as it stands.
    """
    value = _figure(expected["value"])
    if value is None:
        return None
    if quantity == "battery_low":
        return float(value == 0)
    if expected["quantity"] == "battery_ok":
        return float(value) * 100
    if QUANTITIES[quantity].kind is Kind.STATE:
        truth = float(value != 0)
        closed = (expected.get("path") or [""])[-1] == "contact"
        return 1.0 - truth if closed else truth
    unit = expected.get("unit")
    if unit is None:
        return float(value)
    if quantity == "reactive_energy" and unit == "kWh":
        unit = "kvarh"  # wmbusmeters names reactive energy so
    try:
        factor, offset = factor_offset(quantity, {"Cel": "C", "%RH": "%"}.get(unit, unit))
    except UnknownUnitError:
        if quantity == "reactive_power" and unit == "kW":
            return float(value)
        return None
    return float(value) * factor + offset


def resolution(expected: Mapping[str, Any], quantity: str) -> float:
    """Return how much the same value in a second unit may differ: half its last digit.

    >>> round(resolution({"unit": "°F", "value": 89}, "temperature"), 4)
    0.2778
    """
    digits = repr(expected["value"]).partition(".")[2]
    step = 10.0 ** -(0 if digits in {"", "0"} else len(digits))
    return abs(factor_offset(quantity, str(expected["unit"]))[0]) * step / 2
