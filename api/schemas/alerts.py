"""What silences, on-call tables, drills and decisions look like to a client."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

_LINE = r"^[^\x00-\x1f\x7f]*$"
_Line = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
_Maybe = Annotated[str, Field(max_length=200, pattern=_LINE)]
_Instant = Annotated[int, Field(ge=0, le=2**45)]


class Silence(BaseModel):
    """Notifications held for a while, with who and why."""

    id: int
    kind: str
    device: int
    building: str
    rule: str
    severity: str
    author: str
    reason: str
    food_at: str
    starts_ms: int
    ends_ms: int
    in_force: bool


class SilenceList(BaseModel):
    """Silences and maintenance windows."""

    items: list[Silence]


class SilenceRequest(BaseModel):
    """What to hold, up to which severity, until when; 0 and '' mean any."""

    kind: Literal["silence", "maintenance"] = "silence"
    severity: Literal["notice", "alarm", "critical"] = "alarm"
    device: int = Field(default=0, ge=0, le=2**53)
    building: _Maybe = ""
    rule: _Maybe = ""
    author: _Line
    reason: _Line
    food_at: _Maybe = ""
    starts_ms: _Instant = 0
    ends_ms: _Instant


class OnCallLevel(BaseModel):
    """Who of one level is called, and why."""

    level: int
    people: list[str]
    why: str


class OnCall(BaseModel):
    """Who is on call at an instant."""

    at_ms: int
    levels: list[OnCallLevel]


class Ruling(BaseModel):
    """What one stage said."""

    stage: str
    outcome: str
    reason: str
    detail: dict[str, object]


class Decision(BaseModel):
    """Why people were, or were not, told of an incident on one occasion."""

    at_ms: int
    occasion: str
    outcome: str
    reason: str
    rulings: list[Ruling]


class Why(BaseModel):
    """Every decision about an incident, and what became of each notification."""

    incident: int
    decisions: list[Decision]
    deliveries: list["Handed"]


class Handed(BaseModel):
    """One notification: to whom, how, when it was taken."""

    channel: str
    person: str
    level: int
    occasion: str
    state: str
    created_ms: int
    delivered_ms: int | None
    attempts: int
    detail: str


class DrillRequest(BaseModel):
    """Which drill, at which unit (a device's key; '' takes the first fridge)."""

    scenario: Literal["compressor-failure"] = "compressor-failure"
    unit: _Maybe = ""
    author: _Line = "page"


class Drill(BaseModel):
    """A drill with its times; `within_promise` is null until it is known."""

    id: int
    scenario: str
    unit: str
    author: str
    begun_ms: int
    incident: int
    opened_ms: int | None
    handed_ms: int | None
    acknowledged_ms: int | None
    acknowledged_by: str
    ends_ms: int
    ended_ms: int | None
    within_promise: bool | None


class DrillList(BaseModel):
    """Drills."""

    items: list[Drill]
