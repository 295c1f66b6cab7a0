"""What an amount costs: flat, tiered (阶梯) and time-of-use (尖峰平谷) prices by date."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from analytics.kpis.facts import Slots
from analytics.kpis.inputs import Inputs, NotEnoughDataError, ScopeKind
from caretaker.clock import QUARTER_MS, from_ms
from caretaker.tariffs import Band, TariffTable, Tier, table_of

QUANTITY = {"electricity": "energy", "water": "volume"}


@dataclass(slots=True)
class Charge:
    """Money [CNY] for an amount, and the amount of each band [kWh or m3]."""

    cny: float = 0.0
    by_band: dict[str, float] = field(default_factory=lambda: defaultdict(float))


@lru_cache(maxsize=4096)
def local_minutes(start_ms: int, slots: int, zone: ZoneInfo) -> Slots:
    """Return the local minute of the day at which each quarter-hour begins."""
    moments = (from_ms(start_ms + i * QUARTER_MS).astimezone(zone) for i in range(slots))
    return np.array([float(m.hour * 60 + m.minute) for m in moments])


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def in_band(band: Band, minutes: Slots) -> Slots:
    """Return 1 where a local minute lies in the band's hours, else 0.

    >>> night = Band("valley", 0.3, time(22), time(6))
    >>> in_band(night, np.array([0.0, 360.0, 1320.0])).tolist()
    [1.0, 0.0, 1.0]
    """
    start, end = _minute(band.start), _minute(band.end) or 24 * 60
    if start < end:
        inside = (minutes >= start) & (minutes < end)
    else:
        inside = (minutes >= start) | (minutes < end)
    return inside.astype(np.float64)


def tiered_cny(tiers: Sequence[Tier], amount: float) -> float:
    """Return what `amount` costs from zero through the tiers [CNY].

    >>> tiers = [Tier(0.0, 0.5), Tier(100.0, 0.6)]
    >>> tiered_cny(tiers, 80.0), tiered_cny(tiers, 150.0)
    (40.0, 80.0)
    """
    edges = [tier.above for tier in tiers[1:]] + [float("inf")]
    return sum(
        max(0.0, min(amount, edge) - tier.above) * tier.price_cny
        for tier, edge in zip(tiers, edges, strict=True)
    )


def tier_start(table: TariffTable, day: date) -> date:
    """Return the first day of the tier period that holds `day`.

    >>> tier_start(TariffTable("water", date(2026, 1, 1), 4.0), date(2026, 5, 9))
    datetime.date(2026, 1, 1)
    """
    first = day.replace(day=1) if table.tier_period == "month" else day.replace(month=1, day=1)
    return max(first, table.start)


def charge(inputs: Inputs, utility: str) -> Charge:
    """Return what the scope's use of a utility costs over the period, by the tables in force."""
    flat = (
        inputs.rules.tariffs.electricity_cny_kwh
        if utility == "electricity"
        else inputs.rules.tariffs.water_cny_m3
    )
    found = Charge()
    used: float | None = None
    for day, flow in inputs.flows(QUANTITY[utility]):
        table = table_of(inputs.rules.tables, utility, day.day)
        total = flow.total or 0.0
        if table is None:
            found.cny += total * flat
            found.by_band["flat"] += total
        elif table.tiers:
            if inputs.scope.kind is not ScopeKind.CAMPUS:
                raise NotEnoughDataError("tiers-of-campus")
            if day is inputs.days[0]:
                used = inputs.used_before(utility)
            elif day.day == tier_start(table, day.day):
                used = 0.0
            if used is None:
                raise NotEnoughDataError("tier-unknown")
            found.cny += tiered_cny(table.tiers, used + total) - tiered_cny(table.tiers, used)
            used += total
        else:
            amounts = np.nan_to_num(flow.amounts)
            _by_time(inputs, table, day.day, day.start_ms, amounts, found)
    return found


def _by_time(
    inputs: Inputs, table: TariffTable, day: date, start_ms: int, amounts: Slots, found: Charge
) -> None:
    """Add a day's quarter-hours to their bands; the first band that names one has it."""
    calendar = inputs.rules.calendar
    left = amounts.copy()
    if table.bands:
        minutes = local_minutes(start_ms, len(amounts), calendar.zone)
        kind = calendar.public_kind(day)
        for band in table.bands:
            if band.months and day.month not in band.months:
                continue
            if band.days and kind not in band.days:
                continue
            here = left * in_band(band, minutes)
            amount = float(here.sum())
            found.by_band[band.band] += amount
            found.cny += amount * band.price_cny
            left -= here
    rest = float(left.sum())
    found.by_band["flat"] += rest
    found.cny += rest * table.price_cny


def power_factor_percent(factor: float, standard: float) -> float:
    """Return the surcharge (+) or rebate (-) on the bill [%] (rule-book 3.3; T7).

    The rebate of standard 0.85 from 0.94 on follows the table's step pattern (unconfirmed).

    >>> [power_factor_percent(f, 0.90) for f in (0.86, 0.75, 0.69, 0.64, 0.95, 0.90)]
    [2.0, 7.5, 11.0, 17.0, -0.75, 0.0]
    >>> [power_factor_percent(f, 0.85) for f in (0.84, 0.65, 0.60, 0.59, 0.90, 0.91, 0.94)]
    [0.5, 10.0, 15.0, 17.0, -0.5, -0.65, -1.1]
    """
    steps = round((factor - standard) * 100)
    if steps >= 0:
        if standard == 0.90:
            return -0.75 if steps >= 5 else round(0.0 - 0.15 * steps, 2)
        return round(0.0 - 0.1 * min(steps, 5) - 0.15 * max(0, min(steps, 9) - 5), 2)
    below = -steps
    surcharge = 0.5 * min(below, 20)
    surcharge += 1.0 * max(0, min(below, 25) - 20)
    surcharge += 2.0 * max(0, below - 25)
    return surcharge
