"""What can be said against a value by itself: not finite, beyond physics, a no-reading code."""

from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Measured, Quality, Rejected, RejectReason

_SENTINELS: dict[str, frozenset[float]] = {
    # Values devices send for "no reading"; domain rule-book 3.5 and the DS18B20 data sheet.
    "temperature": frozenset({-127.0, 327.67, 300.0, 3276.7, -3276.8, 127.99, 999.9, -999.0}),
    "humidity": frozenset({127.0, 255.0, 655.35}),
    "volume": frozenset({99999.999, -2147483.648}),
    "battery_voltage": frozenset({65.535}),
    "voltage": frozenset({1023.98, 1023.984375, 6553.5}),
    "current": frozenset({4095.9375}),
}
_RAW_SENTINELS = frozenset({-2147483648.0, 2147483647.0, -32768.0, 4294967295.0})
_GOOD = Quality.GOOD
_TEMPERATURE = "temperature"
POWER_ON_C = 85.0
"""What a DS18B20 reads before its first conversion; suspect until the way there was seen."""
_DOUBTED = frozenset({POWER_ON_C, 127.0})  # 127: all bits of a signed byte, as meters write "none"
_BOUNDS = {
    name: (quantity.low, quantity.high, _SENTINELS.get(name, frozenset()))
    for name, quantity in QUANTITIES.items()
}


def doubt(found: list[Measured]) -> list[Measured]:
    """Return readings with 0 V beside live power marked as suspect: unread, not zero.

    A plug that never measured its voltage says 0 while its power is true.
    """
    live: set[str] | None = None
    for index, item in enumerate(found):
        if item.value == 0.0 and item.quantity == "voltage":
            if live is None:
                live = {m.channel for m in found if m.quantity == "power" and m.value}
            if item.channel in live:
                quality = item.quality | Quality.SUSPECT
                found[index] = Measured(
                    item.channel, "voltage", item.at_ms, 0.0, quality, item.ordinal
                )
    return found


def judge(quantity: str, raw: float, value: float) -> Quality | Rejected:
    """Return the quality of a value [canonical unit], or why it is no reading.

    >>> judge("temperature", -127.0, -127.0).reason.value
    'sentinel'
    >>> judge("temperature", 85.0, 85.0)
    <Quality.SUSPECT: 2>
    >>> judge("temperature", 127, 127.0)
    <Quality.SUSPECT: 2>
    >>> judge("humidity", 130.0, 130.0).reason.value
    'out-of-range'
    """
    low, high, sentinels = _BOUNDS[quantity]
    if raw in _RAW_SENTINELS or value in sentinels:
        return Rejected(RejectReason.SENTINEL, f"{quantity} {raw:g} means no reading")
    if not low <= value <= high:
        limits = QUANTITIES[quantity]
        return Rejected(
            RejectReason.OUT_OF_RANGE,
            f"{quantity} {value:g} {limits.unit} is outside {limits.low:g}..{limits.high:g}",
        )
    if value in _DOUBTED and quantity == _TEMPERATURE:
        return Quality.SUSPECT
    return _GOOD
