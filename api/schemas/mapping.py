"""What mappings, and the messages they are tried on, look like to a client."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(max_length=256, pattern=_LINE)]


class MappingFieldIn(BaseModel):
    """One reading: where it stands, what it is, its unit; an empty path is the whole payload."""

    model_config = ConfigDict(extra="forbid")

    quantity: Line
    unit: Line = ""
    unit_at: Line = ""
    path: Line = ""
    channel: Annotated[str, Field(max_length=64, pattern=_LINE)] = ""


class _Mapping(BaseModel):
    """What is said of a topic beside its fields; see docs/settings.md."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    topic: Annotated[str, Field(min_length=1, max_length=512, pattern=_LINE)]
    device: Line = ""
    device_at: Line = ""
    time_at: Line = ""
    zone: Annotated[str, Field(max_length=64, pattern=_LINE)] = ""
    decimal: Literal[".", ","] = "."
    separator: Literal["", ";", "\t", "|", ",", " "] = ""
    adds: bool = False


class MappingDraft(_Mapping):
    """What the messages of a topic mean, as far as it is said yet."""

    fields: Annotated[list[MappingFieldIn], Field(max_length=64)] = Field(default_factory=list)


class MappingIn(_Mapping):
    """What the messages of a topic mean."""

    fields: Annotated[list[MappingFieldIn], Field(min_length=1, max_length=64)]


class MappingOut(MappingIn):
    """A mapping that is in force, and who made it; those of `site.toml` only the file changes."""

    author: str
    at_ms: int


class MappingReading(BaseModel):
    """One reading that a mapping makes of a message; `own_time`: the device said when it was."""

    device: str
    channel: str
    quantity: str
    value: float
    unit: str
    at_ms: int
    own_time: bool


class MappingRefusal(BaseModel):
    """Why a value of a message is of no use: the reason as in quarantine, and the detail."""

    reason: str
    detail: str


class MappingLeaf(BaseModel):
    """A place in a message where a reading could stand."""

    path: str
    value: str


class MappingTrial(BaseModel):
    """One of the last messages, and what the mapping makes of it."""

    topic: str
    at_ms: int
    payload: str
    readings: list[MappingReading]
    refused: list[MappingRefusal]


class MappingPreview(BaseModel):
    """What a mapping makes of the last messages of its topic; `usable` when it may be kept.

    `leaves` are what stands in the newest of them.
    """

    usable: bool
    leaves: list[MappingLeaf]
    messages: list[MappingTrial]


class MappingKept(BaseModel):
    """What keeping a mapping did: messages that waited and are used now, and those still not."""

    mapping: MappingOut
    replayed: int
    still_refused: int


class MappingTopic(BaseModel):
    """A topic nobody understands yet; how its texts seem to be written is for a person to say."""

    topic: str
    count: int
    last_ms: int
    reason: str
    payload: str
    leaves: list[MappingLeaf]
    separator: str
    decimal: str


class MappingQuantity(BaseModel):
    """A quantity a mapping may name: canonical unit, units to choose from, names people read."""

    name: str
    unit: str
    units: list[str]
    en: str
    zh: str


class Mappings(BaseModel):
    """Mappings in force, topics that wait for one, and the quantities there are."""

    items: list[MappingOut]
    waiting: list[MappingTopic]
    quantities: list[MappingQuantity]
