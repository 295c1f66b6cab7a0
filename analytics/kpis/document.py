"""The table of KPIs as docs/kpis.md holds it: python -m analytics.kpis.document prints it."""

from collections.abc import Iterable

from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Kpi


def judged(kpi: Kpi) -> str:
    """Return how a KPI is judged: its thresholds and guides, or a dash."""
    parts = [
        f"{word} {limit:.4g}"
        for word, limit in (("good", kpi.good), ("bad", kpi.bad))
        if limit is not None
    ]
    parts += [f"guide `{guide.name}`" for guide in kpi.guides]
    return ", ".join(parts) or "-"


def line(kpi: Kpi) -> str:
    """Return a KPI's row: name, texts, unit, formula, periods, thresholds, way up, source."""
    better = {"lower": "↓", "higher": "↑", "neutral": ""}[kpi.direction]
    cells = (
        f"`{kpi.name}` {kpi.zh.name} · {kpi.en.name}",
        f"{kpi.unit} {better}".strip(),
        kpi.formula,
        " ".join(kpi.periods),
        judged(kpi),
        kpi.combine.value,
        kpi.reference,
    )
    return "| " + " | ".join(cells) + " |"


def table(kpis: Iterable[Kpi]) -> list[str]:
    """Return the lines of the table."""
    return [line(kpi) for kpi in kpis]


if __name__ == "__main__":
    print("\n".join(table(REGISTRY.values())))
