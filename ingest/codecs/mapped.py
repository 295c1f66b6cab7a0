"""Messages that a person's mapping explains: a number alone, a row of values, JSON of any shape."""

from collections.abc import Sequence

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver
from ingest.extract import first, measure
from ingest.mapping import WHOLE, listed
from ingest.plan import compile_fields
from ingest.times import instant, settle


class Mapped:
    """Reads what the mapping names and nothing else."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._plan = compile_fields(driver.fields)
        self._whole = any(field.path == (WHOLE,) for field in driver.fields)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival]:
        """Return the readings of the one device the mapping names."""
        driver, payload = self._driver, heard.json
        if isinstance(payload, Rejected):
            text = heard.message.payload.strip().decode("utf-8", "replace")
            row = None if self._whole else listed(text)
            if row is None and not (self._whole and text.isascii() and len(text) <= 32):
                return (refuse(heard, driver, payload),)
            payload = row or text
        name = route.names.get("device", "")
        for path in (path for part in driver.device_at for path in part):
            given = first(payload, path)
            name = str(given) if isinstance(given, str | int) else name
        device = driver.device.replace("{device}", name)
        if not usable_name(device):
            return (bad_name(heard, driver, device),)
        received_ms = heard.message.received_ms
        stated = instant(first(payload, driver.time_at[0])) if driver.time_at else None
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
