"""Every KPI there is: the rows of the modules in this package, in their order."""

import importlib
import pkgutil
from collections.abc import Iterable

from analytics import kpis
from analytics.kpis.row import Kpi


def table(rows: Iterable[Kpi]) -> dict[str, Kpi]:
    """Return KPIs by name; raises ValueError when two have one name."""
    found: dict[str, Kpi] = {}
    for row in rows:
        if row.name in found:
            raise ValueError(f"two KPIs are called {row.name}")
        found[row.name] = row
    return found


def _rows() -> Iterable[Kpi]:
    """Yield the rows of each module that has some; a new subject is a new file, nothing else."""
    for module in pkgutil.iter_modules(kpis.__path__, f"{kpis.__name__}."):
        if module.name != __name__:
            yield from getattr(importlib.import_module(module.name), "KPIS", ())


REGISTRY: dict[str, Kpi] = table(_rows())
"""KPIs by name; the job, the API, the boards and the documents read it."""
