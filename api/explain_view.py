"""An explanation as the API tells it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from zoneinfo import ZoneInfo

from api import schemas
from api.history import reason_names
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Device, Point
from ingest.explain import Explanation, explain
from ingest.explain_text import lines
from ingest.reasons import name_of
from storage import devices as records
from storage.meter_events import MeterEvent
from storage.quality_flags import KeptFlag


def event_out(event: MeterEvent) -> schemas.MeterEventOut:
    """Return a record as a client sees it."""
    return schemas.MeterEventOut(**asdict(event))


def flags_out(
    connection: sqlite3.Connection, flags: Sequence[KeptFlag]
) -> list[schemas.QualityFlag]:
    """Return kept flags with the names of what they speak of."""
    points = {point.id: point for point in records.points(connection)}
    devices = {device.id: device for device in records.devices(connection)}
    found = []
    for flag in flags:
        point = points[flag.point]
        device = devices.get(point.device)
        found.append(
            schemas.QualityFlag(
                device=point.device,
                name=(device.name or device.key) if device else "",
                point=flag.point,
                quantity=point.quantity,
                channel=point.channel,
                day_ms=flag.day_ms,
                code=flag.code,
                zh=name_of(flag.code, "zh-CN"),
                en=name_of(flag.code, "en"),
                start_ms=flag.start_ms,
                end_ms=flag.end_ms,
                figures=flag.figures,
            )
        )
    return found


def explained(
    connection: sqlite3.Connection,
    device: Device,
    points: Sequence[Point],
    day: date,
    *,
    zone: ZoneInfo,
    lang: str,
) -> schemas.Explained:
    """Return the explanation of some points of a device."""
    found = [explain(connection, device, point, day, zone=zone) for point in points]
    items = [_point(item, day=day, zone=zone, lang=lang) for item in found]
    codes = {
        code
        for item in items
        for code in (*item.reasons, *(f.code for f in item.flags), *_codes(item.steps))
    }
    return schemas.Explained(device=device.id, items=items, names=reason_names(codes))


def _codes(steps: Sequence[schemas.StepOut]) -> set[str]:
    return {code for step in steps for code in step.reasons}


def _point(found: Explanation, *, day: date, zone: ZoneInfo, lang: str) -> schemas.PointExplained:
    whole = found.day
    return schemas.PointExplained(
        point=found.point.id,
        channel=found.point.channel,
        quantity=found.point.quantity,
        unit=QUANTITIES[found.point.quantity].unit,
        day=day.isoformat(),
        start_ms=found.start_ms,
        end_ms=found.end_ms,
        quarters=found.quarters,
        amount=whole.amount if whole else None,
        original=whole.original if whole else None,
        edited=whole.edited if whole else 0.0,
        estimated=whole.estimated if whole else 0.0,
        mean=whole.mean if whole else None,
        coverage=found.coverage,
        reasons=[code for code in whole.reason.split("+") if code] if whole else [],
        readings=found.readings,
        suspect=found.suspect,
        retained=found.retained,
        clock=found.clock,
        left_out=found.left_out,
        first_ms=found.first[0] if found.first else None,
        first=found.first[1] if found.first else None,
        last_ms=found.last[0] if found.last else None,
        last=found.last[1] if found.last else None,
        plain_steps=found.plain_steps,
        plain_amount=found.plain_amount,
        steps=[
            schemas.StepOut(
                start_ms=step.start_ms,
                end_ms=step.end_ms,
                value=step.value,
                amount=step.amount,
                estimated=step.estimated,
                reasons=list(step.reasons),
            )
            for step in found.steps
        ],
        events=[event_out(event) for event in found.events],
        flags=[
            schemas.FlagOut(
                code=flag.code,
                start_ms=flag.start_ms,
                end_ms=flag.end_ms,
                figures=dict(flag.figures),
            )
            for flag in found.flags
        ],
        parts=[
            schemas.PartOut(
                device=part.device.id,
                name=part.device.name or part.device.key,
                amount=part.amount,
            )
            for part in found.parts
        ],
        text=list(lines(found, lang=lang, zone=zone)),
    )
