"""A unit's period as one small drawing: air as a band, food as a line, the limits dashed."""

from collections.abc import Sequence
from itertools import pairwise

from caretaker.clock import HOUR_MS
from storage.cold_samples import ColdSample

_WIDTH, _HEIGHT = 680.0, 150.0
_MOST = 340
_PAD = 28.0


def drawing(samples: Sequence[ColdSample], *, start_ms: int, end_ms: int) -> str:
    """Return SVG; gaps stay gaps. Empty without a sample.

    >>> drawing([], start_ms=0, end_ms=1)
    ''
    """
    cells = _cells(samples, start_ms=start_ms, end_ms=end_ms)
    if not cells:
        return ""
    values = [v for c in cells for v in (c.low, c.high, c.food) if v is not None]
    limits = [
        v for v in (samples[-1].limit_lo_c, samples[-1].limit_hi_c) if v is not None and v > -29
    ]
    low, high = min(values + limits), max(values + limits)
    low, high = low - 0.05 * (high - low) - 0.5, high + 0.05 * (high - low) + 0.5

    def x(at_ms: float) -> float:
        return _PAD + (at_ms - start_ms) / (end_ms - start_ms) * (_WIDTH - _PAD)

    def y(value: float) -> float:
        return (high - value) / (high - low) * _HEIGHT

    step = (end_ms - start_ms) / _MOST
    head = f'viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" xmlns="http://www.w3.org/2000/svg"'
    parts = [f'<svg {head} font-size="8" fill="#5c6862">']
    for run in _runs(cells, far_ms=max(2.5 * step, HOUR_MS / 2)):
        band = [c for c in run if c.low is not None and c.high is not None]
        if band:
            top = [f"{x(c.at_ms):.1f},{y(c.high or 0.0):.1f}" for c in band]
            under = [f"{x(c.at_ms):.1f},{y(c.low or 0.0):.1f}" for c in reversed(band)]
            parts.append(f'<polygon points="{" ".join(top + under)}" fill="#a9d3db"/>')
        line = " ".join(f"{x(c.at_ms):.1f},{y(c.food):.1f}" for c in run if c.food is not None)
        if line:
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="#0e7490" stroke-width="1.2"/>'
            )
    across = f'x1="{_PAD:g}" x2="{_WIDTH:g}" stroke="#b42318" stroke-width="0.8"'
    parts += [
        f'<line {across} y1="{y(v):.1f}" y2="{y(v):.1f}" stroke-dasharray="4 3"/>' for v in limits
    ]
    parts += [
        f'<text x="0" y="{min(_HEIGHT - 2, y(v) + 3):.1f}">{v:g} °C</text>'
        for v in sorted({*limits, round(max(values)), round(min(values))})
    ]
    parts.append("</svg>")
    return "".join(parts)


class _Cell:
    __slots__ = ("at_ms", "food", "high", "low")

    def __init__(self, at_ms: float) -> None:
        self.at_ms = at_ms
        self.low: float | None = None
        self.high: float | None = None
        self.food: float | None = None


def _cells(samples: Sequence[ColdSample], *, start_ms: int, end_ms: int) -> list[_Cell]:
    step = max(1.0, (end_ms - start_ms) / _MOST)
    found: dict[int, _Cell] = {}
    for sample in samples:
        if sample.air_c is None and sample.food_c is None:
            continue
        index = int((sample.at_ms - start_ms) / step)
        cell = found.setdefault(index, _Cell(start_ms + (index + 0.5) * step))
        if sample.air_c is not None:
            cell.low = sample.air_c if cell.low is None else min(cell.low, sample.air_c)
            cell.high = sample.air_c if cell.high is None else max(cell.high, sample.air_c)
        if sample.food_c is not None:
            cell.food = sample.food_c if cell.food is None else max(cell.food, sample.food_c)
    return [found[index] for index in sorted(found)]


def _runs(cells: Sequence[_Cell], *, far_ms: float) -> list[list[_Cell]]:
    runs = [[cells[0]]]
    for before, after in pairwise(cells):
        if after.at_ms - before.at_ms > far_ms:
            runs.append([])
        runs[-1].append(after)
    return runs
