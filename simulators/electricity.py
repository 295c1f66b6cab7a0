"""Electric loads: what each building, the kitchen and the air-conditioning draw [kW]."""

from collections.abc import Mapping

import numpy as np

from simulators.school_day import SchoolDay
from simulators.weather import Values

LINE_LOSS = 0.01  # of what flows through the main meter's cables
_COOL_FROM_C, _HEAT_BELOW_C = 26.0, 12.0
_COOL_KW_K, _HEAT_KW_K, _AC_MOST_KW = 4.5, 3.0, 70.0
_YARD_KW = 1.2  # lamps of the yard, before every sub-meter


def _noise(rng: np.random.Generator, count: int, spread: float) -> Values:
    """Return slow multiplicative noise around 1: a value each ten minutes, on a day's own level."""
    knots = rng.normal(1.0, spread, count // 10 + 2) * rng.normal(1.0, 0.05)
    result: Values = np.clip(
        np.interp(np.arange(count) / 10, np.arange(len(knots)), knots), 0.5, 1.5
    )
    return result


def building_kw(
    day: SchoolDay, *, lights_kw: float, plugs_kw: float, base_kw: float, rng: np.random.Generator
) -> Values:
    """Return a building's own power: standby, lights with people and darkness, sockets."""
    gloom = 0.65 + 0.35 * day.dark
    people = np.sqrt(day.present)  # a lamp is lit for one child as for thirty
    drawn = base_kw + lights_kw * people * gloom + plugs_kw * day.present
    result: Values = drawn * _noise(rng, day.minutes, 0.04)
    return result


def kitchen_kw(day: SchoolDay, *, rng: np.random.Generator) -> Values:
    """Return the kitchen: cold storage day and night, steamers and hoods before noon."""
    result: Values = (1.4 + 26.0 * day.kitchen) * _noise(rng, day.minutes, 0.07)
    return result


def air_conditioning_kw(day: SchoolDay, *, rng: np.random.Generator) -> Values:
    """Return the air-conditioning: degrees beyond comfort while people are there."""
    cool = _COOL_KW_K * np.maximum(0.0, day.outdoor_c - _COOL_FROM_C)
    heat = _HEAT_KW_K * np.maximum(0.0, _HEAT_BELOW_C - day.outdoor_c)
    wanted = np.minimum(_AC_MOST_KW, cool + heat) * np.minimum(1.0, day.present * 1.2)
    result: Values = 0.4 + wanted * _noise(rng, day.minutes, 0.08)
    return result


def main_kw(below: Mapping[str, Values], day: SchoolDay) -> Values:
    """Return what the main meter sees: everything below it, the yard, and the cables' loss.

    Its register is therefore the sum of its parts to the last digit.
    """
    result: Values = (sum(below.values()) + _YARD_KW * day.dark) * (1.0 + LINE_LOSS)
    return result
