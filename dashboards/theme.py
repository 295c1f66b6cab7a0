"""The colours of the page and thresholds made of them; nothing else here names a colour."""

from typing import Any

AMBER = "#b7791f"  # electricity
BLUE = "#2b6cb0"  # water
CYAN = "#0e7490"  # cold
GREEN = "#1b7a55"  # good
ORANGE = "#b45309"  # look soon
RED = "#b42318"  # act now
INK = "#5c6862"
BAND = "#9fb0a3"  # the usual range; drawn at BAND_OPACITY, so that it is quiet in both themes
BAND_OPACITY = 22
FAINT = "#8f9a94"

AMBER_SHADES = ("#f5ead3", "#ecd3a3", "#dcb46b", "#c9953f", "#b7791f", "#8a5a12")
BLUE_SHADES = ("#e3edf7", "#bcd5ec", "#8ab4dc", "#5590c6", "#2b6cb0", "#1c4a7d")

Steps = tuple[tuple[float | None, str], ...]


def steps(*above: tuple[float, str], base: str = GREEN) -> Steps:
    """Return thresholds: `base` below the first, then each colour from its value on.

    >>> steps((8.0, RED))
    ((None, '#1b7a55'), (8.0, '#b42318'))
    """
    return ((None, base), *above)


def shades(colours: tuple[str, ...]) -> Steps:
    """Return equal steps in percent of the panel's own range, for heat maps."""
    width = 100 / len(colours)
    return tuple((None if i == 0 else round(i * width), c) for i, c in enumerate(colours))


def thresholds(levels: Steps, *, percent: bool = False) -> dict[str, Any]:
    """Return the levels as Grafana's field configuration has them."""
    return {
        "mode": "percentage" if percent else "absolute",
        "steps": [{"color": colour, "value": value} for value, colour in levels],
    }
