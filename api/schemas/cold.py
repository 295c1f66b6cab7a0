"""Units that hold food, what people record of them, and corrective actions, for a client."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

_LINE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, Field(default="", max_length=80, pattern=_LINE)]
Text = Annotated[str, Field(default="", max_length=2000)]
Instant = Annotated[int, Field(ge=0, le=2**53)]
Celsius = Annotated[float, Field(ge=-90, le=150, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Record(BaseModel):
    """What a person recorded of a unit; never deleted."""

    id: int
    device: int
    kind: str
    at_ms: int
    until_ms: int | None
    value: float | None
    author: str
    note: str
    detail: dict[str, object]


class RuleNumber(BaseModel):
    """A number that a rule uses for a unit, with its evidence mark and who changed it."""

    name: str
    value: float
    unit: str
    mark: str
    source: str
    valid_from: str
    author: str
    reason: str


class UnitNow(BaseModel):
    """A unit at one glance: how warm, how long is left, what to do now, what can be tapped."""

    device: int
    name: str
    role: str
    state: str
    air_c: float | None
    food_c: float | None
    food_measured: bool
    at_ms: int | None
    limit_low_c: float | None
    limit_high_c: float | None
    exposure_min: float
    decision_min: float
    left_min: float
    mean_kinetic_24h_c: float | None
    unmonitored_min: float
    defrost: bool
    door_open: bool | None
    openings_hour: int | None
    open_min_hour: float | None
    power_lost_ms: int | None
    duty: float | None
    todo: list[str]
    taps: list[str]
    incidents: list[int]
    actions: list[int]
    standing: list[Record]


class UnitList(BaseModel):
    """All units that hold food."""

    items: list[UnitNow]


class UnitDetail(BaseModel):
    """A unit with its numbers, its records and its corrective actions."""

    now: UnitNow
    numbers: list[RuleNumber]
    records: list[Record]
    actions: list["Action"]


class StateTap(BaseModel):
    """A state that begins now, or began a moment ago."""

    kind: Literal["receiving", "cleaning", "decommissioned", "planned_outage"]
    person: Name
    note: Text
    food_went_to: Name
    at_ms: Instant | None = None
    until_ms: Instant | None = None


class Ending(BaseModel):
    """Who ended a state."""

    person: Name


class ProbeEntry(BaseModel):
    """A food temperature measured by hand."""

    value_c: Celsius
    person: Name
    probe: Name
    product: Name
    at_ms: Instant | None = None


class CalibrationEntry(BaseModel):
    """A thermometer checked against a reference."""

    offset_k: Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)] = 0.0
    person: Name
    reference: Name
    note: Text
    at_ms: Instant | None = None


class Batch(BaseModel):
    """Some of a unit's contents."""

    batch: Name
    product: Name
    kg: Amount = 0.0


class BatchDisposition(BaseModel):
    """What became of a batch."""

    batch: Name
    disposition: Literal["use_now", "reheat", "move", "discard", "hold", "accept"]
    kg: Amount = 0.0
    value_cny: Amount = 0.0
    to: Name


class CoreTemperature(BaseModel):
    """A core temperature of a product."""

    value_c: Celsius
    product: Name
    probe: Name
    at_ms: Instant


class ActionContent(BaseModel):
    """What a corrective action holds (HACCP); what is absent stays as it is."""

    zone: str | None = Field(default=None, max_length=80, pattern=_LINE)
    contents: list[Batch] | None = Field(default=None, max_length=200)
    cause: (
        Literal[
            "door", "defrost", "overload", "compressor", "power_cut", "sensor", "delivery", "other"
        ]
        | None
    ) = None
    immediate_action: str | None = Field(default=None, max_length=2000)
    core_temperatures: list[CoreTemperature] | None = Field(default=None, max_length=200)
    dispositions: list[BatchDisposition] | None = Field(default=None, max_length=200)
    person: str | None = Field(default=None, max_length=80, pattern=_LINE)
    verifier: str | None = Field(default=None, max_length=80, pattern=_LINE)
    photos: list[Annotated[str, Field(max_length=300)]] | None = Field(default=None, max_length=20)
    work_order: str | None = Field(default=None, max_length=80, pattern=_LINE)
    retained_samples: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, max_length=50
    )
    prevention: str | None = Field(default=None, max_length=2000)
    note: str | None = Field(default=None, max_length=2000)


class ActionCreate(BaseModel):
    """A corrective action begun by a person; `decided`: its dispositions settle all contents."""

    device: Annotated[int, Field(ge=1, le=2**53)]
    incident: Annotated[int, Field(ge=1, le=2**53)] | None = None
    start_ms: Instant | None = None
    decided: bool = False
    content: ActionContent = ActionContent()


class ActionChange(BaseModel):
    """An amendment with its reason; `decided` resets the exposure clock, `close` ends it."""

    reason: str = Field(min_length=1, max_length=500)
    content: ActionContent = ActionContent()
    end_ms: Instant | None = None
    decided: bool = False
    close: bool = False


class AmendmentOut(BaseModel):
    """One change of a record."""

    at_ms: int
    actor: str
    reason: str
    changes: dict[str, object]


class Action(BaseModel):
    """A corrective action as it stands, with how it came to that."""

    id: int
    device: int
    device_name: str
    incident: int | None
    source: str
    start_ms: int
    end_ms: int | None
    closed_ms: int | None
    content: dict[str, object]
    missing: list[str]
    amendments: list[AmendmentOut]


class ActionList(BaseModel):
    """Corrective actions, newest first."""

    items: list[Action]
