"""Every KPI of every period and scope, each time it is computed anew."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from caretaker.clock import from_ms
from caretaker.measurements import KPIS, time_ns
from storage.influx.feeds.revisions import Revisions
from storage.influx.lines import BadNameError, Row, fields, series
from storage.influx.names import Names
from storage.influx.port import Moment

_FIELDS = tuple(KPIS["day"].fields)


class Kpis(Revisions):
    """Feeds the KPI values. `scopes` names the buildings, and the site by its own id."""

    name = "kpi"
    measurements = tuple(item.name for item in KPIS.values())
    table = "kpi_value"
    key = ("scope_kind", "scope", "kpi", "period", "start_ms")
    wanted = ("scope_kind", "scope", "kpi", "period", "start_ms", *_FIELDS, "revision")

    def __init__(self, *, zone: ZoneInfo, scopes: Mapping[str, str]) -> None:
        super().__init__()
        self._zone = zone
        self._scopes = dict(scopes)
        self.shape = "|".join(f"{key}={name}" for key, name in sorted(self._scopes.items()))

    def row(self, names: Names, record: dict[str, Any], moment: Moment) -> Row | None:
        """Return a KPI value as a row at the period's start."""
        start_ms = record["start_ms"]
        measurement = KPIS.get(record["period"])
        if measurement is None or start_ms < moment.horizon_ms:
            return None
        local = from_ms(start_ms).astimezone(self._zone)
        scope = record["scope"]
        tags = {
            "site": names.site,
            "scope_kind": record["scope_kind"],
            "scope": scope,
            "scope_name": self._scopes.get(scope, scope),
            "kpi": record["kpi"],
            "hour": f"{local.hour:02d}",
            "weekday": str(local.isoweekday()),
        }
        try:
            head = series(measurement.name, tags)
        except BadNameError as error:
            return Row("", start_ms, refused=f"bad-name: {error}")
        values = fields({name: record.get(name) for name in _FIELDS})
        return Row(f"{head} {values} {time_ns(start_ms)}", start_ms) if values else None
