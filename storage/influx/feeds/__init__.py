"""What is fed into InfluxDB, one module a kind of record; registered here."""

from caretaker.calendar import SchoolCalendar
from caretaker.config import SiteSettings
from storage.influx.feeds.cold import Cold
from storage.influx.feeds.days import Days
from storage.influx.feeds.incidents import Incidents
from storage.influx.feeds.kpi import Kpis
from storage.influx.feeds.rollups import Gone, Rollups
from storage.influx.feeds.samples import PartFigures, Samples
from storage.influx.port import Feed


def standard_feeds(site: SiteSettings, *, figures: PartFigures) -> tuple[Feed, ...]:
    """Return every feed but the raw readings', which the projection itself follows."""
    scopes = {area.id: area.name for area in site.areas}
    scopes |= {building.id: building.name for building in site.buildings}
    scopes |= {site.id: site.name}
    return (
        Cold(),
        Incidents(),
        Rollups(),
        Gone(),
        Kpis(zone=site.zone, scopes=scopes),
        Samples(figures),
        Days(SchoolCalendar(site.calendar, site.zone), lang=site.lang),
    )
