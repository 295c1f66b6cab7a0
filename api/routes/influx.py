"""The copy in InfluxDB: how it is, and how it is made anew."""

from fastapi import APIRouter

from api import schemas
from api.guard import Operator, Parts, RefusedError, Viewer
from storage import audit

router = APIRouter(tags=["influx"], prefix="/influx")


def _shown(parts: Parts) -> schemas.Projection:
    if parts.projection is None:
        return schemas.Projection(configured=False)
    found = parts.projection.status()
    return schemas.Projection(
        configured=True,
        ok=found.ok,
        url=found.target,
        version=found.version,
        phase=found.phase,
        lag_s=found.lag_s,
        failing=found.failing,
        remedy=found.remedy,
        received=found.received,
        emitted=found.emitted,
        expired=found.expired,
        resent_hours=found.resent_hours,
        stretches_to_send=found.stretches_to_send,
        stretches_to_check=found.stretches_to_check,
        rejected=found.rejected,
    )


@router.get("")
def projection(parts: Parts, role: Viewer) -> schemas.Projection:
    """Return how the copy in InfluxDB is."""
    del role
    return _shown(parts)


@router.post("/rebuild", responses={409: {"model": schemas.Refusal}})
def rebuild(parts: Parts, role: Operator) -> schemas.Projection:
    """Delete the site's data in InfluxDB and fill it from the journal; it goes on by itself."""
    if parts.projection is None:
        raise RefusedError(
            409, "no_influx", "This site has no InfluxDB.", "Name one in site.toml, [influx] url."
        )
    parts.projection.rebuild()
    parts.journal.call(
        lambda connection: audit.append(
            connection,
            at_ms=parts.clock.now_ms(),
            actor=role.name.lower(),
            action="influx.rebuild",
            subject=parts.site.influx.url,
        )
    )
    return _shown(parts)
