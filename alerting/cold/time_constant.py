"""How slowly food follows air in one appliance: fitted from a side-by-side test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alerting.cold.lag import lagged

LOWEST_MIN, HIGHEST_MIN = 15.0, 180.0
"""The range of time constants the rule-book takes for real [min]."""
_MIN_SAMPLES = 12
_MIN_SWING_K = 2.0
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class TauFit:
    """A time constant [min], how well it explains the test [K], and why it may not be used."""

    tau_min: float
    rmse_k: float
    samples: int
    problem: str = ""


def fit_tau(at_min: Sequence[float], air_c: Sequence[float], food_c: Sequence[float]) -> TauFit:
    """Return the time constant with which air, lagged, comes nearest to the probe in the food.

    `at_min` are instants [min], `air_c` and `food_c` measured side by side [degC]. Least squares
    over the first-order lag by golden-section search in 5..600 min; a result outside 15..180 min,
    too few samples or too steady an air is named as a problem.

    >>> times = [5.0 * n for n in range(60)]
    >>> air = [4.0 if n < 10 or n > 25 else 14.0 for n in range(60)]
    >>> food = [4.0]
    >>> for value in air[1:]:
    ...     food.append(lagged(food[-1], value, minutes=5.0, tau_min=45.0))
    >>> fit = fit_tau(times, air, food)
    >>> round(fit.tau_min, 1), fit.problem
    (45.0, '')
    """
    if not len(at_min) == len(air_c) == len(food_c):
        raise ValueError("times, air and food must be equally many")
    count = len(at_min)
    if count < _MIN_SAMPLES:
        return TauFit(0.0, 0.0, count, f"needs at least {_MIN_SAMPLES} samples")
    if max(air_c) - min(air_c) < _MIN_SWING_K:
        return TauFit(0.0, 0.0, count, f"the air must move by at least {_MIN_SWING_K:g} K")

    def squares(log_tau: float) -> float:
        tau, food, total = math.exp(log_tau), food_c[0], 0.0
        for before, at, air, true in zip(at_min, at_min[1:], air_c[1:], food_c[1:], strict=False):
            food = lagged(food, air, minutes=at - before, tau_min=tau)
            total += (food - true) ** 2
        return total

    low, high = math.log(5.0), math.log(600.0)
    for _ in range(60):
        inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if squares(inner) < squares(outer):
            high = outer
        else:
            low = inner
    best = (low + high) / 2
    tau = math.exp(best)
    problem = ""
    if not LOWEST_MIN <= tau <= HIGHEST_MIN:
        problem = f"{tau:.0f} min is outside {LOWEST_MIN:g}..{HIGHEST_MIN:g}: check the probes"
    return TauFit(round(tau, 2), math.sqrt(squares(best) / (count - 1)), count, problem)
