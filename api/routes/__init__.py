"""The routes, one module for each thing a client asks about; a new one is a line here."""

from api.routes import (
    acknowledge,
    cold,
    devices,
    incidents,
    influx,
    joins,
    kpis,
    mappings,
    meters,
    overview,
    quarantine,
    reports,
    session,
    silences,
    system,
)

ROUTERS = (
    session.router,
    overview.router,
    kpis.router,
    cold.router,
    devices.router,
    meters.router,
    incidents.router,
    silences.router,
    quarantine.router,
    mappings.router,
    reports.router,
    influx.router,
    joins.router,
    system.router,
)

__all__ = ["ROUTERS", "acknowledge"]
