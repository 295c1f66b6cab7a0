"""Outdoor temperature of a place on China's east coast, the same for a seed at every call."""

import numpy as np
from numpy.typing import NDArray

from caretaker.clock import DAY_MS, HOUR_MS

Values = NDArray[np.float64]

_YEAR_DAYS = 365.2422
_MEAN_C, _SEASON_K = 16.8, 12.5  # Shanghai: about 4 degC in January, 29 degC in July
_DAILY_K = 4.0
_WARMEST_DAY = 205.0  # late July, days after 1 January
_WARMEST_HOUR_UTC = 7.0  # three in the afternoon at UTC+8
_ANOMALY_K = 2.6


def _anomaly(seed: int, day: int) -> float:
    """Return how much warmer than usual the front over a day is [K]."""
    return float(np.random.default_rng((seed, day + 1_000_000)).normal(0.0, _ANOMALY_K))


def outdoor_c(at_ms: Values, *, seed: int) -> Values:
    """Return the outdoor temperature [degC] at instants [ms UTC]: season, hour, passing fronts.

    >>> summer, winter = outdoor_c(np.array([1784505600000.0, 1768608000000.0]), seed=1)
    >>> bool(summer > 20 > winter)
    True
    """
    days = at_ms / DAY_MS
    season = np.cos(2 * np.pi * (days - _WARMEST_DAY) / _YEAR_DAYS)
    hour = np.cos(2 * np.pi * (at_ms / HOUR_MS - _WARMEST_HOUR_UTC) / 24)
    first, last = int(days.min()), int(days.max()) + 1
    knots = np.arange(first, last + 1)
    fronts = np.interp(days, knots, [_anomaly(seed, int(day)) for day in knots])
    result: Values = _MEAN_C + _SEASON_K * season + _DAILY_K * hour + fronts
    return result
