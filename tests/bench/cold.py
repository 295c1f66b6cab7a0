"""How early and how rightly the cold-storage rules speak, on real data: python -m tests.bench.cold

The rules are the ones that run live, stepped sample by sample. What counts as an excursion, as
warned in the hour before and as false is defined in tests/bench/cold_score.py; the strict reading
stands first. Excursions are those of the food limits, not of the plant's own alarm settings.

`--data` may name any folder laid out alike, e.g. a later period: nothing is fitted to it. The
profile's margin was chosen on 2021-06-24 to 2022-01-14 by a rule (the widest margin with at most
one false warning per sensor and month whose warnings stand at most a quarter of the time), and so
is each margin of the two cross validations, on the data before a fold or on the other rooms. The
signs themselves, their shares and the 36 hours for which a warning stands were found while looking
at that whole period, which no cross validation undoes.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path

import pandas as pd

from alerting.late import episodes
from alerting.port import Context, Rule
from alerting.profiles import profile_numbers
from alerting.rules.cold_storage import ColdStorage
from alerting.rules.cold_warning import ColdWarning
from alerting.rules.food_hold import FoodHold
from alerting.rules.pull_down import PullDown
from alerting.rules.wear import CompressorDuty, DefrostDrift
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.vocabulary import Reading
from tests.bench import cold_score
from tests.bench.cold_score import Course, Score, Warned, context, excursions, said, subject

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LIMITS = {"platform": 5.0, "cooling": 5.0, "freezer": -18.0, "deepfreezer": -22.0}
MARGINS = (0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0)
FOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BUDGET, STANDING = 1.0, 0.25
PLAIN = {"warn_day_share": 0.0, "warn_near_k": 0.0}
"""What makes the rule the one it was: near the limit, whatever the day and the week were."""
QUIET = ("freezer_3", "freezer_4")
"""The plant has no alarms for these two; they are not among the eight that are scored."""

Judged = Mapping[float, Mapping[str, Sequence[Warned]]]
"""The warnings by margin and sensor."""


def subzero(folder: Path) -> list[Course]:
    """Return the cold store's sensors."""
    table = pd.read_csv(folder / "values_15min.csv.gz", parse_dates=["date"])
    table = table.drop_duplicates("date").set_index("date").sort_index()
    courses = []
    for name in map(str, table.columns):
        if name.rpartition("_")[0] not in LIMITS:
            print(f"{name}: left out, its kind of room has no limit here")
            continue
        column = table[name].dropna()
        at_ms = column.index.astype("datetime64[ms]").astype("int64")
        readings = tuple(
            Reading(1, int(at), float(value))
            for at, value in zip(at_ms, column.to_numpy(), strict=True)
        )
        courses.append(Course(name, LIMITS[name.rpartition("_")[0]], readings, 900))
    return courses


def celsi(folder: Path, *, limit_c: float = -12.0) -> Course:
    """Return the freezer with its defrosts."""
    table = pd.read_csv(folder / "celsi_raw.csv.gz").dropna(subset=["Temperature"])
    readings = tuple(
        Reading(1, int(at) * 1000, float(value))
        for at, value in zip(table["LinuxTime"], table["Temperature"], strict=True)
    )
    return Course("celsi", limit_c, readings, 60)


def total(scores: Sequence[Score]) -> Score:
    """Return several sensors' score as one."""
    return reduce(add, scores, Score())


def choose(judged: Judged, courses: Sequence[Course], window: tuple[float, float]) -> float:
    """Return the widest margin within the budgets of false and standing; else the narrowest."""
    kept = [
        margin
        for margin in MARGINS
        if total([cold_score.score(c, judged[margin][c.name], window) for c in courses]).false_month
        <= BUDGET
    ]
    return max(kept, default=MARGINS[0])


def forward(judged: Judged, courses: Sequence[Course]) -> tuple[Score, list[float]]:
    """Score each tenth of the period with the margin chosen on all that lies before it."""
    first, last = courses[0].span_ms
    edges = [first + share * (last - first) for share in FOLDS]
    scores, margins = [], []
    for low, high in pairwise(edges):
        margins.append(choose(judged, courses, (first, low)))
        warnings = judged[margins[-1]]
        scores += [cold_score.score(c, warnings[c.name], (low, high)) for c in courses]
    return total(scores), margins


