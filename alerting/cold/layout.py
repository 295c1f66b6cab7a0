"""Which point of a unit tells what."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.port import Subject
from caretaker.vocabulary import DeviceRole, Reading

_AIR_ORDER = {"air": 0, "": 1, "food": 3, "evaporator": 4}


@dataclass(frozen=True, slots=True)
class Layout:
    """The points of a unit by what they tell; 0 where there is none."""

    air: int = 0
    food: int = 0
    defrost: int = 0
    doors: frozenset[int] = frozenset()
    mains: frozenset[int] = frozenset()
    power: int = 0
    meter: int = 0
    temperatures: frozenset[int] = frozenset()

    def relevant(self, readings: Sequence[Reading]) -> list[Reading]:
        """Return the readings that tell of air, food, door, mains or defrost."""
        wanted = {self.air, self.food, self.defrost, *self.doors, *self.mains}
        return [reading for reading in readings if reading.point in wanted]


_KNOWN: dict[int, tuple[Subject, Layout]] = {}
"""Layouts by the identity of their subject, which is kept so that it stays the only one."""
_MOST_KNOWN = 4_096


def layout(subject: Subject) -> Layout:
    """Return a unit's layout; a lone food probe stands for the air.

    The main meter's power tells of a power cut only where no mains input does.
    """
    known = _KNOWN.get(id(subject))
    if known is not None:
        return known[1]
    found = _layout(subject)
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[id(subject)] = (subject, found)
    return found


def _layout(subject: Subject) -> Layout:
    temperatures = [p for p in subject.points if p.quantity == "temperature"]
    hot = subject.device.role is DeviceRole.HOT_HOLDING
    air = food = defrost = power = meter = 0
    if temperatures:
        best = min(temperatures, key=lambda p: (_AIR_ORDER.get(p.channel, 2), p.id))
        air = best.id if best.channel != "evaporator" else 0
        food = next((p.id for p in temperatures if p.channel == "food"), air if hot else 0)
    doors, mains = set[int](), set[int]()
    for point in (*subject.points, *subject.linked):
        if point.quantity == "door":
            doors.add(point.id)
        elif point.quantity == "mains":
            mains.add(point.id)
    for point in subject.points:
        if point.quantity == "defrost":
            defrost = point.id
        elif point.quantity == "power" and (not power or not point.channel):
            power = point.id
    for point in subject.linked:
        if point.quantity == "power" and not mains:
            meter = point.id
    return Layout(
        air=air,
        food=food,
        defrost=defrost,
        doors=frozenset(doors),
        mains=frozenset(mains),
        power=power,
        meter=meter,
        temperatures=frozenset(p.id for p in temperatures),
    )
