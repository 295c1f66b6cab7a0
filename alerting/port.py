"""What a rule and a notification channel promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from caretaker.vocabulary import Device, Point, Reading, Severity, Truth
from storage.unit_records import UnitRecord


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule judges: one device with its points.

    `linked` are points of other devices that tell about this one: a door contact or a plug whose
    parent it is, and the site's mains.
    """

    device: Device
    points: tuple[Point, ...]
    linked: tuple[Point, ...] = ()
    own: frozenset[int] = field(init=False, repr=False, compare=False)
    """The ids of its own points."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", frozenset([point.id for point in self.points]))


@dataclass(frozen=True, slots=True)
class Context:
    """What belongs to a subject beside its readings; instants are event time [ms UTC].

    `limits` are the rule's numbers for this subject, `records` what people wrote down of it, by
    their instant. `watching_since_ms` is when Caretaker began to listen (0: always).
    """

    limits: Mapping[str, float]
    records: tuple[UnitRecord, ...] = ()
    watching_since_ms: int = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of its subject at an instant [ms UTC, event time].

    `recovered` is true only when enough good readings were seen (hysteresis); UNKNOWN never
    recovers. `evidence` is JSON-able: figures, limits, since when; texts are made from it.
    A greater `stage` than before is told anew though the severity is the same (a clock at 50 %).
    """

    truth: Truth
    at_ms: int
    severity: Severity = Severity.ALARM
    since_ms: int = 0
    recovered: bool = False
    stage: int = 0
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)


State = dict[str, Any]
"""A rule's memory of one subject; JSON-able, kept in the journal with the readings.

`bad` is truthy as long as the rule's incident stands: what it said BAD of did not recover. A step
never changes a value inside the state it was given, it puts a new one in its place.
"""


class Rule(Protocol):
    """A pure step: (state, readings in event order, context, now) -> (state, verdicts).

    The same call serves live judging, restart, late data and rehearsal on history. The state
    depends on readings, records and numbers alone, never on how they were cut into calls; where
    time itself decides (silence, an open door), the verdict bears the instant that was due.
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
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the numbers it uses; profiles hold them."""
        ...

    @property
    def timed(self) -> bool:
        """Return whether time alone, without a reading, can change the answer."""
        ...

    @property
    def downstream_first(self) -> bool:
        """Return whether a finding at a meter explains the same finding at meters upstream."""
        ...

    @property
    def linked(self) -> frozenset[str]:
        """Return the quantities of other devices it listens to, e.g. `door`, `mains`."""
        ...

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return those the rule applies to, each judged by itself.

        With `downstream_first` the others may matter: it is always given all candidates.
        """
        ...

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
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
