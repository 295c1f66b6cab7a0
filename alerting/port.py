"""What a rule and a notification channel promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from caretaker.vocabulary import Device, Point, Reading, Severity, Truth


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule judges: one device with its points."""

    device: Device
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of its subject at an instant [ms UTC, event time].

    `recovered` is true only when enough good readings were seen (hysteresis); UNKNOWN never
    recovers. `evidence` is JSON-able: figures, limits, since when; texts are made from it.
    """

    truth: Truth
    at_ms: int
    severity: Severity = Severity.ALARM
    since_ms: int = 0
    recovered: bool = False
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)


State = dict[str, float | int | str | bool | None]
"""A rule's memory of one subject; JSON-able, kept in the journal with the readings."""


class Rule(Protocol):
    """A pure step: (state, readings in event order, now) -> (state, verdicts).

    The same call serves live judging, restart, and rehearsal on history.
    """

    @property
    def name(self) -> str:
        """Return the stable name, e.g. `cold_storage_warm`."""
        ...

    @property
    def version(self) -> str:
        """Return the version stored with every incident."""
        ...

    @property
    def downstream_first(self) -> bool:
        """Return whether a finding at a meter explains the same finding at meters upstream."""
        ...

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return those the rule applies to."""
        ...

    def step(
        self, subject: Subject, *, state: State, readings: Sequence[Reading], now_ms: int
    ) -> tuple[State, list[Verdict]]:
        """Judge new readings (may be none: time passed) and return the new state and verdicts."""
        ...


@dataclass(frozen=True, slots=True)
class Notification:
    """One text for one channel, to be handed over exactly once as far as the channel can."""

    id: int
    incident: int
    kind: str  # an occasion (alerting/notify/port.py), digest, or note
    severity: Severity
    title: str
    body: str
    lang: str
    link: str
    key: str
    recipients: tuple[str, ...] = ()
    """Addresses of people on this channel; empty means whoever reads the channel."""

    calling: int = 0
    """How many incidents still wait for somebody: a siren stays on until it is none."""

    @property
    def over(self) -> bool:
        """Whether it tells of an end."""
        return self.kind in {"resolved", "acknowledged"}

    @property
    def text(self) -> str:
        """Return title, body and link as one plain text."""
        return "\n".join(part for part in (self.title, self.body, self.link) if part)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the channel said; the channel itself states whether trying again makes sense."""

    delivered: bool
    retry: bool = False
    retry_after_s: float = 0.0
    detail: str = ""


class Notifier(Protocol):
    """A channel that hands a notification to people."""

    @property
    def name(self) -> str:
        """Return the channel's name in settings and records."""
        ...

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it over; never raises for a remote failure."""
        ...
