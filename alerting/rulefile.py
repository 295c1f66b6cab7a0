"""Reads rules.toml: which rules are on, for whom, with which numbers; every mistake has its line.

A file is taken whole or not at all.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from alerting.parameters import Setting
from alerting.port import Rule
from alerting.profiles import NAMES
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Device, DeviceRole

FILE = "rules.toml"
_OWN = frozenset({"id", "rule", "on", "roles", "devices", "author", "reason"})
_FACTORS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    # canonical unit -> unit as written -> (factor, offset)
    "min": {"min": (1, 0), "h": (60, 0), "s": (1 / 60, 0), "d": (1440, 0)},
    "h": {"h": (1, 0), "min": (1 / 60, 0), "d": (24, 0)},
    "d": {"d": (1, 0), "h": (1 / 24, 0)},
    "degC": {"degC": (1, 0), "°C": (1, 0), "℃": (1, 0), "degF": (5 / 9, -160 / 9),
             "°F": (5 / 9, -160 / 9), "K": (1, -273.15)},
    "K": {"K": (1, 0), "degC": (1, 0), "°C": (1, 0)},
    "%": {"%": (1, 0)},
    "kW": {"kW": (1, 0), "W": (0.001, 0)},
    "1": {"": (1, 0), "1": (1, 0)},
}  # fmt: skip
_QUANTITY = re.compile(r"\s*([-+−]?\d+(?:\.\d+)?)\s*(\S*)\s*")


def parse(text: str, *, rules: Sequence[Rule], file: str = FILE) -> list[Setting]:
    """Return the blocks of a rule file.

    Raises ConfigurationError with the line and the remedy for anything wrong in it: syntax, an
    unknown rule, parameter or unit, an id that stands twice, an empty or cut-off file.
    """
    if not text.strip():
        _fail(file, 1, "", "is empty", "Delete the file to go back to the rules as they come.")
    if not text.endswith("\n"):
        lines = text.count("\n") + 1
        _fail(file, lines, "", "ends in the middle of a line", "Save the whole file again.")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n")
        _fail(file, line, "", f"is no TOML ({error})", "Text stands in quotes, a list in [ ].")
    for key in table:
        if key != "rule":
            _fail(file, _line(text, rf"^\s*\[*\s*{re.escape(key)}\b"), key, "is no section",
                  "Write each rule below [[rule]].")  # fmt: skip
    blocks = table.get("rule", [])
    if not isinstance(blocks, list) or not blocks:
        _fail(file, _line(text, r"^\s*\["), "rule", "is no list", "Write [[rule]], two brackets.")
    lines_of = [
        n for n, row in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[rule\]\]", row)
    ]
    by_name = {rule.name: rule for rule in rules}
    found_ids: dict[str, int] = {}
    settings = []
    for index, block in enumerate(blocks):
        line = lines_of[index] if index < len(lines_of) else 1
        setting = _block(block, by_name, text, file, line)
        if setting.id in found_ids:
            _fail(file, setting.line, "id", f"{setting.id!r} stands twice, also in line"
                  f" {found_ids[setting.id]}", "Give each block an id of its own.")  # fmt: skip
        found_ids[setting.id] = setting.line
        settings.append(setting)
    return settings


def check_devices(
    settings: Iterable[Setting], devices_of: Mapping[str, Sequence[Device]], *, file: str = FILE
) -> None:
    """Raise ConfigurationError for a block that speaks of no device.

    `devices_of` are the devices each rule applies to.
    """
    for setting in settings:
        if not any(setting.matches(device) for device in devices_of.get(setting.rule, ())):
            whom = ", ".join((*setting.devices, *setting.roles)) or "any device"
            problem = f"matches no device ({setting.rule} for {whom})"
            remedy = "Check keys with `caretaker devices`; a renamed device has a new key."
            _fail(file, setting.line, setting.id, problem, remedy)


def _block(
    block: Mapping[str, Any], by_name: Mapping[str, Rule], text: str, file: str, line: int
) -> Setting:
    name = str(block.get("rule"))
    if name not in by_name:
        at = _line(text, r"^\s*rule\s*=", line)
        _fail(file, at, "rule", f"{name!r} is no rule", _hint(name, by_name))
    numbers: dict[str, float] = {}
    for key, value in block.items():
        at = _line(text, rf"^\s*{re.escape(key)}\s*=", line)
        if key in _OWN:
            _own(key, value, file, at)
        elif key not in by_name[name].parameters:
            known = (*by_name[name].parameters, *_OWN)
            _fail(file, at, key, f"is no number of {name}", _hint(key, known))
        else:
            numbers[key] = quantity(value, NAMES[key], file=file, line=at, key=key)
    if "id" not in block:
        _fail(file, line, "id", "is missing", 'Give the block a name: id = "my-rule".')
    if numbers and not (block.get("author") and block.get("reason")):
        problem = "changes numbers without author and reason"
        _fail(file, line, block["id"], problem, 'Add author = "…" and reason = "…".')
    return Setting(
        id=block["id"],
        rule=name,
        on=block.get("on", True),
        roles=tuple(block.get("roles", ())),
        devices=tuple(block.get("devices", ())),
        numbers=numbers,
        author=block.get("author", ""),
        reason=block.get("reason", ""),
        line=line,
    )


def _own(key: str, value: object, file: str, line: int) -> None:
    """Refuse what cannot stand under one of a block's own keys."""
    if key == "on":
        if not isinstance(value, bool):
            _fail(file, line, key, f"{value!r} is neither true nor false", "Write on = false.")
    elif key in ("roles", "devices"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            _fail(file, line, key, "is no list of texts", f'Write {key} = ["…"].')
        for role in value if key == "roles" else ():
            if role not in set(DeviceRole):
                _fail(file, line, key, f"{role!r} is no role", _hint(str(role), list(DeviceRole)))
    elif not isinstance(value, str) or not value.strip():
        _fail(file, line, key, "is no text", f'Write {key} = "…".')


def quantity(value: object, unit: str, *, file: str = FILE, line: int = 0, key: str = "") -> float:
    """Return a number, or a text with its unit, in a parameter's unit.

    >>> quantity("2 h", "min"), quantity("46.4 °F", "degC"), quantity(30, "min")
    (120.0, 8.0, 30.0)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        _fail(file, line, key, f"{value!r} is no number", f'Write {key} = 30 or "30 {unit}".')
    known = _FACTORS.get(unit, {unit: (1.0, 0.0)})
    written = found.group(2)
    if written and written not in known:
        _fail(file, line, key, f"{written!r} is no unit for it",
              f"Known here: {', '.join(name for name in known if name)}.")  # fmt: skip
    factor, offset = known[written] if written else (1.0, 0.0)
    return round(float(found.group(1).replace("−", "-")) * factor + offset, 9)


def _line(text: str, pattern: str, start: int = 1) -> int:
    for number, row in enumerate(text.splitlines(), 1):
        if number >= start and re.match(pattern, row):
            return number
    return start


def _hint(name: str, known: Iterable[str]) -> str:
    names = [str(item) for item in known]
    near = difflib.get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(names))}."


def _fail(file: str, line: int, key: str, problem: str, remedy: str) -> NoReturn:
    raise ConfigurationError(
        file=file,
        key=f"line {line}" + (f", {key}" if key else ""),
        problem=problem,
        remedy=remedy,
    )
