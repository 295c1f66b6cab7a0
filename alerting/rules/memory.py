"""A rule's memory read as numbers."""

from alerting.port import State


def number(state: State, key: str, default: float = 0.0) -> float:
    """Return what is remembered under a key as a number, or the default.

    >>> number({"peak_c": 9.5, "since_ms": None}, "since_ms", 1.0)
    1.0
    """
    value = state.get(key)
    return default if value is None or isinstance(value, str) else float(value)
