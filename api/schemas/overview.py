"""What the site, its days, its incidents and its cold storage look like to a client."""

from pydantic import BaseModel, Field


class Failure(BaseModel):
    """Why a request was refused, and what to do."""

    code: str
    message: str
    remedy: str = ""


class Refusal(BaseModel):
    """The body of every error."""

    error: Failure


class LoginRequest(BaseModel):
    """The token a person was given."""

    token: str = Field(min_length=1, max_length=200)


class Me(BaseModel):
    """Who is asking."""

    actor: str
    role: str


class Building(BaseModel):
    """A building of the site."""

    id: str
    name: str
    area_m2: float


class Area(BaseModel):
    """A place in a building."""

    id: str
    name: str
    building: str


class Site(BaseModel):
    """The site and the server's clock."""

    id: str
    name: str
    zone: str
    lang: str
    pupils: int
    now_ms: int
    version: str
    buildings: list[Building]
    areas: list[Area]
    electricity_cny_kwh: float
    water_cny_m3: float


class Series(BaseModel):
    """Values in time order; null where there is no data."""

    at_ms: list[int]
    value: list[float | None]


class Profile(Series):
    """Values with the usual band beside them."""

    low: list[float | None]
    high: list[float | None]


class Line(Series):
    """The values of one point."""

    point: int
    channel: str
    quantity: str
    unit: str


class Evidence(BaseModel):
    """The chart that proves an incident."""

    series: list[Line]
    limit_low: float | None
    limit_high: float | None
    start_ms: int
    end_ms: int


class Incident(BaseModel):
    """One incident with its newest figures."""

    id: int
    rule: str
    rule_version: str
    severity: str
    state: str
    device: int
    device_name: str
    since_ms: int
    opened_ms: int
    acknowledged_ms: int | None
    acknowledged_by: str
    recovered_ms: int | None
    closed_ms: int | None
    evidence: dict[str, float | int | str]
    titles: dict[str, str]
    """What happened in a line, by language; the same words as in notifications."""
    told: dict[str, str]
    """What it means and what to do, by language."""
    rule_names: dict[str, str]
    """What the rule is called, by language."""


class IncidentBrief(Incident):
    """An incident for the first page: with its chart and who was told."""

    chart: Evidence | None
    notified: list[str]


class IncidentEvent(BaseModel):
    """One line of an incident's history."""

    at_ms: int
    kind: str
    actor: str
    detail: dict[str, object]


class Delivery(BaseModel):
    """One notification and what became of it."""

    channel: str
    kind: str
    state: str
    created_ms: int
    delivered_ms: int | None
    attempts: int
    detail: str


class IncidentDetail(BaseModel):
    """An incident with all that happened."""

    incident: Incident
    events: list[IncidentEvent]
    notifications: list[Delivery]
    chart: Evidence | None


class IncidentList(BaseModel):
    """Incidents, newest first."""

    items: list[Incident]


class UsageCard(BaseModel):
    """A day's use so far against a usual day of the same kind."""

    unit: str
    total: float | None
    usual: float | None
    usual_low: float | None
    usual_high: float | None
    cost_cny: float | None
    coverage: float
    estimated: float
    hours: Profile
    until_ms: int


class Excursion(BaseModel):
    """A time above the limit."""

    start_ms: int
    end_ms: int | None
    peak: float


class ColdUnit(BaseModel):
    """One fridge or freezer now and over the last day."""

    device: int
    name: str
    role: str
    air: float | None
    air_point: int | None
    air_at_ms: int | None
    food: float | None
    food_point: int | None
    limit_low: float | None
    limit_high: float | None
    state: str
    since_ms: int | None
    incident: int | None
    series: Series
    exposure_min: float | None
    door: float | None
    power_kw: float | None
    excursions: list[Excursion]


class Cold(BaseModel):
    """All cold storage."""

    units: list[ColdUnit]


class Room(BaseModel):
    """The climate of one room now."""

    device: int
    name: str
    temperature: float | None
    humidity: float | None
    co2: float | None
    at_ms: int | None
    temperature_point: int | None


class MeterNow(BaseModel):
    """One meter now: its power or its day so far, and its hours."""

    device: int
    name: str
    role: str
    online: bool
    total: float | None
    unit: str
    power_kw: float | None
    power_point: int | None
    at_ms: int | None
    hours: Series


class Worth(BaseModel):
    """Something worth a look, by what it costs."""

    kind: str
    device: int
    device_name: str
    cny: float
    cny_per_day: float
    evidence: dict[str, float | int | str]
    incident: int | None


class Day(BaseModel):
    """One day's total against usual days of its kind."""

    day: str
    start_ms: int
    kind: str
    value: float | None
    low: float | None
    high: float | None
    coverage: float


class Counts(BaseModel):
    """How much there is of everything."""

    devices: int
    online: int
    inbox: int
    quarantine: int
    open_incidents: int
    estimated: float


class Today(BaseModel):
    """Everything the first page shows."""

    now_ms: int
    last_reading_ms: int | None
    day_kind: str
    week_number: int | None
    outdoor_c: float | None
    incidents: list[IncidentBrief]
    electricity: UsageCard
    water: UsageCard
    cold: Cold
    rooms: list[Room]
    meters: list[MeterNow]
    worth: list[Worth]
    week: list[Day]
    counts: Counts


class MeterShare(BaseModel):
    """What one meter's part of the day was."""

    device: int
    name: str
    building: str
    parent: int
    total: float | None
    share: float | None
    coverage: float


class Usage(BaseModel):
    """One day of electricity or water: how much, where, when, against usual days."""

    day: str
    day_kind: str
    start_ms: int
    end_ms: int
    now_ms: int
    card: UsageCard
    out_of_hours: float | None
    meters: list[MeterShare]
    unmetered: float | None
    missing: list[str]
    days: list[Day]
    heat: list[list[float | None]]
    """Seven rows, Monday first, of 24 hours: the mean of the last four weeks."""
