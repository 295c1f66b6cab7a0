"""Declarative device drivers: one TOML file a dialect, its own samples inside."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES
from ingest.units import UnknownUnitError, factor_offset

_HERE = Path(__file__).parent / "drivers"


@dataclass(frozen=True, slots=True)
class Field:
    """Where a quantity stands in the payload, and how to read it.

    `path` segments may hold `*`; what the stars matched is `{0}`, `{1}` in `channel`.
    `phases` lets an array be read as channels a, b, c. `true` and `false` read words as 1 and 0.
    `unit_at` is a path to the unit in the payload. `when` wants other keys to hold given values.
    """

    path: tuple[str, ...]
    quantity: str
    unit: str = ""
    channel: str = ""
    phases: bool = False
    invert: bool = False
    unit_at: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A message the driver must read as `gives`, take as `status`, or refuse with `refused`.

    `available` is what an availability message says; `devices` holds `gives` of each device of a
    message that speaks of several, by key. `hex` stands instead of `payload` for bytes that are no
    text. `before` are [topic, payload or hex:...] of messages that must be heard first.
    """

    topic: str
    payload: str = ""
    hex: str = ""
    before: Sequence[Sequence[str]] = ()
    gives: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    status: bool = False
    device: str = ""
    available: bool | None = None
    devices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The payload as sent."""
        return bytes.fromhex(self.hex) if self.hex else self.payload.encode()

    @property
    def messages_before(self) -> tuple[tuple[str, bytes], ...]:
        """What must be heard first, as (topic, payload as sent)."""
        return tuple(
            (topic, bytes.fromhex(body[4:]) if body.startswith("hex:") else body.encode())
            for topic, body in self.before
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """A compiled topic template; `literal` counts its fixed characters: the more, the surer."""

    pattern: re.Pattern[str]
    literal: int


@dataclass(frozen=True, slots=True)
class Driver:
    """One dialect: which topics, who the device is, which fields.

    `availability` topics say whether a device is connected, `status` topics neither that nor
    readings. `holds` are paths without which a payload is not of this dialect. `options` belong
    to the codec. A driver with `extends` has no topics: it tells the codec of those drivers what
    the `keys` of a device type mean, which is told by `match` and `has` (see ingest/codecs/models).
    """

    name: str
    model: str
    role: str
    topics: tuple[Topic, ...]
    availability: tuple[Topic, ...]
    status: tuple[Topic, ...]
    holds: tuple[tuple[str, ...], ...]
    device: str
    device_at: tuple[str, ...]
    unwrap: tuple[tuple[str, ...], ...]
    time_at: tuple[str, ...]
    model_at: tuple[str, ...]
    codec: str
    fields: tuple[Field, ...]
    samples: tuple[Sample, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    extends: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    models: tuple["Driver", ...] = ()
    file: str = ""


def load_drivers(extra_folder: Path | None = None) -> tuple[Driver, ...]:
    """Return the built-in drivers and those of the site's own folder.

    Raises ConfigurationError naming file, key and remedy.
    """
    files = sorted(_HERE.glob("*.toml"))
    if extra_folder is not None and extra_folder.is_dir():
        files += sorted(extra_folder.glob("*.toml"))
    drivers = [read_driver(path.read_text(encoding="utf-8"), file=path.name) for path in files]
    return combine(drivers)


def combine(drivers: Iterable[Driver]) -> tuple[Driver, ...]:
    """Return the drivers that read topics, each with the models that extend it.

    Raises ConfigurationError for a model that extends no driver.
    """
    every = list(drivers)
    names = {driver.name for driver in every if not driver.extends}
    for model in every:
        if missing := set(model.extends) - names:
            raise ConfigurationError(
                file=model.file,
                key="extends",
                problem=f"{min(missing)!r} is no driver",
                remedy=f"Use some of {', '.join(sorted(names))}.",
            )
    found = [
        replace(driver, models=tuple(m for m in every if driver.name in m.extends))
        for driver in every
        if not driver.extends
    ]
    return tuple(sorted(found, key=lambda driver: driver.name != "native"))


def read_driver(text: str, *, file: str) -> Driver:
    """Return the driver a TOML text declares."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            file=file, key="(syntax)", problem=str(error), remedy="Mend the TOML at that line."
        ) from error
    for key in ("name", "model", "keys" if data.get("extends") else "topics"):
        if not data.get(key):
            raise ConfigurationError(
                file=file, key=key, problem="is missing", remedy=f"Add {key} = ..."
            )
    return Driver(
        name=data["name"],
        model=data["model"],
        role=data.get("role", "other"),
        topics=tuple(_topic(item, file=file) for item in data.get("topics", ())),
        availability=tuple(_topic(item, file=file) for item in data.get("availability", ())),
        status=tuple(_topic(item, file=file) for item in data.get("status", ())),
        holds=tuple(_path(item) for item in data.get("holds", ())),
        device=data.get("device", "{device}"),
        device_at=_path(data.get("device_at", "")),
        unwrap=tuple(_path(item) for item in data.get("unwrap", ())),
        time_at=_path(data.get("time_at", "")),
        model_at=_path(data.get("model_at", "")),
        codec=data.get("codec", "fields"),
        options=data.get("options", {}),
        extends=tuple(data.get("extends", ())),
        match=tuple(data.get("match", ())),
        has=tuple(data.get("has", ())),
        keys=data.get("keys", {}),
        fields=tuple(
            _field(item, file=file, index=index) for index, item in enumerate(data.get("field", ()))
        ),
        samples=tuple(Sample(**item) for item in data.get("sample", ())),
        file=file,
    )


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _topic(template: str, *, file: str) -> Topic:
    """Compile `tele/{device+}/SENSOR`: `{x}` is one level, `{x+}` one or more.

    >>> topic = _topic("tele/{device+}/SENSOR", file="x.toml")
    >>> topic.pattern.fullmatch("tele/a/b/SENSOR")["device"], topic.literal
    ('a/b', 12)
    """
    pattern, literal = "", 0
    for part in re.split(r"(\{[a-z_]+\+?\})", template):
        if part.startswith("{"):
            name = part.strip("{}+")
            pattern += f"(?P<{name}>.+)" if part.endswith("+}") else f"(?P<{name}>[^/]+)"
        else:
            pattern += re.escape(part)
            literal += len(part)
    if "+" in template.replace("+}", "") or "#" in template:
        raise ConfigurationError(
            file=file,
            key="topics",
            problem=f"{template!r} holds an MQTT wildcard",
            remedy="Write {name} for one level and {name+} for one or more.",
        )
    return Topic(re.compile(pattern), literal)


def _field(data: Mapping[str, Any], *, file: str, index: int) -> Field:
    where = f"field[{index}]"
    quantity = data.get("quantity", "")
    if quantity not in QUANTITIES:
        raise ConfigurationError(
            file=file,
            key=f"{where}.quantity",
            problem=f"{quantity!r} is unknown",
            remedy=f"Use one of {', '.join(sorted(QUANTITIES))}.",
        )
    try:
        factor, offset = (
            (1.0, 0.0) if data.get("unit_at") else factor_offset(quantity, data.get("unit", ""))
        )
    except UnknownUnitError as error:
        raise ConfigurationError(
            file=file,
            key=f"{where}.unit",
            problem=str(error),
            remedy="Name the unit the device documents; without one there is no reading.",
        ) from error
    return Field(
        path=_path(data["path"]),
        quantity=quantity,
        unit=data.get("unit", ""),
        channel=data.get("channel", ""),
        phases=data.get("phases", False),
        invert=data.get("invert", False),
        unit_at=_path(data.get("unit_at", "")),
        when={key: tuple(value) for key, value in data.get("when", {}).items()},
        factor=factor,
        offset=offset,
    )
