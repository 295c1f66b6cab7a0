"""What devices, points, held messages and the pipeline look like to a client."""

from typing import Annotated

from pydantic import BaseModel, Field

from api.schemas.meters import ReasonName
from caretaker.vocabulary import DeviceRole

_LINE = r"^[^\x00-\x1f\x7f]*$"


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
    available: bool | None
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
    parent: int | None = Field(default=None, ge=0, le=2**53)
    interval_s: int | None = Field(default=None, ge=0, le=86_400)
    limits: dict[str, Annotated[float, Field(allow_inf_nan=False)]] | None = None


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
    parent: int = Field(default=0, ge=0, le=2**53)
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

    ids: list[Annotated[int, Field(ge=1, le=2**53)]] = Field(
        default_factory=list, max_length=10_000
    )
    reason: str = Field(default="", max_length=64)


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
    reason: list[str]
    """The reason codes of each interval, joined by +; empty for raw readings."""
    names: list[ReasonName]
    """The codes in them in words."""


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


class MessageCount(BaseModel):
    """What became of messages of one driver, since the journal began."""

    fate: str
    reason: str
    driver: str
    count: int
    last_ms: int
    last_topic: str


class System(BaseModel):
    """The pipeline in plain figures."""

    status: str
    version: str
    now_ms: int
    started_ms: int
    checks: list[Check]
    counters: dict[str, int]
    rejected: dict[str, int]
    messages: list[MessageCount]
    outbox: dict[str, int]
    database_bytes: int
    disk_free_bytes: int
