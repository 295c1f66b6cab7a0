"""How early and how rightly the cold-storage rules speak, on real data: python -m tests.bench.cold

A warning is right when an excursion of at least an hour begins within an hour of it, and one
warning speaks for `warn_hold_h` hours. Numbers are fixed on the first part of the period, the
training part, and scored on the later one. Excursions are those of the food limits, not of the
plant's own alarm settings.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from alerting.late import episodes
from alerting.parameters import limits_of
from alerting.port import Context, State, Subject
from alerting.rules.cold_storage import ColdStorage
from alerting.rules.cold_warning import ColdWarning
from alerting.rules.food_hold import FoodHold
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point, Reading, Truth

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LIMITS = {"platform": 5.0, "cooling": 5.0, "freezer": -18.0, "deepfreezer": -22.0}
MARGINS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
TRAINING = 0.6
MONTH_MS = 30.4 * DAY_MS
QUIET = ("freezer_3", "freezer_4")
"""Sensors without an excursion in the published period; they are not among the eight scored."""


@dataclass(frozen=True)
class Course:
    """One sensor's readings with its limit [degC]."""

    name: str
    limit_c: float
    readings: tuple[Reading, ...]
    interval_s: int


@dataclass(frozen=True)
class Score:
    """Excursions warned of in the hour before, against false warnings a sensor-month."""

    hits: int
    events: int
    false_month: float

    def __str__(self) -> str:
        share = self.hits / self.events if self.events else 1.0
        return f"{self.hits:3} of {self.events} ({share:4.0%}) at {self.false_month:5.2f} false"


def subzero(folder: Path) -> list[Course]:
    """Return the cold store's sensors."""
    table = pd.read_csv(folder / "values_15min.csv.gz", parse_dates=["date"])
    table = table.drop_duplicates("date").set_index("date").sort_index()
    courses = []
    for name in table.columns:
        column = table[name].dropna()
        at_ms = column.index.astype("datetime64[ms]").astype("int64")
        readings = tuple(
            Reading(1, int(at), float(value))
            for at, value in zip(at_ms, column.to_numpy(), strict=True)
        )
        courses.append(Course(name, LIMITS[name.rpartition("_")[0]], readings, 900))
    return courses


def celsi(folder: Path) -> Course:
    """Return the freezer with its defrosts."""
    table = pd.read_csv(folder / "celsi_raw.csv.gz").dropna(subset=["Temperature"])
    readings = tuple(
        Reading(1, int(at) * 1000, float(value))
        for at, value in zip(table["LinuxTime"], table["Temperature"], strict=True)
    )
    return Course("celsi", -12.0, readings, 60)


def subject(course: Course, role: DeviceRole) -> Subject:
    """Return a unit that measures the course."""
    device = Device(
        1, f"t:{course.name}", "t", DeviceStatus.ADOPTED, role=role, interval_s=course.interval_s
    )
    return Subject(device, (Point(1, 1, "air", "temperature"),))


def context(course: Course, unit: Subject, **changes: float) -> Context:
    """Return the numbers of a sensor, its own limit among them."""
    limits = limits_of(SiteSettings(), unit.device)
    own = {"limit_hi_c": course.limit_c, "notice_hi_c": course.limit_c}
    return Context(limits=limits | own | changes)


def excursions(course: Course, *, least_ms: int = HOUR_MS) -> list[int]:
    """Return the beginnings of the excursions that last at least so long [ms]."""
    found: list[int] = []
    start: int | None = None
    for reading in course.readings:
        if reading.value > course.limit_c:
            start = start or reading.at_ms
        elif start is not None:
            if reading.at_ms - start >= least_ms:
                found.append(start)
            start = None
    return found


def warned(course: Course, margin_k: float) -> list[list[int]]:
    """Return the warnings, each the instants at which it stood by new evidence [ms]."""
    unit = subject(course, DeviceRole.FRIDGE)
    rule = ColdWarning()
    state: State = {}
    numbers = context(course, unit, warn_margin_k=margin_k)
    warnings: list[list[int]] = []
    standing = False
    for reading in course.readings:
        state, verdicts = rule.step(
            unit, state=state, readings=[reading], context=numbers, now_ms=reading.at_ms
        )
        for verdict in verdicts:
            if verdict.truth is not Truth.BAD:
                standing = False
                continue
            if reading.value <= course.limit_c:  # beyond the limit it is no warning any more
                if not standing:
                    warnings.append([])
                warnings[-1].append(reading.at_ms)
                standing = True
    return warnings


