"""Declarative device drivers: one TOML file a dialect, its own samples inside."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES, Kind
from ingest.driver_keys import check_keys
from ingest.topics import Topic, compile_topic
from ingest.units import UnknownUnitError, choices, factor_offset

_HERE = Path(__file__).parent / "drivers"
UNIT_UNKNOWN = "?"
UNIT_WRITTEN = "*"
"""The unit of a field that no document names: such a value is held until a person names it."""


@dataclass(frozen=True, slots=True)
class Where:
    """A path in a payload: from its root, or `beside` the value that is being read."""

    path: tuple[str, ...]
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What another key must hold; without `words` any value but null will do."""

    at: Where
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Field:
    """Where a quantity stands in the payload, and how to read it.

    `path` levels may hold `*`, `star` says what the last may match; what stars matched is `{0}`,
    `{1}` in `channel`. `channel_at` are places whose first filled one names the channel instead.
    `between` are the raw numbers this row is for: where a dialect documents two units whose numbers
    cannot overlap, as mV and V of a battery, each row has its own, and what lies outside is held.
    `phases` lets a list or an object be read as channels a, b, c. `nonzero` reads any number but 0
    as 1, `words` reads words as numbers. `unit` is what the device documents, `unit_at` where
    the payload names it.
    """

    path: tuple[str, ...]
    quantity: str
    unit: str = ""
    channel: str = ""
    star: re.Pattern[str] | None = None
    phases: bool = False
    invert: bool = False
    nonzero: bool = False
    words: Mapping[str, float] = field(default_factory=dict)
    channel_at: tuple[Where, ...] = ()
    unit_at: Where | None = None
    time_at: Where | None = None
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    between: tuple[float, float] | None = None
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A message the driver must read as `gives`, take as `status`, or refuse with `refused`.

    `available` is what an availability message says; `devices` holds `gives` of each device of a
    message that speaks of several, by key. A message may both give and refuse. `hex` stands instead
    of `payload` for bytes that are no text. `before` are [topic, payload or hex:...] of messages
    that must be heard first.
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
class Driver:
    """One dialect: which topics, who the device is, which fields.

    `availability` topics say whether a device is connected, `status` topics neither that nor
    readings. `holds` are paths without which a payload is not of this dialect; `anywhere` are sets
    of such paths by which it is known on whatever topic it is published. `device_at` are parts
    whose values, joined by `/`, name the device better than the topic; each is one of several
    paths, and the first part must be there. `device_drops` are characters left out of it.
    With `topic_first` it counts only on topics that are not of this dialect.
    `channel_at` is a path whose value is the channel of all that names none. The same values again
    within `repeat_s` are one message sent several times. `register_max` holds the highest value a
    register shows, by `quantity` or `channel/quantity` [canonical unit]; 0: not known. `options`
    belong to the codec. A driver with `extends` has no topics: it tells the codec of those drivers
    what the `keys` of a device type mean, which is told by `match` and `has` (codecs/models).
    """

    name: str
    model: str
    role: str
    topics: tuple[Topic, ...]
    availability: tuple[Topic, ...]
    status: tuple[Topic, ...]
    anywhere: tuple[tuple[tuple[str, ...], ...], ...]
    holds: tuple[tuple[str, ...], ...]
    device: str
    device_at: tuple[tuple[tuple[str, ...], ...], ...]
    channel_at: tuple[str, ...]
    unwrap: tuple[tuple[str, ...], ...]
    time_at: tuple[tuple[str, ...], ...]
    model_at: tuple[str, ...]
    codec: str
    fields: tuple[Field, ...]
    samples: tuple[Sample, ...]
    repeat_s: float = 0.0
    device_drops: str = ""
    topic_first: bool = False
    register_max: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    extends: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    models: tuple["Driver", ...] = ()
    file: str = ""


def load_drivers(extra_folder: Path | None = None) -> tuple[Driver, ...]:
    """Return the drivers of the site's own folder, which come first, and the built-in ones.

    Raises ConfigurationError naming file, key and remedy.
    """
    own = sorted(extra_folder.glob("*.toml")) if extra_folder and extra_folder.is_dir() else []
    drivers = (
        read_driver(path.read_text(encoding="utf-8"), file=path.name)
        for path in (*own, *sorted(_HERE.glob("*.toml")))
    )
    return combine(drivers, own=len(own))


