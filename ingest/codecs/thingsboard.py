"""ThingsBoard's MQTT API: telemetry of a device, and of many devices behind a gateway.

v1/devices/me/telemetry   {key: value}, {"ts": ms, "values": {...}}, or a list of those
v1/gateway/telemetry      {device: [{"ts": ms, "values": {...}}, ...]}
v1/gateway/connect        {"device": name}
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.models import Models
from ingest.codecs.port import Heard, Memory, Route, arrive, refuse, usable_name
from ingest.codecs.telemetry import Part, speak
from ingest.driver import Driver

_IDS = ("deviceName", "device_name", "deviceId", "device_id", "serialNumber", "sn", "mac")


class ThingsBoard:
    """Reads telemetry as devices send it to ThingsBoard."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._models = Models(driver)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what each device said, or that a gateway's device came or went."""
        payload = heard.json
        if isinstance(payload, Rejected):
            return (refuse(heard, self._driver, payload),)
        kind = route.names.get("gateway")
        if kind in {"connect", "disconnect"}:
            name = payload.get("device") if isinstance(payload, Mapping) else None
            if isinstance(name, str) and usable_name(name):
                key = self._driver.device.format(device=name)
                return (arrive(heard, self._driver, device=key, available=kind == "connect"),)
            return (refuse(heard, self._driver, Rejected(RejectReason.WRONG_SHAPE, "no device")),)
        if kind == "telemetry":
            if not isinstance(payload, Mapping):
                refusal = Rejected(RejectReason.WRONG_SHAPE, "no devices")
                return (refuse(heard, self._driver, refusal),)
            parts = (part for name, items in payload.items() for part in _parts(items, str(name)))
            return speak(heard, self._driver, self._models, parts)
        if kind is not None:
            return (refuse(heard, self._driver),)
        return speak(
            heard, self._driver, self._models, _parts(payload, route.names.get("device", "me"))
        )


def _parts(payload: Any, name: str) -> Iterator[Part]:
    for item in payload if isinstance(payload, list) else [payload]:
        if not isinstance(item, Mapping):
            continue
        values = item.get("values")
        if isinstance(values, Mapping):
            yield Part(_own(values, name), values, item.get("ts"))
        else:
            yield Part(_own(item, name), item, item.get("ts"))


def _own(values: Mapping[str, Any], name: str) -> str:
    """Return the device's own id where it sends one: the topic of a device names none."""
    if name != "me":
        return name
    return next((str(values[key]) for key in _IDS if isinstance(values.get(key), str | int)), name)
