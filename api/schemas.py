"""What the API says, as types; the page's own types are generated from these."""

from pydantic import BaseModel, Field

from caretaker.vocabulary import DeviceRole

_LINE = r"^[^\x00-\x1f\x7f]*$"


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


class PointNow(BaseModel):
    """A point with its newest value."""

    point: int
    channel: str
    quantity: str
    unit: str
    kind: str
    value: float | None
    at_ms: int | None
    quality: int


class DeviceOut(BaseModel):
    """A device, its description and its points."""

    id: int
    key: str
    driver: str
    model: str
    status: str
    name: str
    role: str
    building: str
    area: str
    parent: int
    interval_s: int
    first_heard_ms: int
    last_heard_ms: int
    topic: str
    payload: str
    source: str
    limits: dict[str, float]
    online: bool
    incident: int | None
    points: list[PointNow]


class PointList(BaseModel):
    """Points with their newest values."""

    items: list[PointNow]


class DeviceList(BaseModel):
    """Devices."""

    items: list[DeviceOut]


class DeviceChange(BaseModel):
    """What a person changes of a device; what is absent stays."""

    name: str | None = Field(default=None, max_length=80, pattern=_LINE)
    role: DeviceRole | None = None
    building: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    parent: int | None = None
    interval_s: int | None = Field(default=None, ge=0, le=86_400)
    limits: dict[str, float] | None = None


class Suggested(BaseModel):
    """What a heard device looks like."""

    name: str
    role: str
    building: str
    area: str
    interval_s: int


class InboxItem(BaseModel):
    """A device that was heard and belongs to nobody yet."""

    id: int
    key: str
    driver: str
    model: str
    first_heard_ms: int
    last_heard_ms: int
    messages: int
    topic: str
    payload: str
    readings: list[PointNow]
    suggested: Suggested


class Inbox(BaseModel):
    """Heard, not adopted."""

    items: list[InboxItem]


class Adoption(BaseModel):
    """How a heard device is taken in."""

    name: str = Field(min_length=1, max_length=80, pattern=_LINE)
    role: DeviceRole
    building: str = Field(default="", max_length=64)
    area: str = Field(default="", max_length=64)
    parent: int = 0
    interval_s: int = Field(default=0, ge=0, le=86_400)


class QuarantineItem(BaseModel):
    """A message that could not be used."""

    id: int
    first_ms: int
    last_ms: int
    topic: str
    device: str
    driver: str
    payload: str
    reason: str
    detail: str
    count: int
    state: str


class Quarantine(BaseModel):
    """Held messages and how many each reason holds."""

    items: list[QuarantineItem]
    reasons: dict[str, int]


class ReplayRequest(BaseModel):
    """Which held messages to decode again: some, or all of one reason."""

    ids: list[int] = Field(default_factory=list, max_length=10_000)
    reason: str = ""


class Replayed(BaseModel):
    """What a replay did."""

    replayed: int
    still_refused: int


class Note(BaseModel):
    """A person's words."""

    note: str = Field(default="", max_length=2_000)


class NoteText(BaseModel):
    """Words to add to a history."""

    text: str = Field(min_length=1, max_length=2_000)


class CloseReason(BaseModel):
    """Why an incident is closed by hand."""

    reason: str = Field(min_length=1, max_length=2_000)


class History(BaseModel):
    """A point's past in columns; a rolled up counter's value is its amount per interval."""

    point: int
    quantity: str
    unit: str
    resolution: str
    start_ms: int
    end_ms: int
    at_ms: list[int]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    quality: list[int]


class Check(BaseModel):
    """One part of the pipeline: well or not, in plain figures."""

    name: str
    ok: bool
    value: str
    remedy: str = ""


class Health(BaseModel):
    """Whether the pipeline is well."""

    status: str
    checks: list[Check]


class System(BaseModel):
    """The pipeline in plain figures."""

    status: str
    version: str
    now_ms: int
    started_ms: int
    checks: list[Check]
    counters: dict[str, int]
    rejected: dict[str, int]
    outbox: dict[str, int]
    database_bytes: int
    disk_free_bytes: int
