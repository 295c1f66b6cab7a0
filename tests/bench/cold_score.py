"""What counts when an early warning of cold storage is scored: excursions, warnings, false ones.

An **excursion** begins with the first sample above the limit and ends with the first at or below
it; it counts when it lasted 60 minutes or more. A **warning** is an incident of `cold_warning`; its
**marks** are the instants at or below the limit at which the rule said BAD anew.

* *warned in the hour before* (the strict reading, the figure that is quoted): a mark lies in the 60
  minutes before the excursion begins. Nothing said at or after the crossing counts.
* *false*: a warning none of whose marks has an excursion of 60 minutes beginning within the hour
  after it. One before a 45-minute excursion is false, and so is one 90 minutes early.
* *opened in the hour before*: stricter still, the warning itself, so the notification, began then.
* *standing in the hour before*: laxer, a warning was open then, whatever it was opened for.
* *fresh*: excursions with no crossing at all, short or long, in the 24 hours before; the others
  repeat a trouble that was there already, mostly within a warning that already stood.
* *each approach*: marks more than an hour apart counted as warnings of their own; nobody is called
  so often, but it is what a score without merging would count as false.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from alerting.parameters import limits_of
from alerting.port import Context, Rule, State, Subject
from alerting.rules.cold_warning import ColdWarning
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point, Reading, Truth

MONTH_MS = 30.4 * DAY_MS
EVER = (-(2**62), 2**62)


@dataclass(frozen=True)
class Course:
    """One sensor's readings with its limit [degC]; `room` is what it shares with others."""

    name: str
    limit_c: float
    readings: tuple[Reading, ...]
    interval_s: int

    @property
    def room(self) -> str:
        """Return the kind of room, the name without its number."""
        return self.name.rpartition("_")[0]

    @property
    def frozen(self) -> bool:
        """Whether its limit is a freezer's."""
        return self.limit_c < -10

    @property
    def role(self) -> DeviceRole:
        """Return what kind of unit it is."""
        return DeviceRole.FREEZER if self.frozen else DeviceRole.FRIDGE

    @property
    def span_ms(self) -> tuple[int, int]:
        """Return when it begins and ends."""
        return self.readings[0].at_ms, self.readings[-1].at_ms


@dataclass(frozen=True)
class Warned:
    """A warning: when it was open, and its marks at or below the limit [ms]."""

    marks: tuple[int, ...]
    until_ms: int


@dataclass
class Score:
    """Excursions warned in the hour before, in three readings, against false warnings."""

    events: int = 0
    strict: int = 0
    opened: int = 0
    standing: int = 0
    fresh: int = 0
    fresh_strict: int = 0
    warnings: int = 0
    false: int = 0
    approaches: int = 0
    """False ones, where each approach counts."""
    months: float = 0.0
    open_ms: float = 0.0
    ends: list[str] = field(default_factory=list)
    """What became of the false ones: `short` excursion within the hour, `later` a long one while
    it stood, `crossed` at some time while it stood, `nothing`."""

    @property
    def false_month(self) -> float:
        """Return false warnings per sensor and month."""
        return self.false / self.months if self.months else 0.0

    @property
    def standing_share(self) -> float:
        """Return the share of the time in which a warning stood."""
        return self.open_ms / (self.months * MONTH_MS) if self.months else 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Score)))

    def __str__(self) -> str:
        share = self.strict / self.events if self.events else 1.0
        return f"{self.strict:3} of {self.events} ({share:4.0%}) at {self.false_month:5.2f} false"


def subject(course: Course) -> Subject:
    """Return a unit that measures the course."""
    device = Device(
        1, f"t:{course.name}", "t", DeviceStatus.ADOPTED, role=course.role,
        interval_s=course.interval_s,
    )  # fmt: skip
    return Subject(device, (Point(1, 1, "air", "temperature"),))


def context(course: Course, **changes: float) -> Context:
    """Return the numbers of a sensor, its own limit among them."""
    limits = limits_of(SiteSettings(), subject(course).device)
    own = {"limit_hi_c": course.limit_c, "notice_hi_c": course.limit_c}
    return Context(limits=limits | own | changes)


