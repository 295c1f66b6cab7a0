"""Mean kinetic temperature: shown beside mean, least and greatest; never used to clear anything."""

import math
from collections.abc import Sequence

ACTIVATION_K = 10_000.0
"""dH/R with dH = 83.144 kJ/mol and R = 8.3144 J/(mol K) (rule-book 2.4)."""
_ZERO_C_K = 273.15


def mean_kinetic_c(temperatures_c: Sequence[float], durations: Sequence[float]) -> float:
    """Return the mean kinetic temperature [degC] of temperatures held for durations (any unit).

    Haynes' equation: TK = (dH/R) / -ln(sum(t exp(-dH/(R T))) / sum(t)), T in kelvin.
    Raises ValueError without any duration.

    >>> round(mean_kinetic_c([4.0, 15.0], [22.0, 2.0]), 3)
    5.706
    """
    total = math.fsum(durations)
    if total <= 0:
        raise ValueError("no duration")
    weighed = math.fsum(
        duration * math.exp(-ACTIVATION_K / (value + _ZERO_C_K))
        for value, duration in zip(temperatures_c, durations, strict=True)
    )
    return ACTIVATION_K / -math.log(weighed / total) - _ZERO_C_K
