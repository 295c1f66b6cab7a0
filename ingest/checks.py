"""What can be said against a day of values: checks of the rule-book 3.5, each a pure function.

A check never changes or drops a value. It returns flags: a reason code, the time it speaks of,
and the figures it stands on. Tolerances are defaults of the rule-book and parameters here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median, quantiles

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.quantities import QUANTITIES, Kind
from storage.port import Interval

Value = tuple[int, float]
"""(instant [ms UTC], value [canonical unit])"""

RATE_LIMITS = {
    # What a sound sensor does not do in a minute [canonical unit]; [D], configurable.
    "temperature": 10.0,
    "humidity": 40.0,
    "pressure": 20.0,
    "frequency": 2.0,
    "co2": 3_000.0,
}
STUCK_H = 12.0
"""A gauge that shows one value for so long is stuck; [D]."""
_MAY_REST = frozenset(
    {"battery", "battery_voltage", "power_factor", "frequency", "temperature_setpoint", "flow",
     "power", "reactive_power", "apparent_power", "current", "illuminance"}
)  # fmt: skip
"""Gauges that rightly stand still for long: an idle circuit, a dark room, a full battery."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One objection: reason code, time [ms UTC], and its figures."""

    code: str
    start_ms: int
    end_ms: int
    figures: Mapping[str, float] = field(default_factory=dict)


def spike(day: Sequence[Interval], *, tolerance_pct: float = 180.0) -> list[Flag]:
    """Flag the highest interval of a day that far exceeds the third-highest (Oracle; California).

    >>> flat = [Interval(n, n + 1, amount=1.0) for n in range(5)]
    >>> [f.code for f in spike([*flat, Interval(5, 6, amount=3.0)])]
    ['spike-interval']
    >>> spike([*flat, Interval(5, 6, amount=2.7)])
    []
    """
    if len(day) < 4:
        return []
    ranked = sorted(day, key=lambda item: item.amount, reverse=True)
    top, third = ranked[0], ranked[2].amount
    if third <= 0 or (top.amount - third) / third * 100 <= tolerance_pct:
        return []
    figures = {"amount": top.amount, "third": third, "tolerance_pct": tolerance_pct}
    return [Flag("spike-interval", top.start_ms, top.end_ms, figures)]


def step_change(
    day: Sequence[Interval], *, percent: float = 1_000.0, least: float = 1.0
) -> list[Flag]:
    """Flag a jump between neighbouring intervals (Itron demand tolerance of consecutive intervals).

    >>> [f.code for f in step_change([Interval(0, 1, amount=0.5), Interval(1, 2, amount=9.0)])]
    ['step-change']
    """
    found = []
    for before, after in pairwise(day):
        jump = abs(after.amount - before.amount)
        if before.amount > 0 and jump > least and jump / before.amount * 100 > percent:
            figures = {"before": before.amount, "after": after.amount}
            found.append(Flag("step-change", after.start_ms, after.end_ms, figures))
    return found


def unusual(total: float, past: Sequence[float], day: tuple[int, int]) -> list[Flag]:
    """Flag a day's total against past days: extreme (CalTRACK 2.3.6), high or low by half.

    >>> [f.code for f in unusual(40.0, [9.0, 10.0, 11.0, 10.0] * 5, (0, 1))]
    ['extreme', 'high']
    >>> [f.code for f in unusual(4.0, [9.0, 10.0, 11.0, 10.0] * 5, (0, 1))]
    ['low']
    """
    if len(past) < 14:
        return []
    low, middle, high = quantiles(past, n=4)
    mean = sum(past) / len(past)
    found = []
    bound = middle + 3 * (high - low)
    if total > bound and high > low:
        found.append(Flag("extreme", *day, {"amount": total, "bound": bound}))
    if mean > 0 and total > 1.5 * mean:
        found.append(Flag("high", *day, {"amount": total, "usual": mean}))
    elif mean > 0 and total < 0.5 * mean:
        found.append(Flag("low", *day, {"amount": total, "usual": mean}))
    return found


def zero_run(day: Sequence[Interval], *, hours: float = 24.0) -> list[Flag]:
    """Flag so long a time without any consumption, although the meter was heard.

    >>> quiet = [Interval(n * 900_000, (n + 1) * 900_000, count=1) for n in range(96)]
    >>> [f.code for f in zero_run(quiet)], zero_run(quiet[:90])
    (['zero-run'], [])
    """
    found: list[Flag] = []
    start: int | None = None
    for item in day:
        if item.amount == 0 and (item.count or item.covered_ms) and not item.reason:
            start = item.start_ms if start is None else start
            if item.end_ms - start >= hours * HOUR_MS:
                hours_long = (item.end_ms - start) / HOUR_MS
                found = [Flag("zero-run", start, item.end_ms, {"hours": hours_long})]
        else:
            start = None
    return found