def rooms(judged: Judged, courses: Sequence[Course]) -> tuple[Score, dict[str, float]]:
    """Score each kind of room with the margin chosen on the others."""
    scores, margins = [], {}
    for room in sorted({course.room for course in courses}):
        others = [course for course in courses if course.room != room]
        margins[room] = choose(judged, others, cold_score.EVER)
        scores += [
            cold_score.score(c, judged[margins[room]][c.name]) for c in courses if c.room == room
        ]
    return total(scores), margins


def early(courses: Sequence[Course]) -> None:
    """Print how well excursions are warned of."""
    numbers = profile_numbers("CN", "fridge")
    own, hold_h = numbers["warn_margin_k"].value, numbers["warn_hold_h"].value
    judged: Judged = {
        margin: {c.name: cold_score.warned(c, warn_margin_k=margin) for c in courses}
        for margin in sorted({*MARGINS, own})
    }
    print(f"Early warning, {len(courses)} sensors; false warnings per sensor and month")
    for margin, warnings in judged.items():
        found = total([cold_score.score(c, warnings[c.name]) for c in courses])
        mark = "  <- the profile's" if margin == own else ""
        print(f"{margin:6.1f} K  {found}{mark}")
    print("mark to beat: 41 of 48 (85 %) at 2.8; goal: 95 % at 1 or fewer")
    for margin in (0.2, 0.5):
        plain = [cold_score.warned(c, warn_margin_k=margin, **PLAIN) for c in courses]
        alone = [cold_score.score(c, found) for c, found in zip(courses, plain, strict=True)]
        print(f"the margin alone, {margin} K, counted alike:  {total(alone)}")
    by_name = {c.name: cold_score.score(c, judged[own][c.name]) for c in courses}
    found = total(list(by_name.values()))
    print("\nThe profile's, read in other ways:")
    print(
        f"  fresh excursions (no crossing in the day before): {found.fresh_strict} of {found.fresh}"
    )
    print(f"  warning opened in the hour before: {found.opened} of {found.events}")
    print(f"  warning standing in the hour before: {found.standing} of {found.events};", end="")
    print(f" warnings stand {found.standing_share:.0%} of the time")
    print(f"  each approach a warning of its own: {found.approaches / found.months:.1f} false")
    told = sum(_told(c, judged[own][c.name]) for c in courses)
    print(f"  told, by warning or notice, before it is an hour old: {told} of {found.events}")
    ends = Counter(found.ends)
    print(f"  of {found.false} false: within the hour an excursion under 60 min {ends['short']},")
    print(
        f"    later one of 60 min or more {ends['later']}, a shorter one {ends['crossed']},", end=""
    )
    print(f" none {ends['nothing']}")
    for name, one in by_name.items():
        print(f"    {name:14} {one}")
    first, last = courses[0].span_ms
    for part in range(3):
        window = (first + part * (last - first) / 3, first + (part + 1) * (last - first) / 3)
        one = total([cold_score.score(c, judged[own][c.name], window) for c in courses])
        print(f"    {part + 1}. third       {one}")
    oracle = total([cold_score.foreknown(c, hold_ms=round(hold_h * HOUR_MS)) for c in courses])
    print(f"  who knew each crossing a sample ahead, but not how long it lasts: {oracle}")
    found, margins = forward(judged, courses)
    print(f"Forward chaining, margin chosen on what lies before {margins}:\n          {found}")
    found, chosen = rooms(judged, courses)
    print(f"Leaving out a kind of room {chosen}:\n          {found}")


def _told(course: Course, warnings: Sequence[Warned]) -> int:
    """Return how many excursions of an hour were told of before they were an hour old."""
    calls = [at for warning in warnings for at in warning.marks]
    calls += said(course, ColdStorage(), storage_context(course))
    return sum(
        any(begin - HOUR_MS <= at < begin + HOUR_MS for at in calls)
        for begin, _ in excursions(course)
    )


def storage_context(course: Course) -> Context:
    """Return the numbers of the excursion rule: critical as far above the limit as by profile."""
    own = {"critical_hi_c": course.limit_c + (7.0 if course.frozen else 5.0)}
    if course.frozen:
        own["food_critical_c"] = course.limit_c + 7.0
    return context(course, **own)


