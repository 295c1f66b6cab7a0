"""EMQ Neuron, a gateway of Modbus, DL/T 645 and other field buses: tags of a node and group.

    {"timestamp": ms, "node": n, "group": g, "values": {tag: value}, "errors": {tag: code}}
    {"timestamp": ms, "node": n, "group": g, "tags": [{"name": t, "value": v}, ...]}

Its stream form writes node_name and group_name. Recognised by its keys on any topic. A tag's
meaning is its name, or a model's (`extends`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.models import Models
from ingest.codecs.port import Heard, Memory, Route, Shape
from ingest.codecs.telemetry import Part, speak
from ingest.driver import Driver

_NODES, _GROUPS = {"node", "node_name"}, {"group", "group_name"}


class Neuron:
    """Reads the tags of Neuron's data messages."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        del memory
        self._driver = driver
        self._models = Models(driver)

    def may_read(self, shape: Shape, *, anywhere: bool) -> bool:
        """Return whether an object has the keys of a node's message."""
        del anywhere
        keys = set(shape)
        return "timestamp" in keys and bool(keys & _NODES and keys & _GROUPS)

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        """Return what the node said; None when the payload is not Neuron's."""
        del route
        payload = heard.json
        if not isinstance(payload, Mapping) or "timestamp" not in payload:
            return None
        node = payload.get("node", payload.get("node_name"))
        group = payload.get("group", payload.get("group_name"))
        if not isinstance(node, str) or not isinstance(group, str):
            return None
        values, errors = _tags(payload)
        part = Part(node, values, payload["timestamp"], (f"{node}/{group}", group))
        arrivals = list(speak(heard, self._driver, self._models, iter((part,))))
        if errors and arrivals:
            text = ", ".join(f"{name} {code}" for name, code in list(errors.items())[:8])
            refusal = Rejected(RejectReason.DEVICE_ERROR, text[:200])
            arrivals[0] = replace(arrivals[0], rejected=(*arrivals[0].rejected, refusal))
        return arrivals


def _tags(payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (values, error codes) by tag, of either format."""
    values = payload.get("values")
    errors = payload.get("errors")
    if isinstance(values, Mapping):
        return dict(values), dict(errors) if isinstance(errors, Mapping) else {}
    found: dict[str, Any] = {}
    failed: dict[str, Any] = {}
    tags = payload.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, Mapping) and isinstance(tag.get("name"), str):
            if "value" in tag:
                found[tag["name"]] = tag["value"]
            elif "error" in tag:
                failed[tag["name"]] = tag["error"]
    return found, failed
