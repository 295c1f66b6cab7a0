"""How a number came about, and what people record about a meter, as a client sees it."""

from typing import Annotated

from pydantic import BaseModel, Field

from storage.meter_events import EventKind

_LINE = r"^[^\x00-\x1f\x7f]*$"
_Figure = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
_Instant = Annotated[int, Field(ge=0, le=2**53)]


class MeterEventIn(BaseModel):
    """A record about a meter. Times are ms UTC; figures in the register's canonical unit."""

    kind: EventKind
    at_ms: _Instant = 0
    end_ms: _Instant = 0
    author: str = Field(min_length=1, max_length=80, pattern=_LINE)
    reason: str = Field(default="", max_length=400, pattern=_LINE)
    quantity: str = Field(default="", max_length=64)
    channel: str = Field(default="", max_length=128)
    value: _Figure | None = None
    final: _Figure | None = None
    initial: _Figure | None = None
    old_serial: str = Field(default="", max_length=64, pattern=_LINE)
    new_serial: str = Field(default="", max_length=64, pattern=_LINE)


class MeterEventOut(MeterEventIn):
    """A kept record."""

    id: int
    device: int
    recorded_ms: int
    withdrawn_ms: int | None
    withdrawn_by: str


class MeterEventList(BaseModel):
    """The records of a meter, by date."""

    items: list[MeterEventOut]


class Withdrawal(BaseModel):
    """Who takes a record back, and why."""

    author: str = Field(min_length=1, max_length=80, pattern=_LINE)
    reason: str = Field(min_length=1, max_length=400, pattern=_LINE)


class ReasonName(BaseModel):
    """A reason code in both languages."""

    code: str
    zh: str
    en: str


class StepOut(BaseModel):
    """What the register moved from one believed reading to the next [its own units]."""

    start_ms: int
    end_ms: int
    value: float
    amount: float
    estimated: bool
    reasons: list[str]


class FlagOut(BaseModel):
    """What a check says against the day."""

    code: str
    start_ms: int
    end_ms: int
    figures: dict[str, float]


class PartOut(BaseModel):
    """A sub-meter; `amount` is null where its data are missing."""

    device: int
    name: str
    amount: float | None


class PointExplained(BaseModel):
    """How the number of one point and local day came about."""

    point: int
    channel: str
    quantity: str
    unit: str
    day: str
    start_ms: int
    end_ms: int
    quarters: int
    amount: float | None
    original: float | None
    edited: float
    estimated: float
    mean: float | None
    coverage: float
    reasons: list[str]
    readings: int
    suspect: int
    retained: int
    clock: int
    left_out: int
    first_ms: int | None
    first: float | None
    last_ms: int | None
    last: float | None
    plain_steps: int
    plain_amount: float
    steps: list[StepOut]
    events: list[MeterEventOut]
    flags: list[FlagOut]
    parts: list[PartOut]
    text: list[str]


class Explained(BaseModel):
    """The points of a device that were asked for, and the names of the codes in them."""

    device: int
    items: list[PointExplained]
    names: list[ReasonName]


class QualityFlag(BaseModel):
    """What a check says against a point's local day."""

    device: int
    name: str
    point: int
    quantity: str
    channel: str
    day_ms: int
    code: str
    zh: str
    en: str
    start_ms: int
    end_ms: int
    figures: dict[str, float]


class QualityFlagList(BaseModel):
    """Flags, the newest days first."""

    items: list[QualityFlag]


class QualityFinding(BaseModel):
    """One thing to be said against a point's data: since when, what it means, what to do.

    `use` tells that it speaks of what was used, not of how well it was measured. `times` counts
    the days, or the readings, that it was found on; `until_ms` is null while it lasts.
    """

    code: str
    use: bool
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str
    since_ms: int
    until_ms: int | None
    times: int
    figures: dict[str, float]


class PointQuality(BaseModel):
    """How good a point's data were over the days asked for."""

    point: int
    quantity: str
    channel: str
    readings: int
    coverage: float | None
    """The share of the time with data; null where there is none yet."""
    estimated: float | None
    """The share of the amount that was estimated; null for what does not add up."""
    findings: list[QualityFinding]


class DeviceQuality(BaseModel):
    """The data quality of a device, point by point; what is wrong now first."""

    device: int
    start_ms: int
    end_ms: int
    points: list[PointQuality]
