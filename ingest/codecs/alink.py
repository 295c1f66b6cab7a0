"""Alibaba Cloud's thing model (Alink), and EnOS and OneNET, which write theirs the same way.

/sys/<product>/<device>/thing/event/property/post           params {name: value or {value, time}}
.../thing/event/property/batch/post                         params.properties {name: [{...}]}
.../thing/event/property/pack/post                          params.subDevices [{identity, ...}]
.../thing/event/property/history/post                       params [{identity, properties: [..]}]
.../thing/measurepoint/post, resume, post/batch, resume/batch   params.measurepoints
$sys/<product>/<device>/thing/property/post, pack/post, history/post   the same of OneNET
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.models import Models
from ingest.codecs.port import Heard, Memory, Route, refuse
from ingest.codecs.telemetry import Part, speak
from ingest.driver import Driver

_POSTS = ("event/property/", "measurepoint/", "property/post", "pack/post", "history/post")


class Alink:
    """Reads property and measure point posts."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._models = Models(driver)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what the device and its sub-devices said; other posts are taken note of."""
        kind = route.names["kind"]
        if "reply" in kind or not kind.startswith(_POSTS):
            return (refuse(heard, self._driver),)
        if isinstance(heard.json, Rejected):
            return (refuse(heard, self._driver, heard.json),)
        params = heard.json.get("params") if isinstance(heard.json, Mapping) else None
        if not isinstance(params, Mapping | list):
            refusal = Rejected(RejectReason.WRONG_SHAPE, "no params")
            return (refuse(heard, self._driver, refusal),)
        own = f"{route.names['product']}/{route.names['device']}"
        return speak(heard, self._driver, self._models, _parts(params, own))


def _parts(params: Any, own: str) -> Iterator[Part]:
    for item in params if isinstance(params, list) else [params]:
        if not isinstance(item, Mapping):
            continue
        name = _identity(item, own)
        points = item.get("measurepoints")
        held = item.get("properties")
        if isinstance(points, Mapping):
            yield Part(name, points, item.get("time"), (name.partition("/")[0],))
        elif isinstance(held, Mapping | list):
            for properties in held if isinstance(held, list) else [held]:
                yield from _properties(properties, name)
        elif isinstance(params, Mapping):
            yield from _properties(item, name)
        subs = item.get("subDevices")
        for sub in subs if isinstance(subs, list) else ():
            if isinstance(sub, Mapping):
                yield from _parts(sub, _identity(sub, name))


def _identity(item: Mapping[str, Any], own: str) -> str:
    """Return product and device of an item: its own, or those of the topic."""
    named = item.get("identity")
    named = named if isinstance(named, Mapping) else item
    device = named.get("deviceName", named.get("deviceKey"))
    product = named.get("productKey", named.get("productID"))
    return f"{product}/{device}" if isinstance(device, str) and isinstance(product, str) else own


def _properties(properties: Any, name: str) -> Iterator[Part]:
    """Yield properties by time: each may be a value, {value, time}, or a list of those."""
    if not isinstance(properties, Mapping):
        return
    plain: dict[str, Any] = {}
    labels = (name.partition("/")[0],)
    for key, raw in properties.items():
        items = raw if isinstance(raw, list) and raw and isinstance(raw[0], Mapping) else [raw]
        for item in items:
            if isinstance(item, Mapping) and "value" in item and item.get("time") is not None:
                yield Part(name, {key: item["value"]}, item["time"], labels)
            else:
                plain[key] = item
    if plain:
        yield Part(name, plain, None, labels)
