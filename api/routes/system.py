"""Health, the pipeline in plain figures, and Prometheus metrics."""

from fastapi import APIRouter, Request, Response

from api import health as wellness
from api import metrics, schemas
from api.guard import Parts, Viewer, caller
from storage import outbox, tally

router = APIRouter(tags=["system"])
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@router.get("/health", responses={503: {"model": schemas.Health}})
def health(parts: Parts, response: Response) -> schemas.Health:
    """Say whether every part is well; 503 when one is not. Open to all, so it names no detail."""
    found = wellness.checks(parts)
    well = all(check.ok for check in found)
    response.status_code = 200 if well else 503
    return schemas.Health(
        status="ok" if well else "failing",
        checks=[schemas.Check(name=check.name, ok=check.ok, value="") for check in found],
    )


@router.get("/system")
def system(parts: Parts, role: Viewer) -> schemas.System:
    """Return the pipeline in plain figures."""
    del role
    found = wellness.checks(parts)
    counters, rejected = parts.counters()
    with parts.journal.reader() as connection:
        notifications = outbox.counts(connection)
        counts = tally.listing(connection)
    return schemas.System(
        status="ok" if all(check.ok for check in found) else "failing",
        version=parts.version,
        now_ms=parts.clock.now_ms(),
        started_ms=parts.started_ms,
        checks=found,
        counters=counters,
        rejected=rejected,
        messages=[
            schemas.MessageCount(
                fate=line.fate.value,
                reason=line.reason,
                driver=line.driver,
                count=line.count,
                last_ms=line.last_ms,
                last_topic=line.last_topic,
            )
            for line in counts
        ],
        outbox=notifications,
        database_bytes=wellness.database_bytes(parts),
        disk_free_bytes=wellness.disk_free_bytes(parts),
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def prometheus(parts: Parts, request: Request) -> Response:
    """Return Prometheus metrics; from another machine only with a login."""
    if request.client is None or request.client.host not in _LOOPBACK:
        caller(request)
    return Response(metrics.exposition(parts), media_type="text/plain; version=0.0.4")
