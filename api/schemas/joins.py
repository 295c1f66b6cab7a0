"""What joins look like to a client."""

from pydantic import BaseModel, ConfigDict, Field


class JoinIn(BaseModel):
    """The adopted device that a heard one is."""

    model_config = ConfigDict(extra="forbid")

    device: int = Field(ge=1, le=2**53)


class Join(BaseModel):
    """An id whose readings are another device's (by key), and who said so."""

    key: str
    device: str
    author: str
    at_ms: int


class Joins(BaseModel):
    """All of them."""

    items: list[Join]
