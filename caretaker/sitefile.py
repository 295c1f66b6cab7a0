"""Reads site.toml; every mistake is named with file, key and remedy."""

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from caretaker.config import RECEIVERS, ChannelSettings, InfluxSettings, SiteSettings
from caretaker.errors import ConfigurationError
from caretaker.factors import CARBON, ENERGY
from caretaker.tariffs import POWER_FACTOR_STANDARDS, refused
from caretaker.vocabulary import DeviceRole

_LISTS = {
    "building": "buildings",
    "area": "areas",
    "channel": "channels",
    "device": "devices",
    "tariff": "tariff_tables",
    "target": "targets",
    "person": "people",
    "shift": "shifts",
    "button": "buttons",
    "override": "overrides",
    "mapping": "mappings",
}
"""Tables that may stand several times, `[[building]]`, and the setting each fills."""

_NESTED = {"term": "terms", "tier": "tiers", "band": "bands", "field": "fields"}
"""Tables that may stand several times within another, `[[calendar.term]]`."""

_TABLES = frozenset(
    {"calendar", "kpi", "tariffs", "broker", "api", "influx", "limits", "escalation", "quiet",
     "watchdog"}
)  # fmt: skip
_TIERS = ("critical", "alarm", "notice")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_INFLUX_VERSIONS = ("auto", "1", "2", "3", "victoria")
_BUCKET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_MAX_RETENTION_DAYS = 36_500
_ADAPTER = TypeAdapter(SiteSettings)


def read_site(path: Path) -> SiteSettings:
    """Return the settings of a site file. Raises ConfigurationError for anything wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            file=str(path),
            key="(file)",
            problem=f"cannot be read ({error})",
            remedy="Write one with: caretaker init",
        ) from error
    return parse_site(text, file=path.name)


def parse_site(text: str, *, file: str) -> SiteSettings:
    """Return the settings that a site file's text describes.

    >>> parse_site('[site]\\nname = "梧桐小学"', file="site.toml").name
    '梧桐小学'
    >>> parse_site('[site]\\nnmae = "x"', file="site.toml")
    Traceback (most recent call last):
        ...
    caretaker.errors.ConfigurationError: site.toml: site.nmae: is no setting. Did you mean name?
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            file=file,
            key="(syntax)",
            problem=str(error),
            remedy="Text stands in quotes, a list in [ ], a section in [name].",
        ) from error
    values = _flat(table, file)
    try:
        settings = _ADAPTER.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        _fail(
            file,
            _place(first["loc"]),
            first["msg"][:1].lower() + first["msg"][1:],
            f"It stands as {first['input']!r:.60}.",
        )
    _check(settings, file)
    return settings


def _place(location: tuple[int | str, ...]) -> str:
    """Return where in the file a value stands.

    >>> _place(("devices", 0, "role")), _place(("zone",)), _place(("api", "port"))
    ('device[0].role', 'site.zone', 'api.port')
    """
    head, *rest = location
    singular = {plural: name for name, plural in _LISTS.items()}
    if head in singular:
        place = singular[str(head)]
    else:
        place = str(head) if head in _TABLES else f"site.{head}"
    inner = {plural: name for name, plural in _NESTED.items()}
    for part in rest:
        place += f"[{part}]" if isinstance(part, int) else f".{inner.get(part, part)}"
    return place


def _fail(file: str, key: str, problem: str, remedy: str) -> NoReturn:
    raise ConfigurationError(file=file, key=key, problem=problem, remedy=remedy)