def excursions(course: Course, *, least_ms: int = HOUR_MS) -> list[tuple[int, int]]:
    """Return (begin, end) of the excursions that lasted at least so long [ms]."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for reading in course.readings:
        if reading.value > course.limit_c:
            start = reading.at_ms if start is None else start
        elif start is not None:
            if reading.at_ms - start >= least_ms:
                found.append((start, reading.at_ms))
            start = None
    return found


def warned(course: Course, **numbers: float) -> list[Warned]:
    """Let the rule judge the course sample by sample, and return its warnings.

    One that was said only above the limit, where it is no warning any more, is left out.
    """
    unit, rule, numbers_ = subject(course), ColdWarning(), context(course, **numbers)
    state: State = {}
    found: list[Warned] = []
    marks: list[int] = []
    for reading in course.readings:
        state, verdicts = rule.step(
            unit, state=state, readings=[reading], context=numbers_, now_ms=reading.at_ms
        )
        for verdict in verdicts:
            if verdict.truth is Truth.BAD and reading.value <= course.limit_c:
                marks.append(reading.at_ms)
            elif verdict.truth is Truth.OK and marks:
                found.append(Warned(tuple(marks), reading.at_ms))
                marks = []
    if marks:
        found.append(Warned(tuple(marks), course.readings[-1].at_ms))
    return found


def said(course: Course, rule: Rule, numbers: Context, *, loud: bool = False) -> list[int]:
    """Return the instants at which a rule said BAD; `loud`: as an alarm or worse."""
    unit = subject(course)
    state: State = {}
    found: list[int] = []
    for reading in course.readings:
        state, verdicts = rule.step(
            unit, state=state, readings=[reading], context=numbers, now_ms=reading.at_ms
        )
        found += [
            reading.at_ms
            for verdict in verdicts
            if verdict.truth is Truth.BAD and not (loud and verdict.severity == "notice")
        ]
    return found


def score(course: Course, warnings: Sequence[Warned], window: tuple[float, float] = EVER) -> Score:
    """Score warnings against the course's excursions in a window of time [ms]."""
    first, last = course.span_ms
    low, high = max(window[0], first), min(window[1], last)
    crossings = [e for e in excursions(course, least_ms=0) if low <= e[0] < high]
    long = [begin for begin, end in crossings if end - begin >= HOUR_MS]
    result = Score(events=len(long), months=max(0.0, high - low) / MONTH_MS)
    inside: list[Warned] = []
    for warning in warnings:
        marks = tuple(at for at in warning.marks if low <= at < high)
        if marks:
            inside.append(Warned(marks, warning.until_ms))
    for begin in long:
        hit = any(_mark_before(w, begin) for w in inside)
        result.strict += hit
        if not any(begin - DAY_MS <= earlier < begin for earlier, _ in crossings):
            result.fresh += 1
            result.fresh_strict += hit
        result.opened += any(begin - HOUR_MS <= w.marks[0] < begin for w in inside)
        result.standing += any(w.marks[0] < begin and w.until_ms >= begin - HOUR_MS for w in inside)
    for warning in inside:
        result.warnings += 1
        result.open_ms += min(warning.until_ms, high) - warning.marks[0]
        if not any(_mark_before(warning, begin) for begin in long):
            result.false += 1
            result.ends.append(_end(warning, crossings))
        result.approaches += sum(
            not any(_mark_before(approach, begin) for begin in long) for approach in _apart(warning)
        )
    return result


def _apart(warning: Warned) -> list[Warned]:
    runs = [[warning.marks[0]]]
    for mark in warning.marks[1:]:
        if mark - runs[-1][-1] > HOUR_MS:
            runs.append([])
        runs[-1].append(mark)
    return [Warned(tuple(run), run[-1]) for run in runs]


def _mark_before(warning: Warned, begin: int) -> bool:
    at = bisect_left(warning.marks, begin - HOUR_MS)
    return at < len(warning.marks) and warning.marks[at] < begin


def _end(warning: Warned, crossings: Sequence[tuple[int, int]]) -> str:
    if any(_mark_before(warning, begin) for begin, _ in crossings):
        return "short"
    stood = [e for e in crossings if warning.marks[0] < e[0] <= warning.until_ms]
    if any(end - begin >= HOUR_MS for begin, end in stood):
        return "later"
    return "crossed" if stood else "nothing"


def foreknown(course: Course, *, hold_ms: int) -> Score:
    """Score an oracle that marks the sample before each crossing, and nothing else.

    It knows when the limit will be crossed, not for how long: what it calls falsely, no rule that
    cannot tell a short excursion from a long one beforehand can avoid.
    """
    times = [reading.at_ms for reading in course.readings]
    warnings: list[Warned] = []
    marks: list[int] = []
    latest = 0
    for begin, end in excursions(course, least_ms=0):
        mark = times[max(0, bisect_left(times, begin) - 1)]
        if marks and mark - latest >= hold_ms:
            warnings.append(Warned(tuple(marks), latest + hold_ms))
            marks = []
        marks.append(mark)
        latest = end
    if marks:
        warnings.append(Warned(tuple(marks), latest + hold_ms))
    return score(course, warnings)