def combine(drivers: Iterable[Driver], *, own: int = 0) -> tuple[Driver, ...]:
    """Return the drivers that read topics, each with the models that extend it.

    The first `own` are the site's: their models come last, and what comes last counts.

    Raises ConfigurationError for a name that stands twice and a model that extends no driver.
    """
    every = list(drivers)
    names = {driver.name for driver in every if not driver.extends}
    for index, driver in enumerate(every):
        if driver.name in {other.name for other in every[:index]}:
            raise ConfigurationError(
                file=driver.file,
                key="name",
                problem=f"{driver.name!r} stands twice",
                remedy="Give each driver a name of its own.",
            )
        if missing := set(driver.extends) - names:
            raise ConfigurationError(
                file=driver.file,
                key="extends",
                problem=f"{min(missing)!r} is no driver",
                remedy=f"Use some of {', '.join(sorted(names))}.",
            )
    models = [*every[own:], *every[:own]]
    return tuple(
        replace(driver, models=tuple(m for m in models if driver.name in m.extends))
        for driver in every
        if not driver.extends
    )


def read_driver(text: str, *, file: str) -> Driver:
    """Return the driver a TOML text declares."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            file=file, key="(syntax)", problem=str(error), remedy="Mend the TOML at that line."
        ) from error
    return driver_of(data, file=file)


def driver_of(data: Mapping[str, Any], *, file: str) -> Driver:
    """Return the driver that a table declares, wherever the table stands."""
    check_keys(data, file=file)
    for key in ("name", "model", "keys" if data.get("extends") else "topics"):
        if not data.get(key) and not (key == "topics" and data.get("anywhere")):
            raise ConfigurationError(
                file=file, key=key, problem="is missing", remedy=f"Add {key} = ..."
            )
    stars = data.get("stars", {})
    return Driver(
        name=data["name"],
        model=data["model"],
        role=data.get("role", "other"),
        topics=tuple(compile_topic(item, file=file) for item in data.get("topics", ())),
        availability=tuple(compile_topic(item, file=file) for item in data.get("availability", ())),
        status=tuple(compile_topic(item, file=file) for item in data.get("status", ())),
        anywhere=tuple(_paths(item) for item in data.get("anywhere", ())),
        holds=_paths(data.get("holds", ())),
        device=data.get("device", "{device}"),
        device_at=_parts(data.get("device_at", ())),
        channel_at=_path(data.get("channel_at", "")),
        unwrap=_paths(data.get("unwrap", ())),
        time_at=_paths(data.get("time_at", ())),
        model_at=_path(data.get("model_at", "")),
        codec=data.get("codec", "fields"),
        options=data.get("options", {}),
        extends=tuple(data.get("extends", ())),
        match=tuple(data.get("match", ())),
        has=tuple(data.get("has", ())),
        keys=data.get("keys", {}),
        fields=tuple(
            _field(item, stars, file=file, index=index)
            for index, item in enumerate(data.get("field", ()))
        ),
        samples=tuple(Sample(**item) for item in data.get("sample", ())),
        repeat_s=float(data.get("repeat_s", 0)),
        device_drops=data.get("device_drops", ""),
        topic_first=data.get("topic_first", False),
        register_max=_register_max(data.get("register_max", {}), file=file),
        file=file,
    )


def _register_max(data: Mapping[str, Any], *, file: str) -> dict[str, float]:
    for name, value in data.items():
        found = QUANTITIES.get(name.rpartition("/")[2])
        if found is None or found.kind is not Kind.COUNTER or value < 0:
            raise ConfigurationError(
                file=file,
                key=f"register_max.{name}",
                problem=f"{name} = {value} is no register's highest value",
                remedy="Write energy = 999999.99, in the quantity's own unit.",
            )
    return {name: float(value) for name, value in data.items()}


def dials_of(drivers: Iterable[Driver]) -> dict[str, dict[str, float]]:
    """Return what drivers document of their registers, by driver and by their devices' family."""
    found: dict[str, dict[str, float]] = {}
    for driver in drivers:
        if driver.register_max:
            keys = {sample.device.partition(":")[0] for sample in driver.samples if sample.device}
            found |= {key: dict(driver.register_max) for key in {driver.name, *keys}}
    return found


