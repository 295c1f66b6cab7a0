"""Who is judged by what: subjects with their linked points, contexts, and routes of readings."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from alerting.parameters import Setting, limits_of
from alerting.port import Context, Rule, Subject
from caretaker.clock import DAY_MS, from_ms
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point
from storage import devices as device_records
from storage import unit_records

_RECORDS_MS = 60 * DAY_MS
_JUDGED = (DeviceStatus.ADOPTED, DeviceStatus.INTERNAL)


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
    points: set[int] = field(default_factory=set)
    """All points there are, also those of devices that nobody adopted."""

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
        for status in _JUDGED
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
            posts[subject.device.id].append(_post(rule, subject, context))
    routes: dict[int, list[int]] = defaultdict(list)
    for device, found in posts.items():
        for point in sorted({point for post in found for point in post.points}):
            routes[point].append(device)
    return Roster(
        subjects=tuple(subjects),
        posts={device: tuple(found) for device, found in posts.items()},
        routes={point: tuple(found) for point, found in routes.items()},
        points={p.id for p in device_records.points(connection)},
    )


def extend(
    connection: sqlite3.Connection,
    roster: Roster,
    points: Iterable[int],
    rules: Sequence[Rule],
    *,
    site: SiteSettings,
    settings: Sequence[Setting] = (),
    now_ms: int = 0,
) -> Roster | None:
    """Return the roster with points in it that are new since it was built, at their own cost.

    None when more than their devices is touched: one was adopted meanwhile, or tells about others.
    """
    new = sorted(points)
    changed = _changed(connection, roster, new)
    if changed is None:
        return None
    roster.points.update(new)
    if not changed:
        return roster
    subjects = tuple(changed.get(s.device.id, s) for s in roster.subjects)
    today = from_ms(now_ms).astimezone(site.zone).date() if now_ms else None
    posts, routes = dict(roster.posts), dict(roster.routes)
    for number, subject in changed.items():
        common = limits_of(site, subject.device, today=today)
        known = posts[number][0].context
        made: list[Post] = []
        for rule, blocks in _rules_of(subject, rules, subjects=subjects, settings=settings):
            limits = (
                limits_of(site, subject.device, settings=blocks, today=today) if blocks else common
            )
            numbers = {name: limits[name] for name in rule.parameters if name in limits}
            made.append(_post(rule, subject, replace(known, limits=numbers)))
        posts[number] = tuple(made)
        for point in sorted({point for post in made for point in post.points}):
            if number not in routes.get(point, ()):
                routes[point] = (*routes.get(point, ()), number)
    return Roster(subjects, posts, routes, roster.points)


def _changed(
    connection: sqlite3.Connection, roster: Roster, points: Sequence[int]
) -> dict[int, Subject] | None:
    """Return the judged devices of new points as they are now; None when others are touched."""
    owners = {
        connection.execute("SELECT device FROM point WHERE id = ?", (point,)).fetchone()[0]
        for point in points
    }
    before = {subject.device.id: subject for subject in roster.subjects}
    changed: dict[int, Subject] = {}
    for number in sorted(owners):
        device = device_records.find(connection, number)
        if device is None or device.status not in _JUDGED:
            continue
        if number not in before or not roster.posts.get(number):
            return None
        own = tuple(device_records.points(connection, number))
        changed[number] = replace(before[number], device=device, points=own)
        if _tells(changed[number]):
            return None
    return changed


def _rules_of(
    subject: Subject,
    rules: Sequence[Rule],
    *,
    subjects: Sequence[Subject],
    settings: Sequence[Setting],
) -> Iterator[tuple[Rule, list[Setting]]]:
    """Yield the rules that judge a subject, each with what the rule file says of it."""
    for rule in rules:
        blocks = [setting for setting in settings if setting.rule == rule.name]
        # All others judge each candidate by itself (alerting/port.py).
        candidates = subjects if rule.downstream_first else (subject,)
        if any(s is subject for s in rule.subjects(candidates)) and _on(blocks, subject.device):
            yield rule, blocks


def _post(rule: Rule, subject: Subject, context: Context) -> Post:
    heard = [p.id for p in subject.linked if p.quantity in rule.linked]
    return Post(rule, subject, context, frozenset((*(p.id for p in subject.points), *heard)))


def _on(blocks: Sequence[Setting], device: Device) -> bool:
    """Return whether a rule is switched on for a device; the last block that speaks decides."""
    found = [block.on for block in blocks if block.matches(device)]
    return found[-1] if found else True
