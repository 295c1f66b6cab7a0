"""What becomes of the rules' memory when the machine's clock is set back.

Readings without a time of their own bear the time of receipt. When that jumps back, a memory that
stands ahead of it would take every new reading for late, so the memory moves with the clock.
"""

from typing import Any

STEP_MS = 60_000
"""A smaller step back is no step: the clock is being slewed."""
_AN_INSTANT = 1e11
"""Numbers above this in a state are instants [ms since 1970]; durations never are."""


def shifted(value: Any, by_ms: int) -> Any:
    """Return a rule's state with every instant in it moved.

    >>> shifted({"since_ms": 1_788_220_800_000, "exposure_ms": 60_000, "bad": None}, -1000)
    {'since_ms': 1788220799000, 'exposure_ms': 60000, 'bad': None}
    """
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return value + by_ms if value > _AN_INSTANT else value
    if isinstance(value, dict):
        return {key: shifted(item, by_ms) for key, item in value.items()}
    return [shifted(item, by_ms) for item in value]
