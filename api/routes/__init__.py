"""The routes, one module for each thing a client asks about; a new one is a line here."""

from api.routes import (
    devices,
    incidents,
    influx,
    mappings,
    meters,
    overview,
    quarantine,
    session,
    system,
)

ROUTERS = (
    session.router,
    overview.router,
    devices.router,
    meters.router,
    incidents.router,
    quarantine.router,
    mappings.router,
    influx.router,
    system.router,
)
