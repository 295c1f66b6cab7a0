"""KPIs as the API tells them."""

from pydantic import BaseModel


class KpiWords(BaseModel):
    """A name and a sentence in one language."""

    name: str
    sentence: str


class KpiGuide(BaseModel):
    """A published comparison value in the KPI's unit; no target."""

    name: str
    value: float
    source: str


class KpiInfo(BaseModel):
    """What a KPI is: unit, texts by language (zh-CN, en), formula, thresholds, source."""

    name: str
    subject: str
    unit: str
    decimals: int
    direction: str
    good: float | None
    bad: float | None
    combine: str
    periods: list[str]
    scopes: list[str]
    texts: dict[str, KpiWords]
    formula: str
    reference: str
    version: str
    guides: list[KpiGuide]


class KpiScope(BaseModel):
    """The campus, a building or an area."""

    kind: str
    id: str
    name: str


class KpiPoint(BaseModel):
    """A KPI of one scope over [start_ms, end_ms); `value` is null without enough data.

    `grade` is good, usable or not_enough; `reason` is a key of `reasons`.
    """

    scope_kind: str
    scope: str
    kpi: str
    start_ms: int
    end_ms: int
    value: float | None
    numerator: float | None
    denominator: float | None
    coverage: float
    estimated_share: float
    grade: str
    reason: str
    usual_low: float | None
    usual_median: float | None
    usual_high: float | None
    previous: float | None
    last_year: float | None
    target: float | None
    count: int
    missing: list[str]
    version: str
    parameters: dict[str, float | int | str]
    now_ms: int


class Kpis(BaseModel):
    """KPI values of one period with everything needed to tell them."""

    now_ms: int
    period: str
    scopes: list[KpiScope]
    kpis: list[KpiInfo]
    values: list[KpiPoint]
    reasons: dict[str, dict[str, str]]