def _flat(table: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return the file's tables as the fields of SiteSettings."""
    known = {"site", *_TABLES, *_LISTS}
    for name in table:
        if name not in known:
            _fail(file, name, "is no section", _hint(name, known))
    values: dict[str, Any] = {}
    site = _table(table.get("site", {}), file, "site")
    simple = {
        field.name
        for field in dataclasses.fields(SiteSettings)
        if field.name not in _TABLES and field.name not in _LISTS.values()
    }
    _known(site, simple, file, "site")
    values |= site
    hints = get_type_hints(SiteSettings)
    for name in sorted(_TABLES & set(table)):
        values[name] = _table(table[name], file, name)
        if dataclasses.is_dataclass(hints[name]):
            _walk(values[name], hints[name], file, name)
    for name, target in _LISTS.items():
        if name in table:
            values[target] = [
                _row(row, get_args(hints[target])[0], file, f"{name}[{index}]")
                for index, row in enumerate(_list(table[name], file, name))
            ]
    return values


def _row(row: Any, kind: Any, file: str, key: str) -> dict[str, Any]:
    found = dict(_table(row, file, key))
    if kind is ChannelSettings:
        own = {field.name for field in dataclasses.fields(kind)} - {"options"}
        return {k: v for k, v in found.items() if k in own} | {
            "options": {k: v for k, v in found.items() if k not in own}
        }
    _walk(found, kind, file, key)
    return found


def _walk(found: dict[str, Any], kind: Any, file: str, key: str) -> None:
    """Refuse names that are no settings of `kind`, and name nested tables as its fields."""
    hints = get_type_hints(kind)
    nested = {name: plural for name, plural in _NESTED.items() if plural in hints}
    _known(found, (set(hints) - set(nested.values())) | set(nested), file, key)
    for name, plural in nested.items():
        if name not in found:
            continue
        rows = [
            _table(row, file, f"{key}.{name}[{index}]")
            for index, row in enumerate(_list(found.pop(name), file, f"{key}.{name}"))
        ]
        for index, row in enumerate(rows):
            _walk(row, get_args(hints[plural])[0], file, f"{key}.{name}[{index}]")
        found[plural] = rows
    for name in set(_TIERS) & set(hints) & set(found):
        for index, row in enumerate(_list(found[name], file, f"{key}.{name}")):
            at = f"{key}.{name}[{index}]"
            _walk(_table(row, file, at), get_args(hints[name])[0], file, at)


def _table(value: Any, file: str, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _fail(file, key, "is no table", f"Write [{key}] on a line of its own.")
    return dict(value)


def _list(value: Any, file: str, key: str) -> list[Any]:
    if not isinstance(value, list):
        _fail(file, key, "stands once", f"Write [[{key}]] with two brackets.")
    return value


def _known(found: Mapping[str, Any], names: set[str], file: str, key: str) -> None:
    for name in found:
        if name not in names:
            _fail(file, f"{key}.{name}", "is no setting", _hint(name, names))


def _hint(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."


def _check(settings: SiteSettings, file: str) -> None:
    """Refuse what is well-formed and wrong."""
    if settings.lang not in {"zh-CN", "en"}:
        _fail(file, "site.lang", f"{settings.lang!r} is not spoken here", "Use zh-CN or en.")
    for key, port in (("api.port", settings.api.port), ("broker.port", settings.broker.port)):
        if not 1 <= port <= 65_535:
            _fail(file, key, f"{port} is no port", "Use a number from 1024 to 65535.")
    if settings.broker.receiver not in RECEIVERS:
        problem = f"{settings.broker.receiver!r} is no receiver"
        _fail(file, "broker.receiver", problem, f"Use {' or '.join(RECEIVERS)}.")
    if settings.api.host not in _LOOPBACK and not settings.api.allow_remote:
        _fail(
            file,
            "api.host",
            f"{settings.api.host} lets other machines in",
            "Add allow_remote = true to [api] if you mean it, best behind HTTPS.",
        )
    _check_influx(settings.influx, file)
    _check_devices(settings, file)
    _check_overrides(settings, file)
    names = [channel.name for channel in settings.channels]
    for index, channel in enumerate(settings.channels):
        if names.count(channel.name) > 1:
            _fail(file, f"channel[{index}].name", "stands twice", "Give each channel its own name.")
    _check_people(settings, file)
    for index, term in enumerate(settings.calendar.terms):
        if term.end < term.start:
            _fail(file, f"calendar.term[{index}].end", "is before the start", "Exchange the two.")
    _check_kpis(settings, file)


def _check_kpis(settings: SiteSettings, file: str) -> None:
    for key, name, known in (
        ("kpi.energy_factors", settings.kpi.energy_factors, set(ENERGY)),
        ("kpi.carbon_factors", settings.kpi.carbon_factors, set(CARBON)),
    ):
        if name not in known:
            _fail(file, key, f"{name!r} is no set of factors", _hint(name, known))
    if settings.tariffs.power_factor_standard not in POWER_FACTOR_STANDARDS:
        _fail(
            file,
            "tariffs.power_factor_standard",
            "is no standard of the power-factor charge",
            "Use 0.85 or 0.90 as your bill says, or 0 for none.",
        )
    seen: set[tuple[str, object]] = set()
    for index, table in enumerate(settings.tariff_tables):
        wrong = refused(table)
        if wrong is not None:
            _fail(file, f"tariff[{index}].{wrong[0]}", wrong[1], wrong[2])
        if (table.utility, table.start) in seen:
            _fail(
                file, f"tariff[{index}].start", "stands twice", "Begin each table on its own day."
            )
        seen.add((table.utility, table.start))


def _check_influx(influx: InfluxSettings, file: str) -> None:
    address = urlsplit(influx.url)
    if influx.url and (address.scheme not in {"http", "https"} or not address.hostname):
        _fail(
            file,
            "influx.url",
            f"{influx.url!r} is no address",
            "Write it as http://127.0.0.1:8086 or https://...",
        )
    if address.username or address.password or address.query:
        _fail(
            file,
            "influx.url",
            "holds a login",
            "Leave the address alone here; the token stands in secrets.toml, [influx] write.",
        )
    if influx.version not in _INFLUX_VERSIONS:
        _fail(
            file,
            "influx.version",
            f"{influx.version!r} is not spoken here",
            f"Use one of: {', '.join(_INFLUX_VERSIONS)}.",
        )
    for key, name in (("bucket", influx.bucket), ("readings_bucket", influx.readings_bucket)):
        if _BUCKET.fullmatch(name) is None and (name or key == "bucket"):
            _fail(
                file,
                f"influx.{key}",
                f"{name!r} is no usable name",
                "Use 1 to 63 letters, digits, - or _, a letter first.",
            )
    for key in ("retention_days", "readings_retention_days"):
        if not 0 <= getattr(influx, key) <= _MAX_RETENTION_DAYS:
            _fail(
                file,
                f"influx.{key}",
                f"is not between 0 and {_MAX_RETENTION_DAYS}",
                "0 keeps for ever.",
            )
    if influx.readings_retention_days and influx.readings_bucket in {"", influx.bucket}:
        _fail(
            file,
            "influx.readings_retention_days",
            "needs a bucket of its own for readings",
            'Add readings_bucket = "caretaker_readings", or use retention_days.',
        )


def _check_overrides(settings: SiteSettings, file: str) -> None:
    for index, override in enumerate(settings.overrides):
        for key in ("author", "reason"):
            if not getattr(override, key).strip():
                _fail(file, f"override[{index}].{key}", "is empty", "Say who set it, and why.")


def _check_devices(settings: SiteSettings, file: str) -> None:
    keys = [device.key for device in settings.devices]
    for index, device in enumerate(settings.devices):
        at = f"device[{index}]"
        if device.role not in set(DeviceRole):
            _fail(
                file, f"{at}.role", f"{device.role!r} is no role", _hint(device.role, {*DeviceRole})
            )
        if keys.count(device.key) > 1:
            _fail(file, f"{at}.key", f"{device.key} stands twice", "Describe a device once.")
        if device.parent and (device.parent not in keys or device.parent == device.key):
            _fail(
                file,
                f"{at}.parent",
                f"no device {device.parent!r} is described",
                "Name the key of the meter upstream, or leave parent out.",
            )


def _check_people(settings: SiteSettings, file: str) -> None:
    """Refuse an on-call table that would call nobody, or somebody unknown."""
    channels = {channel.name for channel in settings.channels}
    people = [person.id for person in settings.people]
    for index, person in enumerate(settings.people):
        at = f"person[{index}]"
        if people.count(person.id) > 1:
            _fail(file, f"{at}.id", f"{person.id!r} stands twice", "Give each person their own.")
        if not 1 <= person.level <= 4:
            _fail(file, f"{at}.level", f"{person.level} is no level", "1 is called first, 4 last.")
        if not person.contacts:
            _fail(file, f"{at}.contacts", "is empty", 'Write contacts = { canteen = "" }.')
        for name in person.contacts:
            if name not in channels:
                _fail(file, f"{at}.contacts.{name}", "is no channel", _hint(name, channels))
    _check_shifts(settings, set(people), file)
    _check_buttons(settings, set(people), file)
    for name in _TIERS:
        minutes = [tier.after_min for tier in getattr(settings.escalation, name)]
        if minutes != sorted(set(minutes)):
            _fail(file, f"escalation.{name}", "is not in the order of time", "Earliest first.")


def _check_shifts(settings: SiteSettings, people: set[str], file: str) -> None:
    kinds = {"every", "teaching", "closed"}
    for index, shift in enumerate(settings.shifts):
        at = f"shift[{index}]"
        if shift.on not in kinds:
            _fail(file, f"{at}.on", f"{shift.on!r} is unknown", _hint(shift.on, kinds))
        for name in shift.people:
            if name not in people:
                _fail(file, f"{at}.people", f"{name!r} is nobody", _hint(name, people))


def _check_buttons(settings: SiteSettings, people: set[str], file: str) -> None:
    for index, button in enumerate(settings.buttons):
        at = f"button[{index}]"
        if any(sign in button.topic for sign in "+#") or not button.topic:
            remedy = "Name the one topic that the button publishes on."
            _fail(file, f"{at}.topic", f"{button.topic!r} is no single topic", remedy)
        if people and button.person not in people:
            _fail(
                file, f"{at}.person", f"{button.person!r} is nobody", _hint(button.person, people)
            )
