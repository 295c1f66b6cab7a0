"""What mappings, and the messages they are tried on, look like to a client."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(max_length=256, pattern=_LINE)]


class MappingFieldIn(BaseModel):
    """One reading: where it stands, what it is, its unit; an empty path is the whole payload."""

    model_config = ConfigDict(extra="forbid")

    quantity: Line
    unit: Line
    path: Line = ""
    channel: Annotated[str, Field(max_length=64, pattern=_LINE)] = ""


class MappingIn(BaseModel):
    """What the messages of a topic mean."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    topic: Annotated[str, Field(min_length=1, max_length=512, pattern=_LINE)]
    fields: Annotated[list[MappingFieldIn], Field(min_length=1, max_length=64)]
    device: Line = ""
    device_at: Line = ""
    time_at: Line = ""
    adds: bool = False


class MappingOut(MappingIn):
    """A mapping that is in force, and who made it; those of `site.toml` only the file changes."""

    author: str
    at_ms: int


class MappingReading(BaseModel):
    """One reading that a mapping makes of a message."""

    device: str
    channel: str
    quantity: str
    value: float
    unit: str
    at_ms: int


class MappingTrial(BaseModel):
    """One of the last messages, and what the mapping makes of it."""

    topic: str
    at_ms: int
    payload: str
    readings: list[MappingReading]
    refused: list[str]


class MappingPreview(BaseModel):
    """What a mapping makes of the last messages of its topic; `usable` when it may be kept."""

    usable: bool
    messages: list[MappingTrial]


class MappingKept(BaseModel):
    """What keeping a mapping did: messages that waited and are used now, and those still not."""

    mapping: MappingOut
    replayed: int
    still_refused: int


class MappingLeaf(BaseModel):
    """A place in a message where a reading could stand."""

    path: str
    value: str


class MappingTopic(BaseModel):
    """A topic nobody understands yet."""

    topic: str
    count: int
    last_ms: int
    reason: str
    payload: str
    leaves: list[MappingLeaf]


class MappingQuantity(BaseModel):
    """A quantity a mapping may name, with its canonical unit and the names people read."""

    name: str
    unit: str
    en: str
    zh: str


class Mappings(BaseModel):
    """Mappings in force, topics that wait for one, and the quantities there are."""

    items: list[MappingOut]
    waiting: list[MappingTopic]
    quantities: list[MappingQuantity]
