"""Who is judged by what: subjects with their linked points, contexts, and routes of readings."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from alerting.parameters import Setting, limits_of
from alerting.port import Context, Rule, Subject
from caretaker.clock import DAY_MS, from_ms
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point
from storage import devices as device_records
from storage import unit_records

_RECORDS_MS = 60 * DAY_MS


@dataclass(frozen=True, slots=True)
class Post:
    """One rule at one device, with its context and the points it listens to."""

    rule: Rule
    subject: Subject
    context: Context
    points: frozenset[int]


@dataclass(frozen=True, slots=True)
class Roster:
    """The adopted devices as they stand, and which rules judge them."""

    subjects: tuple[Subject, ...] = ()
    posts: dict[int, tuple[Post, ...]] = field(default_factory=dict)
    """By device, in the rules' order."""
    routes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The devices that a point's readings are judged at."""
    points: frozenset[int] = frozenset()

    def posts_of(self, rule: str) -> list[Post]:
        """Return where a rule is at work."""
        return [post for posts in self.posts.values() for post in posts if post.rule.name == rule]


def linked_points(device: Device, subjects: Sequence[Subject]) -> tuple[Point, ...]:
    """Return points of other devices that tell about a unit.

    A door contact whose parent is the unit; a mains input of its building or of the site; else
    the power of the topmost meter, which shows a power cut by standing at zero.
    """
    if not device.role.holds_food:
        return ()
    found: list[Point] = []
    meters: list[Point] = []
    for other in subjects:
        if other.device.id == device.id:
            continue
        near = other.device.building in ("", device.building)
        for point in other.points:
            own_door = point.quantity == "door" and other.device.parent == device.id
            mains = point.quantity == "mains" and near and not other.device.role.holds_food
            if own_door or mains:
                found.append(point)
        if other.device.role is DeviceRole.ELECTRICITY and not other.device.parent and near:
            power = [p for p in other.points if p.quantity == "power"]
            meters += sorted(power, key=lambda p: (p.channel, p.id))[:1]
    if not any(point.quantity == "mains" for point in found):
        found += meters[:1]
    return tuple(found)


def subjects_of(connection: sqlite3.Connection) -> list[Subject]:
    """Return the adopted devices with their points and what is linked to them."""
    points: dict[int, list[Point]] = defaultdict(list)
    for point in device_records.points(connection):
        points[point.device].append(point)
    plain = [
        Subject(device, tuple(points[device.id]))
        for status in (DeviceStatus.ADOPTED, DeviceStatus.INTERNAL)
        for device in device_records.devices(connection, status=status.value)
    ]
    tellers = [subject for subject in plain if _tells(subject)]
    return [replace(s, linked=linked_points(s.device, tellers)) for s in plain]


def _tells(subject: Subject) -> bool:
    """Return whether a device may tell about others: few do, and each unit looks through them."""
    device = subject.device
    if device.role is DeviceRole.ELECTRICITY and not device.parent:
        return True
    return any(
        (p.quantity == "door" and device.parent)
        or (p.quantity == "mains" and not device.role.holds_food)
        for p in subject.points
    )


def build(
    connection: sqlite3.Connection,
    rules: Sequence[Rule],
    *,
    site: SiteSettings,
    settings: Sequence[Setting] = (),
    now_ms: int = 0,
    watching_since_ms: int = 0,
    records_since_ms: int | None = None,
) -> Roster:
    """Return the roster of the devices in the journal as they stand now."""
    subjects = subjects_of(connection)
    today = from_ms(now_ms).astimezone(site.zone).date() if now_ms else None
    since_ms = now_ms - _RECORDS_MS if records_since_ms is None else records_since_ms
    records: dict[int, list[unit_records.UnitRecord]] = defaultdict(list)
    for record in unit_records.listing(connection, since_ms=since_ms):
        records[record.device].append(record)
    # The last calibration counts however long ago it was.
    for record in unit_records.listing(connection, kinds=(unit_records.RecordKind.CALIBRATION,)):
        if record not in records[record.device]:
            records[record.device].insert(0, record)
    # Only a rule that the rule file speaks of has numbers of its own.
    common = {s.device.id: limits_of(site, s.device, today=today) for s in subjects}
    posts: dict[int, list[Post]] = defaultdict(list)
    for rule in rules:
        blocks = [setting for setting in settings if setting.rule == rule.name]
        for subject in rule.subjects(subjects):
            if not _on(blocks, subject.device):
                continue
            limits = (
                limits_of(site, subject.device, settings=blocks, today=today)
                if blocks
                else common[subject.device.id]
            )
            context = Context(
                limits={name: limits[name] for name in rule.parameters if name in limits},
                records=(*records[0], *records[subject.device.id]),
                watching_since_ms=watching_since_ms,
                zone=site.zone,
            )
            heard = [p.id for p in subject.linked if p.quantity in rule.linked]
            points = frozenset((*(p.id for p in subject.points), *heard))
            posts[subject.device.id].append(Post(rule, subject, context, points))
    routes: dict[int, list[int]] = defaultdict(list)
    for device, found in posts.items():
        for point in sorted({point for post in found for point in post.points}):
            routes[point].append(device)
    return Roster(
        subjects=tuple(subjects),
        posts={device: tuple(found) for device, found in posts.items()},
        routes={point: tuple(found) for point, found in routes.items()},
        points=frozenset(p.id for p in device_records.points(connection)),
    )


def _on(blocks: Sequence[Setting], device: Device) -> bool:
    """Return whether a rule is switched on for a device; the last block that speaks decides."""
    found = [block.on for block in blocks if block.matches(device)]
    return found[-1] if found else True
