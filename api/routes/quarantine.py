"""Messages that could not be used: look at them, and decode them again after a repair."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas
from api.device_view import text_of
from api.guard import Operator, Parts, RefusedError, Viewer
from ingest.replay import replay
from storage import audit, quarantine

router = APIRouter(tags=["quarantine"], prefix="/quarantine")


def _item(kept: quarantine.Kept) -> schemas.QuarantineItem:
    return schemas.QuarantineItem(
        id=kept.id,
        first_ms=kept.first_ms,
        last_ms=kept.last_ms,
        topic=kept.topic,
        device=kept.device,
        driver=kept.driver,
        payload=text_of(kept.payload),
        reason=kept.reason,
        detail=kept.detail,
        count=kept.count,
        state=kept.state,
    )


@router.get("")
def list_quarantine(
    parts: Parts,
    role: Viewer,
    reason: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int, Query(ge=0, le=2**53, description="continue below this id")] = 0,
) -> schemas.Quarantine:
    """Return held messages, newest first, and how many each reason holds."""
    del role
    with parts.journal.reader() as connection:
        items = quarantine.listing(connection, reason=reason, before=before, limit=limit)
        return schemas.Quarantine(
            items=[_item(kept) for kept in items], reasons=quarantine.counts(connection)
        )


@router.get("/{number}", responses={404: {"model": schemas.Refusal}})
def quarantined(
    number: Annotated[int, Path(ge=1, le=2**53)], parts: Parts, role: Viewer
) -> schemas.QuarantineItem:
    """Return one held message."""
    del role
    with parts.journal.reader() as connection:
        kept = quarantine.find(connection, number)
    if kept is None:
        raise RefusedError(
            404, "not_found", "There is no such message.", "GET /quarantine lists them."
        )
    return _item(kept)


@router.post("/replay")
def replay_quarantine(
    body: schemas.ReplayRequest, parts: Parts, role: Operator
) -> schemas.Replayed:
    """Decode held messages again, as of when they were received; what is still refused stays."""
    if not body.ids and not body.reason:
        raise RefusedError(
            422, "invalid", "Neither ids nor reason is given.", "Say which messages: ids or reason."
        )
    replayed, refused = replay(parts.journal, parts.decoder, ids=body.ids, reason=body.reason)
    parts.journal.call(
        lambda connection: audit.append(
            connection,
            at_ms=parts.clock.now_ms(),
            actor=role.name.lower(),
            action="quarantine.replayed",
            subject=body.reason or f"{len(body.ids)} messages",
            detail={"replayed": replayed, "still_refused": refused},
        )
    )
    parts.devices_changed()
    return schemas.Replayed(replayed=replayed, still_refused=refused)
