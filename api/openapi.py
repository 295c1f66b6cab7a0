"""Writes the API's description, from which the page's types are generated.

Run: python -m api.openapi > web/openapi.json
"""

import json
import sys
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from api.auth import Doorman
from api.server import create_app
from api.services import Services
from caretaker import __version__
from caretaker.calendar import SchoolCalendar
from caretaker.clock import ManualClock
from caretaker.config import CalendarSettings, SiteSettings
from ingest.decoder import Decoder
from ingest.metering import intervals
from storage.journal import Journal


def description() -> str:
    """Return the OpenAPI document as JSON text; nothing is opened or started for it."""
    zone, clock = ZoneInfo("Asia/Shanghai"), ManualClock()
    parts = Services(
        site=SiteSettings(),
        journal=Journal(Path("unused"), zone=zone, arithmetic=intervals, clock=clock),
        clock=clock,
        calendar=SchoolCalendar(CalendarSettings(), zone),
        decoder=Decoder((), clock=clock),
        doorman=Doorman({}),
        checks=list,
        counters=lambda: ({}, {}),
        devices_changed=lambda: None,
        started_ms=0,
        version=__version__,
    )
    document = cast("dict[str, object]", create_app(parts).openapi())
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())
