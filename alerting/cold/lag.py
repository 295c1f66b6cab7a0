"""How food follows the air around it: a first-order lag (rule-book 2.2)."""

import math


def lagged(food_c: float, air_c: float, *, minutes: float, tau_min: float) -> float:
    """Return the food estimate after `minutes` of air at `air_c` [degC] (rule-book 2.2).

    First-order lag: Tf += (1 - exp(-dt / tau)) (Ta - Tf).

    >>> round(lagged(4.0, 12.0, minutes=5, tau_min=60), 2)
    4.64
    """
    return food_c + (1.0 - math.exp(-minutes / tau_min)) * (air_c - food_c)