def much_estimated(day: Sequence[Interval], *, percent: float = 50.0) -> list[Flag]:
    """Flag a day of which more was estimated than measured (prolonged-estimation check).

    >>> [f.code for f in much_estimated([Interval(0, 9, amount=4.0, estimated=3.0)])]
    ['much-estimated']
    """
    amount = sum(item.amount for item in day)
    estimated = sum(item.estimated for item in day)
    if amount <= 0 or estimated / amount * 100 <= percent:
        return []
    share = {"share_pct": estimated / amount * 100}
    return [Flag("much-estimated", day[0].start_ms, day[-1].end_ms, share)]


def stuck(quantity: str, values: Sequence[Value], *, hours: float = STUCK_H) -> list[Flag]:
    """Flag a gauge that showed exactly one value for hours (frozen sensor, B17).

    >>> [f.code for f in stuck("temperature", [(n * HOUR_MS, 4.5) for n in range(14)])]
    ['stuck']
    >>> stuck("power", [(n * HOUR_MS, 0.0) for n in range(14)])
    []
    """
    if QUANTITIES[quantity].kind is not Kind.GAUGE or quantity in _MAY_REST or not values:
        return []
    found: list[Flag] = []
    first, count = values[0], 1
    for at_ms, value in values[1:]:
        if value != first[1]:
            first, count = (at_ms, value), 1
            continue
        count += 1
        if at_ms - first[0] >= hours * HOUR_MS and count >= 4:
            if found and found[-1].start_ms == first[0]:
                found.pop()
            found.append(Flag("stuck", first[0], at_ms, {"value": value}))
    return found


def too_fast(quantity: str, values: Sequence[Value]) -> list[Flag]:
    """Flag changes faster than the quantity can do (rate-of-change limit).

    >>> [f.code for f in too_fast("temperature", [(0, 4.0), (60_000, 30.0), (120_000, 30.5)])]
    ['too-fast']
    """
    limit = RATE_LIMITS.get(quantity)
    if limit is None:
        return []
    found = []
    for (before_ms, before), (at_ms, value) in pairwise(values):
        minutes = max(at_ms - before_ms, MINUTE_MS) / MINUTE_MS
        if at_ms - before_ms <= HOUR_MS and abs(value - before) > limit * minutes:
            found.append(Flag("too-fast", before_ms, at_ms, {"before": before, "after": value}))
    return found


def negative(quantity: str, values: Sequence[Value]) -> list[Flag]:
    """Flag power that flows backwards: feed-in by a roof plant, or a transformer wired wrongly.

    >>> [f.code for f in negative("power", [(0, 3.0), (1, -2.0), (2, -1.0)])]
    ['negative']
    """
    if quantity not in {"power", "flow"}:
        return []
    below = [(at, value) for at, value in values if value < 0]
    if not below:
        return []
    figures = {"lowest": min(value for _, value in below), "times": float(len(below))}
    return [Flag("negative", below[0][0], below[-1][0], figures)]


def frozen(
    registers: Sequence[Interval], power: Sequence[Interval], *, hours: int = 2
) -> list[Flag]:
    """Flag a register that stood still while power flowed.

    >>> still = [Interval(n * 900_000, (n + 1) * 900_000, count=1) for n in range(8)]
    >>> flows = [Interval(n * 900_000, (n + 1) * 900_000, mean=2.0, low=1.0, covered_ms=1)
    ...          for n in range(8)]
    >>> [f.code for f in frozen(still, flows)]
    ['frozen']
    """
    flowing = {item.start_ms: item.mean for item in power if item.covered_ms and item.low > 0}
    run: list[Interval] = []
    found: list[Flag] = []
    for item in registers:
        missed = flowing.get(item.start_ms)
        if missed is None or item.amount > 0 or not (item.count or item.covered_ms):
            run = []
            continue
        run.append(item)
        if len(run) >= hours * 4:
            missing = sum(flowing[r.start_ms] for r in run) / 4
            flag = Flag("frozen", run[0].start_ms, item.end_ms, {"missed": missing})
            found = [*found[:-1], flag] if found and found[-1].start_ms == flag.start_ms else [
                *found, flag]  # fmt: skip
    return found


def zero_while_live(registers: Sequence[Interval], level: Sequence[Interval]) -> list[Flag]:
    """Flag zero volts or zero power beside a register that counts: the value was not read.

    >>> counts = [Interval(n, n + 1, amount=1.0, count=1) for n in range(4)]
    >>> zeros = [Interval(n, n + 1, count=1, covered_ms=1) for n in range(4)]
    >>> [f.code for f in zero_while_live(counts, zeros)]
    ['zero-while-live']
    """
    zero = {item.start_ms for item in level if item.count and item.low == item.high == 0.0}
    live = [i for i in registers if i.amount > 0 and i.count and i.start_ms in zero]
    if len(live) < 2:
        return []
    figures = {"amount": sum(item.amount for item in live)}
    return [Flag("zero-while-live", live[0].start_ms, live[-1].end_ms, figures)]


