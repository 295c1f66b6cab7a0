"""What a stage is given and what it answers."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from caretaker.calendar import SchoolCalendar
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device
from storage.incidents import Incident
from storage.silences import Silence

PASS, HOLD, DROP = "pass", "hold", "drop"
"""Go on; not now, but looked at again when that ends; never."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to be told: an incident and the occasion.

    Occasions: opened, escalated, reraised (acknowledged long ago, still bad), tier (nobody took it,
    so the next level), repeat, late (over before anybody could be told), acknowledged, resolved.
    `levels` are the levels to call; `seen_ms` when the newest bad reading was taken.
    """

    incident: Incident
    occasion: str
    now_ms: int
    device: Device | None = None
    levels: tuple[int, ...] = (1,)
    seen_ms: int = 0
    call: int = 0

    @property
    def cold(self) -> bool:
        """Whether food depends on it."""
        if self.device is not None:
            return self.device.role.cold
        return bool(self.incident.evidence.get("cold_units"))

    @property
    def building(self) -> str:
        """Where it is; empty when it is the whole site."""
        if self.device is not None:
            return self.device.building
        kind, _, name = self.incident.scope.partition(":")
        return name if kind == "building" else ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a stage decided, and why, as data."""

    stage: str
    outcome: str
    reason: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """What the stages may look at."""

    connection: sqlite3.Connection
    site: SiteSettings
    calendar: SchoolCalendar
    live: Mapping[int, Incident]
    """Open incidents by id, canary and drill included."""
    devices: Mapping[int, Device]
    silences: Sequence[Silence] = ()


class Stage(Protocol):
    """Decides whether a matter goes on; every mute is one of these."""

    def __call__(self, matter: Matter, world: World) -> Ruling:
        """Return what was decided and why."""
        ...
