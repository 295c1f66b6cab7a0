"""How good a device's data are, point by point: what is wrong, since when, and what to do."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from api import schemas
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Device, Period, Point, Quality
from ingest.explain import COUNTED
from ingest.reasons import RECORDED, REMEDIES, USE, name_of
from storage import devices as records
from storage import quality_flags
from storage.rollup_rows import load

_SAME_MS = 2 * HOUR_MS
"""What is found again so soon has gone on."""
_STANDING = frozenset(
    {"stuck", "frozen", "zero-while-live", "negative", "sum-check", "subs-above-main",
     "main-above-subs", "missing-meter", "much-estimated", "suspect", "retained", "clock",
     "out-of-range", "sentinel"}
)  # fmt: skip
"""Codes of a state that lasts; the others are of an instant."""
_OF_READINGS = (
    ("suspect", Quality.SUSPECT),
    ("retained", Quality.RETAINED),
    ("clock", Quality.CLOCK),
)


@dataclass(slots=True)
class _Found:
    """All that was found of one code: its times, and the newest figures."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    times: int = 0

    def add(self, start_ms: int, end_ms: int, *, times: int = 1) -> None:
        self.spans.append((start_ms, end_ms))
        self.times += times

    def last_run(self) -> tuple[int, int]:
        """Return since when, and until when, it went on without a pause."""
        spans = sorted(self.spans)
        start_ms, end_ms = spans[-1]
        for low, high in reversed(spans[:-1]):
            if start_ms - high > _SAME_MS:
                break
            start_ms = min(start_ms, low)
        return start_ms, end_ms


def device_quality(
    connection: sqlite3.Connection, device: Device, *, start_ms: int, end_ms: int
) -> schemas.DeviceQuality:
    """Return what is to be said of a device's data in [start_ms, end_ms)."""
    flags = quality_flags.listing(
        connection, start_ms=start_ms - DAY_MS, end_ms=end_ms, device=device.id, limit=20_000
    )
    found = [
        _point(
            connection,
            point,
            [flag for flag in flags if flag.point == point.id],
            start_ms=max(start_ms, device.first_heard_ms),
            end_ms=end_ms,
        )
        for point in records.points(connection, device.id)
    ]
    refused = _refused(connection, device, start_ms=start_ms, end_ms=end_ms)
    if found and refused:
        found[0].findings.extend(refused)
    found.sort(key=lambda item: not any(not f.use and f.until_ms is None for f in item.findings))
    return schemas.DeviceQuality(device=device.id, start_ms=start_ms, end_ms=end_ms, points=found)


def _point(
    connection: sqlite3.Connection,
    point: Point,
    flags: Sequence[quality_flags.KeptFlag],
    *,
    start_ms: int,
    end_ms: int,
) -> schemas.PointQuality:
    found: dict[str, _Found] = defaultdict(_Found)
    for flag in reversed(flags):
        found[flag.code].add(flag.start_ms, flag.end_ms)
        found[flag.code].figures = flag.figures
    span = (point.id, Period.QUARTER_HOUR.value, start_ms, end_ms)
    for first_ms, last_ms, reason in connection.execute(
        "SELECT start_ms, end_ms, reason FROM rollup WHERE point = ? AND period = ?"
        " AND start_ms >= ? AND start_ms < ? AND reason <> ''",
        span,
    ):
        for code in reason.split("+"):
            found[code].add(first_ms, last_ms)
    covered, first_ms, last_ms = connection.execute(
        "SELECT sum(covered_ms), min(start_ms), max(end_ms) FROM rollup WHERE point = ?"
        " AND period = ? AND start_ms >= ? AND start_ms < ?",
        span,
    ).fetchone()
    whole_ms = last_ms - first_ms if covered is not None else 0
    count = 0
    for quality, times, begin_ms, until_ms in connection.execute(
        "SELECT quality, count(*), min(at_ms), max(at_ms) FROM reading"
        " WHERE point = ? AND at_ms >= ? AND at_ms < ? GROUP BY quality",
        (point.id, start_ms, end_ms),
    ):
        count += times
        for code, bit in _OF_READINGS:
            if quality & bit:
                found[code].add(begin_ms, until_ms, times=times)
    lacking = {int(f.figures["device"]) for f in flags if f.code == "missing-meter"}
    named = [records.find(connection, number) for number in sorted(lacking)]
    names = "、".join(device.name or device.key for device in named if device is not None)
    days = load(connection, point.id, Period.DAY, start_ms - DAY_MS, end_ms)
    counted = QUANTITIES[point.quantity].kind in COUNTED
    amount = sum(day.amount for day in days)
    return schemas.PointQuality(
        point=point.id,
        quantity=point.quantity,
        channel=point.channel,
        readings=count,
        coverage=min(1.0, covered / whole_ms) if whole_ms else None,
        estimated=sum(day.estimated for day in days) / amount if counted and amount > 0 else None,
        findings=[
            _finding(code, item, end_ms=end_ms, about=names if code == "missing-meter" else "")
            for code, item in found.items()
            if code not in RECORDED
        ],
    )


def _finding(code: str, found: _Found, *, end_ms: int, about: str = "") -> schemas.QualityFinding:
    since_ms, until_ms = found.last_run()
    lasts = code in _STANDING and end_ms - until_ms <= _SAME_MS
    remedy = REMEDIES.get(code, ("", ""))
    return schemas.QualityFinding(
        code=code,
        use=code in USE,
        zh=f"{name_of(code, 'zh-CN')}：{about}" if about else name_of(code, "zh-CN"),
        en=f"{name_of(code, 'en')}: {about}" if about else name_of(code, "en"),
        remedy_zh=remedy[0],
        remedy_en=remedy[1],
        since_ms=since_ms,
        until_ms=None if lasts else until_ms,
        times=found.times,
        figures=found.figures,
    )


def _refused(
    connection: sqlite3.Connection, device: Device, *, start_ms: int, end_ms: int
) -> list[schemas.QualityFinding]:
    """Return what of the device's messages was refused as no reading (beyond physics, a code)."""
    rows = connection.execute(
        "SELECT reason, min(first_ms), max(last_ms), sum(count), json_group_array(detail)"
        " FROM quarantine WHERE device = ? AND last_ms >= ? AND last_ms < ?"
        " AND reason IN ('out-of-range', 'sentinel') GROUP BY reason",
        (device.key, start_ms, end_ms),
    )
    found = []
    for reason, first_ms, last_ms, times, details in rows:
        item = _Found(spans=[(first_ms, last_ms)], times=times)
        item.figures = {"kinds": float(len(json.loads(details)))}
        found.append(_finding(reason, item, end_ms=end_ms))
    return found
