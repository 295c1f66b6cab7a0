"""Measures that several KPIs are made of."""

from collections.abc import Callable

from analytics.kpis.facts import DayFacts, Flow
from analytics.kpis.inputs import Inputs, NotEnoughDataError
from analytics.kpis.row import Measure
from analytics.usual_day import usual

Denominator = Callable[[Inputs], float]


def by_total(
    quantity: str,
    denominator: Denominator = lambda _inputs: 1.0,
    *,
    factor: float = 1.0,
    whole_days: bool = False,
) -> Callable[[Inputs], Measure]:
    """Return the measure `factor` * amount / denominator of one quantity."""

    def measure(inputs: Inputs) -> Measure:
        part = inputs.whole_days() if whole_days else inputs
        total = part.total(quantity)
        return Measure(
            factor * total.amount,
            denominator(part),
            coverage=total.coverage,
            estimated_share=total.estimated_share,
            missing=total.missing,
        )

    return measure


def share_of(quantity: str, part: Callable[[DayFacts, Flow], float]) -> Callable[[Inputs], Measure]:
    """Return the measure of a part of each day's amount over the whole amount."""

    def measure(inputs: Inputs) -> Measure:
        total = inputs.total(quantity)
        if total.amount <= 0:
            raise NotEnoughDataError(
                "no-denominator", coverage=total.coverage, missing=total.missing
            )
        return Measure(
            sum(part(day, flow) for day, flow in inputs.flows(quantity)),
            total.amount,
            coverage=total.coverage,
            estimated_share=total.estimated_share,
            missing=total.missing,
        )

    return measure


def against_usual(quantity: str) -> Callable[[Inputs], Measure]:
    """Return the measure of a day against the median of similar days, both so far."""

    def measure(inputs: Inputs) -> Measure:
        total = inputs.total(quantity)
        examples = [
            amount
            for day in inputs.similar
            if (flow := day.flows.get(quantity)) is not None and (amount := flow.total) is not None
        ]
        found = usual(examples)
        if found is None or found.median <= 0:
            raise NotEnoughDataError(
                "few-similar-days", coverage=total.coverage, missing=total.missing
            )
        return Measure(
            total.amount - found.median,
            found.median,
            coverage=total.coverage,
            estimated_share=total.estimated_share,
            count=len(examples),
            missing=total.missing,
            parameters={
                "usual_low": round(found.low, 3),
                "usual_median": round(found.median, 3),
                "usual_high": round(found.high, 3),
            },
        )

    return measure


def unmetered(quantity: str) -> Callable[[Inputs], Measure]:
    """Return the share of the topmost meters that no meter below them sees."""

    def measure(inputs: Inputs) -> Measure:
        total = inputs.total(quantity)
        below = covered = 0.0
        missing = dict.fromkeys(total.missing)
        for day in inputs.days:
            flow = day.below.get(quantity)
            if flow is not None:
                below += flow.total or 0.0
                covered += flow.covered_total_ms
                missing |= dict.fromkeys(flow.missing)
        if not any(quantity in day.below for day in inputs.days):
            raise NotEnoughDataError("no-sub-meter")
        coverage = min(total.coverage, covered / inputs.elapsed_ms)
        return Measure(
            total.amount - below,
            total.amount,
            coverage,
            total.estimated_share,
            missing=tuple(missing),
        )

    return measure
