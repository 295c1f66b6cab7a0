"""What the API stands on; the composition root fills it in."""

from collections.abc import Callable
from dataclasses import dataclass

from alerting.drills import Drills
from alerting.notify.links import Signer
from api.auth import Doorman
from caretaker.calendar import SchoolCalendar
from caretaker.clock import Clock
from caretaker.config import SiteSettings
from ingest.decoder import Decoder
from storage.influx.projection import Projection
from storage.journal import Journal


@dataclass(frozen=True, slots=True)
class Services:
    """The running parts behind the routes."""

    site: SiteSettings
    journal: Journal
    clock: Clock
    calendar: SchoolCalendar
    decoder: Decoder
    doorman: Doorman
    checks: Callable[[], list[tuple[str, bool, str, str]]]
    """(name, ok, value, remedy) of broker, ingest, alerting; the journal's own are added."""
    counters: Callable[[], tuple[dict[str, int], dict[str, int]]]
    """(counters, rejected by reason) of ingest."""
    devices_changed: Callable[[], None]
    started_ms: int
    version: str
    projection: Projection | None = None
    """The copy in InfluxDB, where the site has one."""

    signer: Signer | None = None
    """Reads the links that acknowledge; None: there are none."""

    drills: Drills | None = None
