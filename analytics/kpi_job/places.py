"""Which meters, units and devices belong to the campus, a building or an area."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.kpis.inputs import Scope, ScopeKind
from analytics.meters import Meter, points_of, registers, roots
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point

COUNTED = frozenset({DeviceStatus.ADOPTED, DeviceStatus.RETIRED})
"""A retired device keeps its past."""

_CONSUMED = {DeviceRole.ELECTRICITY: "energy", DeviceRole.WATER: "volume"}
_BESIDE = ("reactive_energy", "reactive_energy_export", "energy_export")
"""Read at the topmost electricity meters beside their consumption."""
_OTHER_CARRIERS = ("gas_volume", "heat_energy")
_CARRIERS = frozenset({"energy", "volume", *_OTHER_CARRIERS})

Band = tuple[float, float]
Bands = Callable[[Device], Band]
"""A unit's (low, high) for its food's temperature [degC]."""


@dataclass(frozen=True, slots=True)
class ColdUnit:
    """A cold-storage unit: the point that tells its food's temperature, or its air's."""

    device: Device
    point: int
    measured: bool
    low_c: float
    high_c: float


@dataclass(frozen=True, slots=True)
class Place:
    """A scope with everything its facts are made of."""

    scope: Scope
    flows: Mapping[str, tuple[Meter, ...]]
    below: Mapping[str, tuple[Meter, ...]]
    cold: tuple[ColdUnit, ...] = ()
    devices: frozenset[int] = frozenset()
    points: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    heard: Mapping[int, int] = field(default_factory=dict)
    pupils: int = 0
    key: tuple[str, str] = field(init=False)
    """What tells one scope from another."""
    has: frozenset[str] = field(init=False)
    """What a KPI may need that is there (`Kpi.needs`)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.scope.kind.value, self.scope.id))
        found = set(self.flows) | {f"{quantity}/below" for quantity in self.below}
        if _CARRIERS & set(self.flows):
            found.add("utility")
        if self.cold:
            found.add("cold_unit")
        object.__setattr__(self, "has", frozenset(found))


def food_point(points: Sequence[Point]) -> tuple[int, bool] | None:
    """Return (point, whether it measures food) that a unit is judged by: probe, else air."""
    by_channel = {p.channel: p.id for p in points if p.quantity == "temperature"}
    if "food" in by_channel:
        return by_channel["food"], True
    for channel in ("air", ""):
        if channel in by_channel:
            return by_channel[channel], False
    rest = [number for channel, number in by_channel.items() if channel != "evaporator"]
    return (rest[0], False) if rest else None


def places(
    devices: Iterable[Device], points: Iterable[Point], *, site: SiteSettings, bands: Bands
) -> list[Place]:
    """Return the campus, its buildings, and its areas that have a meter."""
    by_device: dict[int, list[Point]] = {}
    for point in points:
        by_device.setdefault(point.device, []).append(point)
    ours = [device for device in devices if device.status in COUNTED]
    found = [
        _place(
            Scope(ScopeKind.CAMPUS, site.id, site.name, site.area_m2),
            ours,
            by_device,
            bands,
            site.pupils,
        )
    ]
    for building in site.buildings:
        scope = Scope(ScopeKind.BUILDING, building.id, building.name, building.area_m2)
        inside = [device for device in ours if device.building == building.id]
        found.append(_place(scope, inside, by_device, bands, building.pupils))
    for area in site.areas:
        inside = [device for device in ours if device.area == area.id]
        place = _place(Scope(ScopeKind.AREA, area.id, area.name), inside, by_device, bands, 0)
        if place.flows:
            found.append(place)
    return found


def _place(
    scope: Scope,
    devices: Sequence[Device],
    points: Mapping[int, list[Point]],
    bands: Bands,
    pupils: int,
) -> Place:
    flows: dict[str, tuple[Meter, ...]] = {}
    below: dict[str, tuple[Meter, ...]] = {}
    for role, quantity in _CONSUMED.items():
        known = [
            Meter(device, found)
            for device in devices
            if device.role is role
            and ((found := registers(device, points.get(device.id, []))) or _silent(device, points))
        ]
        top = roots(known)
        if not top:
            continue
        flows[quantity] = tuple(top)
        ids = {meter.device.id for meter in top}
        under = tuple(meter for meter in known if meter.device.parent in ids)
        if under:
            below[quantity] = under
        if role is DeviceRole.ELECTRICITY:
            for beside in _BESIDE:
                _add(flows, beside, [meter.device for meter in top], points)
    for carrier in _OTHER_CARRIERS:
        _add(flows, carrier, devices, points)
    return Place(
        scope,
        flows,
        below,
        cold=tuple(_cold(devices, points, bands)),
        devices=frozenset(device.id for device in devices),
        points={d.id: tuple(p.id for p in points.get(d.id, [])) for d in devices},
        heard={d.id: d.first_heard_ms for d in devices if d.status is DeviceStatus.ADOPTED},
        pupils=pupils,
    )


def _silent(device: Device, points: Mapping[int, list[Point]]) -> bool:
    """Return whether a meter of ours was never heard: it is missing, not nothing."""
    return device.status is DeviceStatus.ADOPTED and not points.get(device.id)


def _add(
    flows: dict[str, tuple[Meter, ...]],
    quantity: str,
    devices: Sequence[Device],
    points: Mapping[int, list[Point]],
) -> None:
    known = [
        Meter(d, found) for d in devices if (found := points_of(points.get(d.id, []), quantity))
    ]
    if known:
        flows[quantity] = tuple(roots(known))


def _cold(
    devices: Sequence[Device], points: Mapping[int, list[Point]], bands: Bands
) -> Iterable[ColdUnit]:
    for device in devices:
        own = points.get(device.id, [])
        chosen = food_point(own) if device.role.holds_food else None
        if chosen is not None and device.status is DeviceStatus.ADOPTED:
            low, high = bands(device)
            yield ColdUnit(device, chosen[0], chosen[1], low, high)