def _path(text: str) -> tuple[str, ...]:
    """Split `a.b.c`; a dot that belongs to a key is written `\\.`.

    >>> _path(r"em:0.act"), _path(r"1-0:1\\.8\\.0")
    (('em:0', 'act'), ('1-0:1.8.0',))
    """
    parts = re.split(r"(?<!\\)\.", text) if text else []
    return tuple(part.replace("\\.", ".") for part in parts)


def _paths(texts: str | tuple[str, ...] | list[str]) -> tuple[tuple[str, ...], ...]:
    """Return one path or several, for a key that may hold either."""
    several = [texts] if isinstance(texts, str) else texts
    return tuple(_path(text) for text in several if text)


def _parts(texts: str | list[str]) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return the parts of a name, each a choice of paths: `a|b` is a, or else b.

    >>> _parts(["mac|id", "model"])
    ((('mac',), ('id',)), (('model',),))
    """
    several = [texts] if isinstance(texts, str) else texts
    return tuple(_paths(text.split("|")) for text in several if text)


def _where(text: str) -> Where:
    """Return where `a.b` (from the root) or `.b` (beside the value) points.

    >>> _where(".Id"), _where("TempUnit")
    (Where(path=('Id',), beside=True), Where(path=('TempUnit',), beside=False))
    """
    return Where(_path(text.removeprefix(".")), beside=text.startswith("."))


def _conditions(data: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(
        Condition(_where(key), frozenset(str(word).lower() for word in words if word != "*"))
        for key, words in data.items()
    )


def _field(data: Mapping[str, Any], stars: Mapping[str, str], *, file: str, index: int) -> Field:
    where = f"field[{index}]"
    quantity, unit = data.get("quantity", ""), data.get("unit", "")
    if quantity not in QUANTITIES:
        raise ConfigurationError(
            file=file,
            key=f"{where}.quantity",
            problem=f"{quantity!r} is unknown",
            remedy=f"Use one of {', '.join(sorted(QUANTITIES))}.",
        )
    if "path" not in data:
        raise ConfigurationError(
            file=file, key=f"{where}.path", problem="is missing", remedy='Add path = "..."'
        )
    known = bool(data.get("unit_at")) or unit in {UNIT_UNKNOWN, UNIT_WRITTEN}
    if QUANTITIES[quantity].kind is Kind.STATE and unit != UNIT_UNKNOWN:
        known = True
    try:
        factor, offset = (1.0, 0.0) if known else factor_offset(quantity, unit)
        star = re.compile(_named(data["star"], stars)) if "star" in data else None
    except (UnknownUnitError, re.error) as error:
        raise ConfigurationError(
            file=file,
            key=f"{where}.unit" if isinstance(error, UnknownUnitError) else f"{where}.star",
            problem=str(error),
            remedy="Name the unit the device documents"
            f" ({', '.join(choices(quantity)) or 'none'}; `0.1 °C` for tenths);"
            " without one there is no reading.",
        ) from error
    beside = data.get("channel_at", ())
    return Field(
        path=_path(data["path"]),
        quantity=quantity,
        unit=unit,
        channel=data.get("channel", ""),
        star=star,
        phases=data.get("phases", False),
        invert=data.get("invert", False),
        nonzero=data.get("nonzero", False),
        words={str(word).lower(): float(n) for word, n in data.get("words", {}).items()},
        channel_at=tuple(_where(p) for p in ([beside] if isinstance(beside, str) else beside)),
        unit_at=_where(data["unit_at"]) if data.get("unit_at") else None,
        time_at=_where(data["time_at"]) if data.get("time_at") else None,
        when=_conditions(data.get("when", {})),
        unless=_conditions(data.get("unless", {})),
        between=_between(data, file=file, where=where),
        factor=factor,
        offset=offset,
    )


def _named(star: str, stars: Mapping[str, str]) -> str:
    """Put the driver's named patterns into a star.

    >>> _named("<line>|total", {"line": "[abc]"})
    '(?:[abc])|total'
    """
    for name, pattern in stars.items():
        star = star.replace(f"<{name}>", f"(?:{pattern})")
    return star


def _between(data: Mapping[str, Any], *, file: str, where: str) -> tuple[float, float] | None:
    try:
        low, high = map(float, data["between"]) if "between" in data else (0.0, 0.0)
    except (TypeError, ValueError) as error:
        remedy = "Write the lowest and the highest number, as between = [0, 100]."
        key = f"{where}.between"
        raise ConfigurationError(file=file, key=key, problem=str(error), remedy=remedy) from error
    return (low, high) if "between" in data else None
