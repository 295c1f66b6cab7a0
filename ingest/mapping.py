"""Mappings: what the messages of a topic mean, said by a person instead of a driver file.

A mapping is a topic template, path expressions and units. It comes from `[[mapping]]` in site.toml
or from the inbox page, and is tried on the last messages before it is kept.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from zoneinfo import ZoneInfo

from caretaker.config import MappingField, MappingSettings
from caretaker.errors import ConfigurationError
from ingest.driver import Driver, driver_of
from ingest.written import SEPARATORS

WHOLE = "$"
"""The path of a payload that is the value itself."""

_MAX_PLACES = 100
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["([^"]*)"\]')
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def steps(path: str) -> tuple[str, ...]:
    """Return the steps of a path expression: names, `[0]` for places, `["any key"]`.

    >>> steps("a.b[0].c"), steps('data["a.b"].v'), steps("")
    (('a', 'b', '0', 'c'), ('data', 'a.b', 'v'), ('$',))

    Raises ValueError for anything else.
    """
    if not path:
        return (WHOLE,)
    found, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or (at == 0 and path.startswith(".")):
            raise ValueError(f"{path!r} is no path at {path[at:]!r}")
        found.append(next(part for part in match.groups() if part is not None))
        at = match.end()
    return tuple(found)


def driver_from(mapping: MappingSettings, *, file: str, key: str, draft: bool = False) -> Driver:
    """Return the driver a mapping stands for; a draft may say nothing of fields and device yet.

    Raises ConfigurationError with file, key, remedy.
    """
    if _NAME.fullmatch(mapping.name) is None:
        _fail(file, f"{key}.name", f"{mapping.name!r} is no name", "Use 1..40 of a-z 0-9 _ -.")
    if not (mapping.fields or draft):
        _fail(file, f"{key}.field", "is missing", "Say what to read: quantity, unit and path.")
    if not (mapping.device or mapping.device_at or "{device" in mapping.topic or draft):
        _fail(
            file,
            f"{key}.device",
            "nothing says which device sends",
            "Write {device} into the topic, or give device or device_at.",
        )
    _check_writing(mapping, file=file, key=key)
    rows = []
    for index, field in enumerate(mapping.fields):
        at = f"{key}.field[{index}]"
        rows.append(
            {
                "path": _steps(field.path, file, f"{at}.path"),
                "quantity": field.quantity,
                "unit": field.unit,
                "unit_at": _path(field.unit_at, file, f"{at}.unit_at"),
                "channel": field.channel.replace("{", "{{").replace("}", "}}"),
            }
        )
    try:
        return driver_of(
            {
                "name": f"mapping:{mapping.name}",
                "model": mapping.name,
                "topics": [mapping.topic],
                "device": mapping.device.replace("{", "").replace("}", "") or "{device}",
                "device_at": _path(mapping.device_at, file, f"{key}.device_at"),
                "time_at": _path(mapping.time_at, file, f"{key}.time_at"),
                "codec": "mapped",
                "options": {
                    "adds": mapping.adds,
                    "zone": mapping.zone,
                    "decimal": mapping.decimal,
                    "separator": mapping.separator,
                },
                "field": rows,
            },
            file=file,
        )
    except (ConfigurationError, re.error) as error:
        problem = error.problem if isinstance(error, ConfigurationError) else str(error)
        remedy = error.remedy if isinstance(error, ConfigurationError) else "Mend the topic."
        part = error.key if isinstance(error, ConfigurationError) else "topic"
        raise ConfigurationError(
            file=file, key=f"{key}.{part}", problem=problem, remedy=remedy
        ) from error


def drivers_from(mappings: Iterable[MappingSettings], *, file: str) -> tuple[Driver, ...]:
    """Return the drivers of a site file's mappings; a name may stand once."""
    found: list[Driver] = []
    for index, mapping in enumerate(mappings):
        driver = driver_from(mapping, file=file, key=f"mapping[{index}]")
        if any(driver.name == other.name for other in found):
            _fail(file, f"mapping[{index}].name", "stands twice", "Give each mapping its own name.")
        found.append(driver)
    return tuple(found)


