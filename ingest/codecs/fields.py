"""The codec of most drivers: JSON, and a table of fields in the driver file."""

from collections.abc import Sequence

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.port import Heard, Memory, Route, arrive, bad_name, refuse, usable_name
from ingest.driver import Driver
from ingest.extract import first, measure
from ingest.times import instant, settle


class Fields:
    """Reads a JSON object by the `[[field]]` table of a driver."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return the one device a message speaks of; None when a wanted key is missing."""
        driver, payload = self._driver, heard.json
        if driver.holds and (
            isinstance(payload, Rejected)
            or any(first(payload, path) is None for path in driver.holds)
        ):
            return None
        if isinstance(payload, Rejected):
            return (refuse(heard, driver, payload),)
        if not isinstance(payload, dict):
            return (refuse(heard, driver, Rejected(RejectReason.WRONG_SHAPE, "no object")),)
        native_id = first(payload, driver.device_at)
        name = str(native_id) if isinstance(native_id, str | int) else route.names["device"]
        if not usable_name(name):
            return (bad_name(heard, driver, name),)
        model = first(payload, driver.model_at)
        for path in driver.unwrap:
            inner = first(payload, path)
            if isinstance(inner, dict):
                payload = inner
        if "component" in route.names:
            payload = {route.names["component"]: payload}
        device_ms = instant(first(payload, driver.time_at)) if driver.time_at else None
        at_ms, quality = settle(
            None if isinstance(device_ms, Rejected) else device_ms, heard.message.received_ms
        )
        found, refused = measure(driver.fields, payload, at_ms=at_ms, quality=quality)
        return (
            arrive(
                heard,
                driver,
                device=driver.device.format(device=name),
                measured=found,
                rejected=refused,
                model=str(model or ""),
            ),
        )
