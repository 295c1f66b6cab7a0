"""Messages that a person's mapping explains: JSON of any shape, a number alone, values in text."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver
from ingest.extract import first, measure
from ingest.mapping import WHOLE
from ingest.plan import compile_fields
from ingest.times import settle
from ingest.written import instant_in, listed, shaped, text_of


class Mapped:
    """Reads what the mapping names and nothing else."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._plan = compile_fields(driver.fields)
        self._whole = any(field.path == (WHOLE,) for field in driver.fields)
        zone = driver.options["zone"]
        self._zone = ZoneInfo(zone) if zone else None

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival]:
        """Return the readings of the one device the mapping names."""
        driver, payload = self._driver, self.payload(heard)
        if isinstance(payload, Rejected):
            return (refuse(heard, driver, payload),)
        name = route.names.get("device", "")
        for path in (path for part in driver.device_at for path in part):
            given = first(payload, path)
            name = str(given) if isinstance(given, str | int) else name
        device = driver.device.replace("{device}", name)
        if not usable_name(device):
            return (bad_name(heard, driver, device),)
        received_ms = heard.message.received_ms
        at = first(payload, driver.time_at[0]) if driver.time_at else None
        stated = None if at is None else instant_in(at, self._zone)
        at_ms, quality = settle(None if isinstance(stated, Rejected) else stated, received_ms)
        if self._whole:
            payload = {WHOLE: payload} | (payload if isinstance(payload, dict) else {})
        found, refused = measure(
            self._plan, payload, at_ms=at_ms, quality=quality, received_ms=received_ms
        )
        if not found and not refused:
            detail = "nothing stands where the mapping looks"
            refused = [Rejected(RejectReason.WRONG_SHAPE, detail)]
        return (
            arrive(
                heard,
                driver,
                device=f"mapped:{device}",
                measured=found,
                rejected=refused,
                model=driver.model,
            ),
        )

    def payload(self, heard: Heard) -> Any | Rejected:
        """Return the message as the mapping takes it apart, or why it cannot."""
        found, options = heard.json, self._driver.options
        if isinstance(found, Rejected):
            text = text_of(heard.message.payload)
            if not text:
                return found
            alone = self._whole or options["separator"] or not self._driver.fields
            row = None if alone else listed(text)
            if row is None and not alone:
                return found
            found = row or text
        return shaped(found, separator=options["separator"], decimal=options["decimal"])
