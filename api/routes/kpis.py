"""KPIs: what they are, and their values by scope and period."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from analytics.kpis.inputs import KpiPeriod, ScopeKind
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import GOOD_COVERAGE, Kpi
from analytics.kpis.texts import REASONS
from api import schemas
from api.guard import Parts, RefusedError, Viewer
from caretaker.config import SiteSettings
from storage import kpi as kept
from storage.kpi import KpiValue

router = APIRouter(tags=["kpis"])
_MOST = 20_000
_DEFAULT_DAYS = {
    KpiPeriod.HOUR: 1,
    KpiPeriod.DAY: 31,
    KpiPeriod.WEEK: 182,
    KpiPeriod.MONTH: 366,
    KpiPeriod.TERM: 731,
}


@router.get("/kpis")
def kpis(
    parts: Parts,
    role: Viewer,
    period: Annotated[KpiPeriod, Query(description="how values are cut")] = KpiPeriod.DAY,
    scope_kind: Annotated[ScopeKind, Query(description="campus, building or area")] = (
        ScopeKind.CAMPUS
    ),
    scope: Annotated[str, Query(max_length=64, description="one scope's id; all when empty")] = "",
    first: Annotated[
        date | None, Query(alias="from", description="first local day a period may start on")
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="last such day, included")] = None,
    kpi: Annotated[
        list[str] | None, Query(max_length=100, description="names; all when absent")
    ] = None,
) -> schemas.Kpis:
    """Return KPIs with their texts, and their values by scope and period."""
    del role
    now_ms = parts.clock.now_ms()
    chosen = _chosen(kpi)
    until = last or parts.calendar.day_of(now_ms)
    since = first or _back(until, _DEFAULT_DAYS[period])
    if not date(2000, 1, 1) <= since <= until <= date(2100, 1, 1):
        raise RefusedError(
            422, "invalid", "from is after to, or before 2000.", "Ask for days in order."
        )
    with parts.journal.reader() as connection:
        values = kept.select(
            connection,
            scope_kind=scope_kind.value,
            scope=scope,
            period=period.value,
            kpis=[row.name for row in chosen],
            start_ms=parts.calendar.bounds(since)[0],
            end_ms=parts.calendar.bounds(until)[1],
            limit=_MOST + 1,
        )
    if len(values) > _MOST:
        raise RefusedError(
            422, "too_many", f"That is more than {_MOST} values.", "Ask for fewer days or KPIs."
        )
    scopes = [found for found in _scopes(parts.site, scope_kind) if scope in {"", found.id}]
    pupils = _pupils(parts.site, scope_kind, scope)
    return schemas.Kpis(
        now_ms=now_ms,
        period=period.value,
        scopes=scopes,
        kpis=[_info(row, period, pupils) for row in chosen],
        values=[_point(value) for value in values],
        reasons=REASONS,
    )


def _chosen(names: list[str] | None) -> list[Kpi]:
    if not names:
        return list(REGISTRY.values())
    unknown = [name for name in names if name not in REGISTRY]
    if unknown:
        raise RefusedError(
            422,
            "invalid",
            f"kpi: there is no {unknown[0]:.64}.",
            "GET /kpis without kpi lists all.",
        )
    return [REGISTRY[name] for name in dict.fromkeys(names)]


def _back(day: date, days: int) -> date:
    return max(date(2000, 1, 1), day - timedelta(days=days - 1)) if day.year > 2002 else day


def _scopes(site: SiteSettings, kind: ScopeKind) -> list[schemas.KpiScope]:
    named = {
        ScopeKind.CAMPUS: [(site.id, site.name)],
        ScopeKind.BUILDING: [(building.id, building.name) for building in site.buildings],
        ScopeKind.AREA: [(area.id, area.name) for area in site.areas],
    }.get(kind, [])
    return [schemas.KpiScope(kind=kind.value, id=number, name=name) for number, name in named]


def _pupils(site: SiteSettings, kind: ScopeKind, scope: str) -> int:
    if kind is ScopeKind.CAMPUS:
        return site.pupils
    return next((b.pupils for b in site.buildings if b.id == scope), 0)


def _info(kpi: Kpi, period: KpiPeriod, pupils: int) -> schemas.KpiInfo:
    guides = [
        schemas.KpiGuide(name=guide.name, value=value, source=guide.source)
        for guide in kpi.guides
        if (not guide.periods or period in guide.periods)
        and (value := guide.value(pupils)) is not None
    ]
    return schemas.KpiInfo(
        name=kpi.name,
        subject=kpi.subject,
        unit=kpi.unit,
        decimals=kpi.decimals,
        direction=kpi.direction.value,
        good=kpi.good,
        bad=kpi.bad,
        combine=kpi.combine.value,
        periods=[found.value for found in kpi.periods],
        scopes=[found.value for found in kpi.scopes],
        texts={
            lang: schemas.KpiWords(name=words.name, sentence=words.sentence)
            for lang, words in (("zh-CN", kpi.zh), ("en", kpi.en))
        },
        formula=kpi.formula,
        reference=kpi.reference,
        version=kpi.version,
        guides=guides,
    )


def _point(value: KpiValue) -> schemas.KpiPoint:
    grade = "good" if value.coverage >= GOOD_COVERAGE else "usable"
    return schemas.KpiPoint(
        scope_kind=value.scope_kind,
        scope=value.scope,
        kpi=value.kpi,
        start_ms=value.start_ms,
        end_ms=value.end_ms,
        value=value.value,
        numerator=value.numerator,
        denominator=value.denominator,
        coverage=value.coverage,
        estimated_share=value.estimated_share,
        grade=grade if value.enough else "not_enough",
        reason=value.reason,
        usual_low=value.usual_low,
        usual_median=value.usual_median,
        usual_high=value.usual_high,
        previous=value.previous,
        last_year=value.last_year,
        target=value.target,
        count=value.count,
        missing=list(value.missing),
        version=value.version,
        parameters=dict(value.parameters),
        now_ms=value.now_ms,
    )