def alarms(courses: Sequence[Course], folder: Path) -> None:
    """Print how many alarms people get, and which excursions got none.

    Alarms are what calls people: incidents of alarm or critical severity of the excursion rule.
    """
    counts: Counter[str] = Counter()
    without: list[str] = []
    long = Counter[int]()
    days = 0.0
    for course in courses:
        numbers, rule = storage_context(course), ColdStorage()
        _, verdicts = rule.step(
            subject(course), state={}, readings=course.readings, context=numbers,
            now_ms=course.readings[-1].at_ms,
        )  # fmt: skip
        ended, lasting = episodes(verdicts)
        counts.update(bad.severity.value for bad, _ in ended)
        counts.update([lasting.severity.value] if lasting else [])
        loud = said(course, rule, numbers, loud=True)
        for begin, end in excursions(course):
            minutes = (end - begin) // 60_000
            long.update(least for least in (60, 75, 120) if minutes >= least)
            if not any(begin <= at <= end for at in loud):
                without.append(f"{course.name} {minutes} min")
        days = max(days, (course.span_ms[1] - course.span_ms[0]) / DAY_MS)
    calls = counts["alarm"] + counts["critical"]
    print(f"\nAlarms: ours {calls / days:.2f} a day ({dict(counts)})", end="")
    log = folder / "alarms.csv.gz"
    if log.exists():
        table = pd.read_csv(log, parse_dates=["date"])
        raised = table[table["status"] == 1]
        plant = (raised["date"].max() - raised["date"].min()).total_seconds() / 86_400
        print(f"; the plant's own {len(raised) / plant:.1f} a day ({len(raised)} in all)", end="")
    print(f"\n  excursions of 60, 75, 120 min and more: {long[60]}, {long[75]}, {long[120]};"
          f" without an alarm while they lasted: {', '.join(without) or 'none'}")  # fmt: skip


def calls(course: Course, rule: Rule, numbers: Context) -> tuple[int, int]:
    """Return how often a rule called over a course: (alarms, notices)."""
    _, verdicts = rule.step(
        subject(course), state={}, readings=course.readings, context=numbers,
        now_ms=course.readings[-1].at_ms,
    )  # fmt: skip
    ended, lasting = episodes(verdicts)
    severities = [bad.severity.value for bad, _ in ended]
    severities += [lasting.severity.value] if lasting else []
    notices = severities.count("notice")
    return len(severities) - notices, notices


def defrosts(folder: Path) -> None:
    """Print what is said of a freezer's defrosts; the warning also with harder limits."""
    course = celsi(folder)
    print("\nDefrosts (celsi_freezer, one week):")
    for rule in (ColdStorage(), FoodHold()):
        loud, quiet = calls(course, rule, context(course, notice_hi_c=-15.0))
        print(f"  {rule.name}: alarms {loud}, notices {quiet}")
    for limit_c in (-12.0, -14.0, -16.0):
        harder = celsi(folder, limit_c=limit_c)
        _, quiet = calls(harder, ColdWarning(), context(harder))
        print(f"  cold_warning, limit {limit_c:.0f} degC: warnings {quiet}")


def wear(courses: Sequence[Course]) -> None:
    """Print how often the wear rules call on courses of which no wear is known."""
    months = sum((c.span_ms[1] - c.span_ms[0]) / cold_score.MONTH_MS for c in courses)
    print(f"\nWear rules, {len(courses)} sensors, {months:.0f} sensor-months, no wear known:")
    for rule in (CompressorDuty(), DefrostDrift(), PullDown()):
        found = {c.name: sum(calls(c, rule, context(c))) for c in courses}
        named = {name: count for name, count in found.items() if count}
        print(f"  {rule.name}: {sum(found.values()) / months:.2f} a sensor and month {named}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the data sets")
    chosen = parser.parse_args(arguments)
    begun = time.process_time()
    every: list[Course] = []
    store, freezer = chosen.data / "subzero_coldstore", chosen.data / "celsi_freezer"
    if store.is_dir():
        every = subzero(store)
        courses = [course for course in every if course.name not in QUIET]
        early(courses)
        left = [f"{c.name} {len(excursions(c))}" for c in every if c.name in QUIET]
        print(f"Not scored (excursions): {', '.join(left) or 'none'}")
        alarms(courses, store)
    if freezer.is_dir():
        defrosts(freezer)
        every.append(celsi(freezer))
    wear(every)
    print(f"{time.process_time() - begun:.0f} s of CPU")


if __name__ == "__main__":
    main()
