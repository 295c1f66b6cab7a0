"""Huawei Cloud IoTDA: property reports of a device and of a gateway's sub-devices.

    $oc/devices/<id>/sys/properties/report                       {"services": [...]}
    $oc/devices/<id>/sys/properties/get/response/...             the same, where it was asked for
    $oc/devices/<id>/sys/gateway/sub_devices/properties/report   {"devices": [{device_id, ..}]}

    /huawei/v1/devices/<id>/data/json                            {"data": [...]}, first version

A service has `service_id`, `properties` and `event_time` (compact UTC, yyyyMMddTHHmmssZ).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.models import Models
from ingest.codecs.port import Heard, Memory, Route, refuse
from ingest.codecs.telemetry import Part, speak
from ingest.codecs.values import moment
from ingest.driver import Driver

_REPORTS = ("properties/report", "gateway/sub_devices/properties/report", "properties/get/response")


class IotDa:
    """Reads property reports."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._models = Models(driver)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what the device or the sub-devices said; other messages are taken note of."""
        if not route.names["kind"].startswith(_REPORTS) and "form" not in route.names:
            return (refuse(heard, self._driver),)
        payload = heard.json
        if isinstance(payload, Rejected):
            return (refuse(heard, self._driver, payload),)
        if not isinstance(payload, Mapping):
            refusal = Rejected(RejectReason.WRONG_SHAPE, "no object")
            return (refuse(heard, self._driver, refusal),)
        devices = payload.get("devices", [payload])
        parts = (
            part
            for item in (devices if isinstance(devices, list) else [])
            if isinstance(item, Mapping)
            for part in _services(item, str(_of(item, "device_id") or route.names["device"]))
        )
        return speak(heard, self._driver, self._models, parts)


def _services(item: Mapping[str, Any], name: str) -> Iterator[Part]:
    services = item.get("services", item.get("data"))
    for service in services if isinstance(services, list) else ():
        if not isinstance(service, Mapping):
            continue
        label = str(_of(service, "service_id") or "")
        at = _of(service, "event_time")
        # The platform takes the time of receipt for a time that is missing or cannot be read.
        known = at is not None and not isinstance(moment(at), Rejected)
        properties = service.get("properties", service.get("serviceData", service.get("data")))
        yield Part(name, {label: properties}, at if known else None, (label,))


def _of(item: Mapping[str, Any], key: str) -> Any:
    """Return a value under its key, or under that of the platform's first version.

    >>> _of({"serviceId": "meter"}, "service_id")
    'meter'
    """
    head, _, tail = key.partition("_")
    return item.get(key, item.get(head + tail.title()))
