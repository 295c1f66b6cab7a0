"""Water: flushes in the breaks, the kitchen's taps, irrigation before dawn [m3 per minute]."""

import numpy as np

from caretaker.calendar import DayKind
from simulators.school_day import SchoolDay
from simulators.weather import Values

_FLUSH_M3 = 0.006
_PUPIL_FLUSHES = 1.6  # a pupil and day, with hands washed
_IRRIGATION_M3_MIN = 2.4 / 60
_IRRIGATION = (5 * 60, 5 * 60 + 50)


def toilets_m3(day: SchoolDay, *, pupils: int, rng: np.random.Generator) -> Values:
    """Return flushes: most in breaks, some in lessons, none while nobody is there."""
    weight = day.present * (0.12 + day.breaks)
    total = weight.sum()
    if total == 0:
        return np.zeros(day.minutes)
    mean = weight / total * pupils * _PUPIL_FLUSHES
    result: Values = rng.poisson(mean) * _FLUSH_M3
    return result


def kitchen_m3(day: SchoolDay, *, pupils: int, rng: np.random.Generator) -> Values:
    """Return the kitchen's use: about eight litres a meal, washing up last."""
    weight: Values = day.kitchen.copy()
    weight[11 * 60 + 30 :] *= 1.6
    total = weight.sum()
    if total == 0:
        return np.zeros(day.minutes)
    uneven = rng.gamma(8.0, 1 / 8.0, day.minutes).astype(np.float64)
    return np.asarray(weight / total * (pupils * 0.008) * uneven, dtype=np.float64)


def irrigation_m3(day: SchoolDay) -> Values:
    """Return the garden: fifty minutes before dawn every other day, not in frost or vacation."""
    flow = np.zeros(day.minutes)
    dry = day.outdoor_c.mean() > 5.0 and day.kind is not DayKind.VACATION
    if dry and day.day.toordinal() % 2 == 0:
        flow[slice(*_IRRIGATION)] = _IRRIGATION_M3_MIN
    return flow


def taps_m3(day: SchoolDay, *, rng: np.random.Generator) -> Values:
    """Return what no sub-meter sees: drinking fountains and mops while people are there."""
    litres = rng.poisson(2.2 * day.present).astype(np.float64)
    result: Values = litres * 0.001
    return result
