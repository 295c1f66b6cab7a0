"""What energy and water cost: dated tables of flat, tiered and time-of-use prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

BANDS = ("sharp", "peak", "flat", "valley", "deep_valley")
"""尖, 峰, 平, 谷, 深谷 (发改价格〔2021〕1093号); provinces set the hours."""

DAY_KINDS = ("workday", "weekend", "holiday")
UTILITIES = ("electricity", "water")
TIER_PERIODS = ("month", "year")
POWER_FACTOR_STANDARDS = (0.0, 0.85, 0.90)


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Flat prices for money beside every kWh and m3 [CNY], and what the contract says.

    `agreed_kw` is the agreed capacity or demand (0: none); `power_factor_standard` is 0 where the
    bill holds no power-factor charge, which is the default.
    """

    electricity_cny_kwh: float = 0.538
    water_cny_m3: float = 4.1
    agreed_kw: float = 0.0
    power_factor_standard: float = 0.0


@dataclass(frozen=True, slots=True)
class Tier:
    """From `above` [kWh or m3] used since the tier period began, a unit costs `price_cny`."""

    above: float
    price_cny: float


@dataclass(frozen=True, slots=True)
class Band:
    """A time-of-use band: in these months, on these days, from `start` to `end` local time.

    An `end` of 00:00 is midnight at the day's end; `end` before `start` goes over midnight.
    """

    band: str
    price_cny: float
    start: time
    end: time
    months: tuple[int, ...] = ()
    days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TariffTable:
    """Prices of one utility from `start` until the next table of it begins [CNY].

    `price_cny` is the flat price of a unit, and that of the hours no band names. `capacity_cny_kw`
    is charged a month on the agreed capacity, `demand_cny_kw` on the month's highest quarter-hour.
    """

    utility: str
    start: date
    price_cny: float
    tiers: tuple[Tier, ...] = ()
    tier_period: str = "year"
    bands: tuple[Band, ...] = ()
    capacity_cny_kw: float = 0.0
    demand_cny_kw: float = 0.0


def table_of(tables: Sequence[TariffTable], utility: str, day: date) -> TariffTable | None:
    """Return the table in force on a day; None before the first.

    >>> rows = [TariffTable("water", date(2026, m, 1), float(m)) for m in (1, 7)]
    >>> table_of(rows, "water", date(2026, 6, 30)).price_cny
    1.0
    """
    valid = [t for t in tables if t.utility == utility and t.start <= day]
    return max(valid, key=lambda table: table.start, default=None)


def refused(table: TariffTable) -> tuple[str, str, str] | None:
    """Return (setting, problem, remedy) of what is wrong with a table, or None."""
    if table.utility not in UTILITIES:
        return "utility", f"{table.utility!r} has no tariff", f"Use {' or '.join(UTILITIES)}."
    if table.tier_period not in TIER_PERIODS:
        return "tier_period", f"{table.tier_period!r} is no period", "Use month or year."
    if table.tiers and table.bands:
        return "tiers", "stand beside bands", "Describe tiers or bands, not both."
    above = [tier.above for tier in table.tiers]
    if above and (above[0] != 0 or above != sorted(set(above))):
        return "tier", "are not in order", "Begin with above = 0 and go up."
    for number, band in enumerate(table.bands):
        at = f"band[{number}]"
        if band.band not in BANDS:
            return f"{at}.band", f"{band.band!r} is no band", f"Use one of {', '.join(BANDS)}."
        if any(not 1 <= month <= 12 for month in band.months):
            return f"{at}.months", "holds no month of the year", "Use numbers from 1 to 12."
        if any(day not in DAY_KINDS for day in band.days):
            return f"{at}.days", "holds no kind of day", f"Use {', '.join(DAY_KINDS)}."
    prices = [table.price_cny, *(t.price_cny for t in table.tiers)]
    prices += [band.price_cny for band in table.bands]
    if any(price < 0 for price in prices):
        return "price_cny", "is below zero", "Write the price of one kWh or m3."
    return None
