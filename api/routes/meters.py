"""How a number came about, and the records of a meter."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api import schemas
from api.explain_view import event_out, explained, flags_out
from api.guard import Operator, Parts, RefusedError, Viewer
from api.quality_view import device_quality
from api.services import Services
from caretaker.clock import DAY_MS
from ingest.explain import NothingToExplainError, find
from storage import devices as records
from storage import meter_events, quality_flags
from storage.meter_events import MeterEvent, MeterEventError

router = APIRouter(tags=["meters"])

Number = Annotated[int, Path(ge=1, le=2**53)]
Instant = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/devices/{device}/explain", responses={404: {"model": schemas.Refusal}})
def explain(
    device: Number,
    day: date,
    parts: Parts,
    role: Viewer,
    quantity: Annotated[str, Query(max_length=64, description="else whatever counts")] = "",
    lang: Literal["", "zh-CN", "en"] = "",
) -> schemas.Explained:
    """Return how the numbers of a device's local day came about, from raw readings up."""
    del role
    with parts.journal.reader() as connection:
        found = records.find(connection, device)
        if found is None:
            raise RefusedError(
                404, "not_found", "There is no such device.", "GET /devices lists them."
            )
        try:
            _, points = find(connection, found.key, quantity=quantity)
        except NothingToExplainError as error:
            raise RefusedError(404, "not_found", str(error)) from error
        return explained(
            connection,
            found,
            points,
            day,
            zone=parts.site.zone,
            lang=lang or parts.site.lang,
        )


@router.get("/quality-flags")
def list_flags(
    start_ms: Instant,
    end_ms: Instant,
    parts: Parts,
    role: Viewer,
    point: Annotated[int, Query(ge=0, le=2**53, description="0: of every point")] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000,
) -> schemas.QualityFlagList:
    """Return what the checks say against days that begin in [start_ms, end_ms)."""
    del role
    with parts.journal.reader() as connection:
        return schemas.QualityFlagList(
            items=flags_out(
                connection,
                quality_flags.listing(
                    connection, start_ms=start_ms, end_ms=end_ms, point=point, limit=limit
                ),
            )
        )


@router.get("/devices/{device}/quality", responses={404: {"model": schemas.Refusal}})
def quality(
    device: Number,
    parts: Parts,
    role: Viewer,
    days: Annotated[int, Query(ge=1, le=92, description="so many days back")] = 14,
) -> schemas.DeviceQuality:
    """Return how good a device's data are: what is wrong with each point, since when, why."""
    del role
    end_ms = parts.clock.now_ms() + 1
    with parts.journal.reader() as connection:
        found = records.find(connection, device)
        if found is None:
            raise RefusedError(
                404, "not_found", "There is no such device.", "GET /devices lists them."
            )
        return device_quality(connection, found, start_ms=end_ms - days * DAY_MS, end_ms=end_ms)


@router.get("/devices/{device}/meter-events")
def list_events(device: Number, parts: Parts, role: Viewer) -> schemas.MeterEventList:
    """Return what is recorded of a meter by date, withdrawn records too."""
    del role
    with parts.journal.reader() as connection:
        found = meter_events.listing(connection, device, all_of_them=True)
    return schemas.MeterEventList(items=[event_out(event) for event in found])


@router.post(
    "/devices/{device}/meter-events",
    responses={404: {"model": schemas.Refusal}, 409: {"model": schemas.Refusal}},
)
def record(
    device: Number, body: schemas.MeterEventIn, parts: Parts, role: Operator
) -> schemas.MeterEventOut:
    """Record an exchange, a multiplier, the highest value, or a correction; raw readings stay."""
    del role
    event = MeterEvent(device=device, **body.model_dump())
    now_ms = parts.clock.now_ms()
    return event_out(
        _kept(
            parts,
            lambda: parts.journal.call(
                lambda connection: meter_events.record(connection, event, now_ms=now_ms)
            ),
        )
    )


@router.post("/meter-events/{number}/withdraw", responses={409: {"model": schemas.Refusal}})
def withdraw(
    number: Number, body: schemas.Withdrawal, parts: Parts, role: Operator
) -> schemas.MeterEventOut:
    """Take a record back; it stays in the list, and the numbers become what they were."""
    del role
    now_ms = parts.clock.now_ms()
    return event_out(
        _kept(
            parts,
            lambda: parts.journal.call(
                lambda connection: meter_events.withdraw(
                    connection, number, author=body.author, reason=body.reason, now_ms=now_ms
                )
            ),
        )
    )


def _kept(parts: Services, work: Callable[[], MeterEvent]) -> MeterEvent:
    try:
        found = work()
    except MeterEventError as error:
        raise RefusedError(409, "not_recorded", f"{error}.", "Correct it, then send again.") from (
            error
        )
    parts.devices_changed()
    return found