def sum_check(
    intervals_sum: float, register_moved: float, day: tuple[int, int], *, count: float = 0.0
) -> list[Flag]:
    """Flag intervals that do not add up to the register: 2 % or one count of tolerance.

    >>> [f.code for f in sum_check(103.0, 100.0, (0, 1))], sum_check(101.9, 100.0, (0, 1))
    (['sum-check'], [])
    """
    tolerance = max(0.02 * abs(register_moved), count)
    if abs(intervals_sum - register_moved) <= tolerance + 1e-9:
        return []
    figures = {"intervals": intervals_sum, "register": register_moved}
    return [Flag("sum-check", *day, figures)]


def main_against_subs(main: float, subs: float, day: tuple[int, int]) -> list[Flag]:
    """Flag a main meter whose rest after its sub-meters is outside -2 % .. +15 % of it.

    >>> [main_against_subs(100.0, subs, (0, 1)) for subs in (85.0, 102.0)]
    [[], []]
    >>> [f.code for subs in (84.0, 103.0) for f in main_against_subs(100.0, subs, (0, 1))]
    ['main-above-subs', 'subs-above-main']
    """
    if main <= 0:
        return []
    rest = (main - subs) / main
    figures = {"main": main, "subs": subs, "rest_pct": rest * 100}
    if rest < -0.02 - 1e-12:
        return [Flag("subs-above-main", *day, figures)]
    return [Flag("main-above-subs", *day, figures)] if rest > 0.15 + 1e-12 else []


def flow_pattern(day: Sequence[Interval]) -> str:
    """Return how steadily water ran in 96 quarter-hours: continuous, intermittent or '' (W1, T12).

    >>> def day(running):
    ...     return [Interval(n, n + 1, amount=float(n < running)) for n in range(96)]
    >>> flow_pattern(day(96)), flow_pattern(day(70)), flow_pattern(day(49))
    ('continuous', 'intermittent', '')
    """
    running = sum(item.amount > 0 for item in day)
    if len(day) and running == len(day) and len(day) >= 92:
        return "continuous"
    return "intermittent" if 50 <= running <= 95 else ""


def backflow(drop: float, digit: float) -> str:
    """Return how much ran backwards: '', minor over one digit, major over a hundred (W6).

    >>> backflow(0.001, 0.001), backflow(0.05, 0.001), backflow(0.2, 0.001)
    ('', 'minor', 'major')
    """
    if drop <= digit * (1 + 1e-9):
        return ""
    return "major" if drop > 100 * digit else "minor"


def stands_still(school_days: Sequence[float], *, days: int = 2) -> bool:
    """Return whether a meter counted nothing on the last school days (W7).

    >>> stands_still([3.0, 0.0, 0.0]), stands_still([0.0, 3.0]), stands_still([0.0])
    (True, False, False)
    """
    return len(school_days) >= days and not any(school_days[-days:])


def digit_of(values: Iterable[float]) -> float:
    """Return the last digit a register shows, from its readings.

    >>> digit_of([12.305, 12.31, 12.4]), digit_of([5.0, 7.0])
    (0.001, 1.0)
    """
    most = 0
    for value in values:
        most = max(most, len(f"{value:.6f}".rstrip("0").partition(".")[2]))
    return float(10.0**-most)


def peak_growth(peak: float, past_peaks: Sequence[float], day: tuple[int, int]) -> list[Flag]:
    """Flag a peak twice the highest of the period before (Itron historical maximum).

    >>> [f.code for f in peak_growth(50.0, [20.0, 22.0, 19.0, 21.0, 18.0, 20.0, 17.0], (0, 1))]
    ['peak-growth']
    """
    if len(past_peaks) < 7 or max(past_peaks) <= 0 or peak <= 2 * max(past_peaks):
        return []
    return [Flag("peak-growth", *day, {"peak": peak, "before": max(past_peaks)})]


def clock_offset(errors_ms: Sequence[int], *, least: int = 5) -> int:
    """Return a constant error of a device's clock in whole half-hours [ms], 0 when there is none.

    `errors_ms` are (device time - time of receipt) of its last messages. A time in local zone
    called UTC is ahead by the zone's offset, message after message (B21).

    >>> clock_offset([8 * HOUR_MS - delay for delay in (200, 900, 400, 1_500, 300)])
    28800000
    >>> clock_offset([-3_700_000, -10, -5, -20, -7]), clock_offset([-1_900_000] * 5)
    (0, 0)
    """
    recent = list(errors_ms)[-least:]
    if len(recent) < least:
        return 0
    half = HOUR_MS // 2
    offset = round(median(recent) / half) * half
    if not offset or abs(offset) > DAY_MS - half:
        return 0
    near = all(abs(error - offset) <= MINUTE_MS for error in recent)
    return offset if near else 0