def score(courses: Sequence[Course], margin_k: float, window: tuple[float, float]) -> Score:
    """Score the warning rule on a part of the period, given as shares of it."""
    hits = events = false = 0
    months = 0.0
    for course in courses:
        first, last = course.readings[0].at_ms, course.readings[-1].at_ms
        low, high = (first + share * (last - first) for share in window)
        months += (high - low) / MONTH_MS
        begun = [at for at in excursions(course) if low <= at < high]
        events += len(begun)
        marks = [[at for at in warning if low <= at < high] for warning in warned(course, margin_k)]
        marks = [warning for warning in marks if warning]
        hits += sum(
            any(at - HOUR_MS <= mark < at for warning in marks for mark in warning) for at in begun
        )
        false += sum(
            not any(at - HOUR_MS <= mark < at for mark in warning for at in begun)
            for warning in marks
        )
    return Score(hits, events, false / months)


def plant_alarms(folder: Path) -> tuple[float, int]:
    """Return the plant's own limit alarms a day, and their number."""
    table = pd.read_csv(folder / "alarms.csv.gz", parse_dates=["date"])
    raised = table[table["status"] == 1]
    days = (raised["date"].max() - raised["date"].min()).total_seconds() / 86_400
    return len(raised) / days, len(raised)


def alerts(courses: Sequence[Course]) -> tuple[float, Counter[str], int, int]:
    """Return our alarms a day, by severity, how many long excursions there were, and were missed.

    Alarms are what calls people: incidents of alarm or critical severity of the excursion rule.
    """
    counts: Counter[str] = Counter()
    long = missed = 0
    days = 0.0
    for course in courses:
        frozen = course.limit_c < -10
        unit = subject(course, DeviceRole.FREEZER if frozen else DeviceRole.FRIDGE)
        own = {"critical_hi_c": course.limit_c + (7.0 if frozen else 5.0)}
        if frozen:
            own["food_critical_c"] = course.limit_c + 7.0
        rule, numbers = ColdStorage(), context(course, unit, **own)
        _, verdicts = rule.step(
            unit, state={}, readings=course.readings, context=numbers,
            now_ms=course.readings[-1].at_ms,
        )  # fmt: skip
        ended, lasting = episodes(verdicts)
        spans = [(bad.since_ms, good.at_ms, bad.severity.value) for bad, good in ended]
        if lasting is not None:
            spans.append((lasting.since_ms, 2**62, lasting.severity.value))
        counts.update(severity for _, _, severity in spans)
        loud = [(start, end) for start, end, severity in spans if severity != "notice"]
        for at in excursions(course, least_ms=2 * HOUR_MS):
            long += 1
            missed += not any(start <= at + 2 * HOUR_MS and at <= end for start, end in loud)
        days = max(days, (course.readings[-1].at_ms - course.readings[0].at_ms) / DAY_MS)
    calls = counts["alarm"] + counts["critical"]
    return calls / days, counts, long, missed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the data sets")
    chosen = parser.parse_args(arguments)
    begun = time.perf_counter()
    store = chosen.data / "subzero_coldstore"
    everything = subzero(store)
    courses = [course for course in everything if course.name not in QUIET]
    print(f"Early warning, {len(courses)} sensors; excursions of 60 min and more")
    print(f"{'margin':>8}  {'training part (first 60 %)':38}  later part")
    for margin in MARGINS:
        training = score(courses, margin, (0.0, TRAINING))
        later = score(courses, margin, (TRAINING, 1.0))
        mark = "  <- the profile's" if margin == 0.5 else ""
        print(f"{margin:6.1f} K  {training!s:38}  {later!s}{mark}")
    print("mark to beat: 41 of 48 at 2.8; goal: 95 % at 1 or fewer")
    day, count = plant_alarms(store)
    ours, counts, long, missed = alerts(courses)
    print(f"\nAlarms: the plant's own {day:.1f} a day ({count} in all); ours {ours:.2f} a day"
          f" ({dict(counts)})")  # fmt: skip
    print(f"excursions of 2 h and more: {long}, without an alarm: {missed}")
    course = celsi(chosen.data / "celsi_freezer")
    unit = subject(course, DeviceRole.FREEZER)
    print("\nDefrosts (celsi_freezer, one week):")
    for rule in (ColdStorage(), FoodHold()):
        _, verdicts = rule.step(
            unit, state={}, readings=course.readings, context=context(course, unit,
            notice_hi_c=-15.0), now_ms=course.readings[-1].at_ms,
        )  # fmt: skip
        ended, lasting = episodes(verdicts)
        loud = [b for b, _ in ended if b.severity != "notice"]
        quiet = [b for b, _ in ended if b.severity == "notice"]
        print(f"  {rule.name}: alarms {len(loud) + (lasting is not None)}, notices {len(quiet)}")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
