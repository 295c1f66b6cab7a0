"""The first page, electricity, water, and cold storage."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api import schemas, today_view, usage_view
from api.cold_view import cold_units
from api.device_view import last_reading_ms
from api.guard import Parts, RefusedError, Viewer
from caretaker.vocabulary import DeviceRole

router = APIRouter(tags=["overview"])


@router.get("/today")
def today(parts: Parts, role: Viewer) -> schemas.Today:
    """Return everything the first page shows."""
    del role
    now_ms = parts.clock.now_ms()
    with parts.journal.reader() as connection:
        return today_view.today(
            connection,
            site=parts.site,
            calendar=parts.calendar,
            now_ms=now_ms,
            last_reading_ms=last_reading_ms(connection, now_ms=now_ms),
        )


@router.get("/usage/{utility}")
def usage(
    utility: Literal["electricity", "water"],
    parts: Parts,
    role: Viewer,
    day: Annotated[date | None, Query(description="a local day; today when absent")] = None,
) -> schemas.Usage:
    """Return one day of electricity or water against usual days of its kind."""
    del role
    now_ms = parts.clock.now_ms()
    present = parts.calendar.day_of(now_ms)
    chosen = day or present
    if not date(2000, 1, 1) <= chosen <= present:
        raise RefusedError(
            422, "invalid", "day is in the future or before 2000.", "Ask for a past day."
        )
    with parts.journal.reader() as connection:
        return usage_view.usage(
            connection,
            role=DeviceRole(utility),
            day=chosen,
            site=parts.site,
            calendar=parts.calendar,
            now_ms=now_ms,
        )


@router.get("/cold")
def cold(parts: Parts, role: Viewer) -> schemas.Cold:
    """Return every unit of cold storage with its band and its last day."""
    del role
    with parts.journal.reader() as connection:
        return schemas.Cold(
            units=cold_units(connection, site=parts.site, now_ms=parts.clock.now_ms())
        )