def in_force(
    from_file: Sequence[MappingSettings], from_page: Iterable[dict[str, object]], *, file: str
) -> tuple[Driver, ...]:
    """Return the drivers of all mappings; where a name stands in both, the site file wins."""
    drivers = drivers_from(from_file, file=file)
    names = {mapping.name for mapping in from_file}
    kept = [mapping for mapping in map(from_json, from_page) if mapping.name not in names]
    return drivers + drivers_from(kept, file="the page's mappings")


def to_json(mapping: MappingSettings) -> dict[str, object]:
    """Return a mapping as it is kept."""
    return asdict(mapping)


def from_json(data: dict[str, object]) -> MappingSettings:
    """Return a kept mapping."""
    rows = data.get("fields", ())
    assert isinstance(rows, Sequence)
    own = {name: value for name, value in data.items() if name != "fields"}
    fields = tuple(MappingField(**row) for row in rows)
    return MappingSettings(**own, fields=fields)  # type: ignore[arg-type]  # as asdict wrote it


def leaves(payload: object, *, limit: int = 200) -> list[tuple[str, object]]:
    """Return the places in a payload that could be readings, as path expressions.

    >>> leaves({"a": {"b c": [1, "x"]}, "t": "4.5"})
    [('a.b c[0]', 1), ('a.b c[1]', 'x'), ('t', '4.5')]
    >>> leaves({"a.b": 1}), leaves(21.5)
    ([('["a.b"]', 1)], [('', 21.5)])
    """
    found: list[tuple[str, object]] = []

    def visit(value: object, at: str) -> None:
        if len(found) >= limit:
            return
        if isinstance(value, dict):
            for key, child in value.items():
                name = str(key)
                if any(c in '.[]"' for c in name) or not name:
                    visit(child, f'{at}["{name}"]')
                else:
                    visit(child, f"{at}.{name}" if at else name)
        elif isinstance(value, list):
            for index, child in enumerate(value[:_MAX_PLACES]):
                visit(child, f"{at}[{index}]")
        elif value is not None:
            found.append((at, value))

    visit(payload, "")
    return found


def _check_writing(mapping: MappingSettings, *, file: str, key: str) -> None:
    if mapping.decimal not in {".", ","}:
        _fail(file, f"{key}.decimal", f"{mapping.decimal!r} is none", 'Write "." or ",".')
    if mapping.separator not in {"", *SEPARATORS}:
        _fail(
            file,
            f"{key}.separator",
            f"{mapping.separator!r} parts no values",
            f"Use one of {', '.join(map(repr, SEPARATORS))}.",
        )
    if mapping.separator == mapping.decimal:
        _fail(
            file,
            f"{key}.separator",
            "a comma cannot both part values and stand in them",
            "Let the device use another sign for one of them.",
        )
    try:
        _ = ZoneInfo(mapping.zone) if mapping.zone else None
    except (KeyError, ValueError, OSError):
        _fail(file, f"{key}.zone", f"{mapping.zone!r} is no zone", 'Write e.g. "Asia/Shanghai".')


def _path(text: str, file: str, key: str) -> str:
    return _steps(text, file, key) if text else ""


def _steps(text: str, file: str, key: str) -> str:
    """Return a path expression as driver files write it."""
    try:
        return ".".join(step.replace(".", "\\.") for step in steps(text))
    except ValueError as error:
        raise ConfigurationError(
            file=file, key=key, problem=str(error), remedy='Write a.b[0] or ["any key"].'
        ) from error


def _fail(file: str, key: str, problem: str, remedy: str) -> None:
    raise ConfigurationError(file=file, key=key, problem=problem, remedy=remedy)
