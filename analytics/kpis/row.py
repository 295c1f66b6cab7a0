"""What a KPI is: one row that says how it is computed, judged, combined and told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from analytics.kpis.inputs import Inputs, KpiPeriod, NotEnoughDataError, ScopeKind

GOOD_COVERAGE = 0.95
USABLE_COVERAGE = 0.90
"""Good from 95 %, usable from 90 %, below that not enough (rule-book 3.5; CalTRACK 2.2)."""


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEUTRAL = "neutral"


class Combine(StrEnum):
    """How the values of several campuses make that of a school or district."""

    SUM = "sum"  # values add up
    RATIO = "ratio"  # numerators and denominators add up, then divide
    NONE = "none"  # cannot be had from sums: a median, a coincident peak


class Gate(StrEnum):
    """When a value is not enough data."""

    COVERAGE = "coverage"  # under 90 % of the time with data
    NONE = "none"  # the measure itself decides, or missing counts as failed


@dataclass(frozen=True, slots=True)
class Words:
    """A name and one sentence for the reader, in one language."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A published comparison value, shown beside the KPI with its source; never a target of ours.

    `value` takes the scope's pupils and returns it in the KPI's unit, None where it says nothing.
    """

    name: str
    value: Callable[[int], float | None]
    source: str
    periods: tuple[KpiPeriod, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """What a KPI's function found: value = scale * numerator / denominator."""

    numerator: float
    denominator: float = 1.0
    coverage: float = 1.0
    estimated_share: float = 0.0
    count: int = 0
    missing: tuple[str, ...] = ()
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)


FROM_DAY = (KpiPeriod.DAY, KpiPeriod.WEEK, KpiPeriod.MONTH, KpiPeriod.TERM)
FROM_HOUR = (KpiPeriod.HOUR, *FROM_DAY)
FROM_WEEK = FROM_DAY[1:]
PLACES = (ScopeKind.CAMPUS, ScopeKind.BUILDING, ScopeKind.AREA)
CAMPUS = (ScopeKind.CAMPUS,)
BUILDINGS = (ScopeKind.CAMPUS, ScopeKind.BUILDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One KPI. `measure` is pure: (inputs) -> Measure, or it raises NotEnoughDataError.

    `good` and `bad` [unit] are thresholds where the rule-book has them; `needs` names the
    quantities a scope must have a meter of, else it has no such KPI at all; besides quantities
    `energy/below` (sub-meters), `utility` (any carrier) and `cold_unit`. `compares` asks for the
    facts of similar days in the inputs; `usual` for the band of the KPI's own values on them.
    """

    name: str
    subject: str
    unit: str
    measure: Callable[[Inputs], Measure]
    direction: Direction
    combine: Combine
    zh: Words
    en: Words
    formula: str
    reference: str
    needs: tuple[str, ...] = ()
    scale: float = 1.0
    decimals: int = 1
    good: float | None = None
    bad: float | None = None
    guides: tuple[Guide, ...] = ()
    periods: tuple[KpiPeriod, ...] = FROM_DAY
    scopes: tuple[ScopeKind, ...] = PLACES
    hourly: tuple[ScopeKind, ...] = CAMPUS
    gate: Gate = Gate.COVERAGE
    usual: bool = True
    compares: bool = False
    version: str = "1"

    def kept_for(self, kind: ScopeKind, period: KpiPeriod) -> bool:
        """Return whether there are values of a period for a kind of scope (`hourly`: of hours)."""
        scopes = self.hourly if period is KpiPeriod.HOUR else self.scopes
        return period in self.periods and kind in scopes


@dataclass(frozen=True, slots=True)
class Result:
    """A KPI's value over one period of one scope, with what produced it.

    `value` is None where there is not enough data; `reason` then says why (texts: kpis.texts).
    """

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    coverage: float = 0.0
    estimated_share: float = 0.0
    count: int = 0
    missing: tuple[str, ...] = ()
    reason: str = ""
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether there was enough data for a value."""
        return self.value is not None


def evaluate(kpi: Kpi, inputs: Inputs) -> Result:
    """Return the KPI's value, or why there is not enough data for one; never a guess."""
    try:
        found = kpi.measure(inputs)
    except NotEnoughDataError as lack:
        return Result(None, coverage=lack.coverage, missing=lack.missing, reason=lack.reason)
    enough = kpi.gate is Gate.NONE or found.coverage >= USABLE_COVERAGE
    divisible = found.denominator > 0
    value = kpi.scale * found.numerator / found.denominator if enough and divisible else None
    return Result(
        value,
        numerator=found.numerator,
        denominator=found.denominator,
        coverage=found.coverage,
        estimated_share=found.estimated_share,
        count=found.count,
        missing=found.missing,
        reason="" if value is not None else "no-denominator" if enough else "coverage",
        parameters=found.parameters,
    )


def roll_up(kpi: Kpi, members: Sequence[Result]) -> Result:
    """Return the value of a school or district from its campuses' sums, never from averages.

    One member without enough data leaves the whole without: a missing campus is not a zero.
    """
    if not members:
        return Result(None, reason="no-data")
    coverage = min(member.coverage for member in members)
    missing = tuple(name for member in members for name in member.missing)
    numerators = [m.numerator for m in members if m.numerator is not None]
    denominators = [m.denominator for m in members if m.denominator is not None]
    values = [m.value for m in members if m.value is not None]
    if kpi.combine is Combine.NONE and len(members) > 1:
        return Result(None, coverage=coverage, missing=missing, reason="not-additive")
    if len(values) < len(members) or len(denominators) < len(members):
        return Result(None, coverage=coverage, missing=missing, reason="member")
    numerator, denominator = sum(numerators), sum(denominators)
    if kpi.combine is Combine.RATIO:
        value = kpi.scale * numerator / denominator
    else:
        value = sum(values)
        denominator /= len(members)
    weights = sum(abs(n) for n in numerators)
    estimated = sum(m.estimated_share * abs(m.numerator or 0.0) for m in members)
    return Result(
        value,
        numerator=numerator,
        denominator=denominator,
        coverage=coverage,
        estimated_share=estimated / weights if weights else 0.0,
        count=sum(m.count for m in members),
        missing=missing,
    )
