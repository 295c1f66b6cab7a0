"""Conversion and emission factors as dated sets, each with series, source and evidence.

Mixing sets is a 2.5-fold error (0.1229 against 0.31 kgce/kWh), so a site names its set and every
value computed with it carries the set's name and year. Source: domain rule-book 6.1 and 6.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnergyFactors:
    """kgce for a unit of each carrier; `evidence` P primary, S second-hand, U unconfirmed."""

    name: str
    kgce: Mapping[str, float]
    series: str
    source: str
    evidence: str


@dataclass(frozen=True, slots=True)
class GridFactors:
    """kgCO2/kWh of one grid by data year; one series, never mixed with another."""

    name: str
    scope: str
    series: str
    by_year: Mapping[int, float]
    source: str
    evidence: str

    def of_year(self, year: int) -> tuple[int, float] | None:
        """Return (data year, kgCO2/kWh): the year's own factor, or the newest before it.

        >>> CARBON["CN-national"].of_year(2022), CARBON["CN-national"].of_year(2026)
        ((2022, 0.5366), (2023, 0.5306))
        >>> CARBON["CN-national"].of_year(2012) is None
        True
        """
        known = [data_year for data_year in self.by_year if data_year <= year]
        return (max(known), self.by_year[max(known)]) if known else None


def _energy(*sets: EnergyFactors) -> dict[str, EnergyFactors]:
    return {found.name: found for found in sets}


def _grid(*sets: GridFactors) -> dict[str, GridFactors]:
    return {found.name: found for found in sets}


ENERGY: dict[str, EnergyFactors] = _energy(
    EnergyFactors(
        "CN-GB2589-2020",
        {"electricity": 0.1229, "water": 0.2571, "gas": 1.3300, "heat_mj": 0.03412},
        "calorific (当量值)",
        "GB/T 2589-2020",
        "S",
    ),
    EnergyFactors(
        "CN-SD-audit",
        {"electricity": 0.31, "gas": 1.3300, "heat_mj": 0.03412},
        "equivalent (等价值)",
        "energy audits of public institutions, Shandong",
        "S",
    ),
)
"""Electricity per kWh, water per tonne (m3), gas per m3, heat per MJ."""

_AVERAGE = "grid average, all sources"
CARBON: dict[str, GridFactors] = _grid(
    GridFactors(
        "CN-national",
        "China",
        _AVERAGE,
        {2021: 0.5568, 2022: 0.5366, 2023: 0.5306},
        "MEE and NBS, electricity CO2 factors; 2023 published 2025-12-31",
        "S",
    ),
    *(
        GridFactors(f"CN-{name}", name, _AVERAGE, {2022: value}, "MEE and NBS, provinces", "S")
        for name, value in (
            ("Shanxi", 0.7096), ("Hebei", 0.7252), ("Shandong", 0.6410), ("Tianjin", 0.7041),
        )
    ),
)  # fmt: skip
"""By name; a province that is not here is set as `carbon_kg_kwh`."""


def kgce(factors: EnergyFactors, used: Mapping[str, float]) -> float:
    """Return the coal equivalent [kgce] of what was used; a carrier without a factor counts 0.

    >>> used = {"electricity": 150_000, "water": 6_000, "gas": 8_000}
    >>> [round(kgce(ENERGY["CN-GB2589-2020"], {name: used[name]}), 1) for name in used]
    [18435.0, 1542.6, 10640.0]
    >>> round(kgce(ENERGY["CN-SD-audit"], used))  # water is not converted there
    57140
    """
    return sum(factors.kgce.get(carrier, 0.0) * amount for carrier, amount in used.items())
