"""Every KPI there is: the rows of the modules in `analytics.kpis.rows`, in their order."""

import importlib
import pkgutil
from collections.abc import Iterable

from analytics.kpis import rows
from analytics.kpis.row import Kpi


def by_name(kpis: Iterable[Kpi]) -> dict[str, Kpi]:
    """Return KPIs by name; raises ValueError when two have one name."""
    found: dict[str, Kpi] = {}
    for kpi in kpis:
        if kpi.name in found:
            raise ValueError(f"two KPIs are called {kpi.name}")
        found[kpi.name] = kpi
    return found


def _all() -> Iterable[Kpi]:
    """Yield the rows of each module; a new subject is a new file, nothing else."""
    for module in pkgutil.iter_modules(rows.__path__, f"{rows.__name__}."):
        yield from getattr(importlib.import_module(module.name), "KPIS", ())


REGISTRY: dict[str, Kpi] = by_name(_all())
"""KPIs by name; the job, the API, the boards and the documents read it."""
