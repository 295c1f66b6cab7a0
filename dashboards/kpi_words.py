"""The KPIs as a reader chooses and reads them; names, units and periods are the registry's."""

from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Direction
from dashboards.text import Text

KPI_WORDS: dict[str, Text] = {
    name: Text(f"{row.zh.name}（{row.unit}）", f"{row.en.name} ({row.unit})")
    if row.unit != "1"
    else Text(row.zh.name, row.en.name)
    for name, row in REGISTRY.items()
}
"""Each KPI's name with its unit, since a table's rows have different ones."""

HIGHER_IS_BETTER: tuple[str, ...] = tuple(
    name for name, row in REGISTRY.items() if row.direction is Direction.HIGHER
)
