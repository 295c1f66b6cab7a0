"""A larger cause speaks for its symptoms; food temperature always speaks for itself."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerting.notify.port import HOLD, PASS, Matter, Ruling, World
from caretaker.vocabulary import Device, Severity
from storage.incidents import ACKNOWLEDGED, FIRING, PENDING, Incident, fingerprint

STAGE = "inhibit"
POWER_CUT, UNMONITORED, UNSTABLE = "power_cut", "units_unmonitored", "unstable"


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an incident of `source` is open, those of `targets` (patterns) are held.

    `same` says what both must share: scope (the target lies within the source's building, gateway
    or site), device, or cause (the source is about the target's own fingerprint).
    """

    source: str
    targets: tuple[str, ...]
    same: str


INHIBITIONS = (
    Inhibition(UNMONITORED, ("device_silent", "sensor_lost*", UNMONITORED), "scope"),
    Inhibition(
        POWER_CUT,
        (
            "cold_power_cut",
            "device_silent",
            UNMONITORED,
            "*door*",
            "*compressor*",
            "*defrost*",
            "*duty*",
        ),
        "scope",
    ),
    Inhibition(
        "cold_power_cut",
        ("device_silent", "*door*", "*compressor*", "*defrost*", "*duty*"),
        "device",
    ),
    Inhibition("cold_storage_warm", ("cold_warning",), "device"),
    Inhibition("meter_replaced", ("vee_*",), "device"),
    Inhibition(UNSTABLE, ("*",), "cause"),
)


def food(incident: Incident, *, cold: bool) -> bool:
    """Return whether an incident tells of food temperature (A3, A4): nothing ever mutes that."""
    silent = incident.rule in {"device_silent", UNMONITORED, UNSTABLE}
    return cold and incident.severity is Severity.CRITICAL and not silent


def within(device: Device | None, scope: str) -> bool:
    """Return whether a device lies within a scope: site:, building:NAME or gateway:NAME.

    >>> from caretaker.vocabulary import DeviceStatus
    >>> lamp = Device(1, "z:a", "zigbee2mqtt", DeviceStatus.ADOPTED, building="c",
    ...               last_topic="zigbee2mqtt/a")
    >>> [within(lamp, s) for s in ("site:", "building:c", "building:d", "gateway:zigbee2mqtt")]
    [True, True, False, True]
    """
    kind, _, name = scope.partition(":")
    if kind == "site":
        return True
    if device is None:
        return False
    return name == (device.building if kind == "building" else gateway(device))


def gateway(device: Device) -> str:
    """Return through what a device speaks, or '' when it speaks for itself.

    >>> from caretaker.vocabulary import DeviceStatus
    >>> gateway(Device(1, "native:s/a", "native", DeviceStatus.ADOPTED, last_topic="caretaker/1/s"))
    ''
    """
    first = device.last_topic.partition("/")[0]
    return "" if first == "caretaker" or device.driver in {"tasmota", "shelly"} else first


def inhibit(matter: Matter, world: World) -> Ruling:
    """Hold a symptom while its cause is open and says so itself."""
    incident = matter.incident
    if matter.occasion in {"resolved", "acknowledged"}:
        return Ruling(STAGE, PASS, "it ends what was told")
    if food(incident, cold=matter.cold):
        return Ruling(STAGE, PASS, "food temperature is never inhibited")
    for source in world.live.values():
        if source.id == incident.id or (source.kind != incident.kind and incident.kind):
            continue
        for rule in INHIBITIONS:
            if _applies(rule, source, matter):
                detail: dict[str, object] = {"incident": source.id, "rule": source.rule}
                return Ruling(STAGE, HOLD, "a larger cause is open", detail)
    return Ruling(STAGE, PASS, "no larger cause")


def _applies(rule: Inhibition, source: Incident, matter: Matter) -> bool:
    target = matter.incident
    if not fnmatchcase(source.rule, rule.source):
        return False
    if source.state not in {PENDING, FIRING, ACKNOWLEDGED}:
        return False
    if not any(fnmatchcase(target.rule, pattern) for pattern in rule.targets):
        return False
    if rule.same == "device":
        return source.device == target.device
    if rule.same == "cause":
        return source.scope == fingerprint(target.rule, target.device, target.scope)
    if source.device:  # a device's own word about its building, e.g. a mains input
        return bool(matter.building) and source.scope == f"building:{matter.building}"
    if target.device == 0:
        return source.scope == "site:" and target.scope != "site:"
    return within(matter.device, source.scope)
