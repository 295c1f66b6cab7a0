"""Models inside an envelope: what the keys of one device type mean, by its own driver file.

A driver file without topics extends an envelope (`extends = ["lorawan"]`). It applies to a device
whose profile, model, name or key fits a glob of `match`, or whose object holds every key of `has`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Rejected
from ingest.codecs.collect import Names
from ingest.codecs.keys import Key
from ingest.codecs.objects import read_object
from ingest.codecs.port import LIST, Shape
from ingest.codecs.values import Value
from ingest.driver import Driver
from ingest.recent import Recent, brief
from ingest.units import UnknownUnitError, factor_offset

_KNOWN = 2_500  # devices whose models are remembered
_KINDS = 100


@dataclass(frozen=True, slots=True)
class Model:
    """One device type: how it is told, and what its keys mean (None: no reading)."""

    name: str
    match: tuple[str, ...]
    has: frozenset[str]
    keys: Mapping[str, Key | None]

    def named(self, labels: Iterable[str]) -> bool:
        """Return whether one of these labels says that a device is of this type."""
        return any(fnmatchcase(label.lower(), glob) for label in labels for glob in self.match)

    def holds(self, decoded: object) -> bool:
        """Return whether an object has the keys of this type."""
        return bool(self.has) and isinstance(decoded, dict) and self.has <= decoded.keys()


class Models:
    """Reads decoded objects by the models that extend an envelope, then by the grammar of names."""

    def __init__(self, driver: Driver, *, implied: Mapping[str, str] | None = None) -> None:
        own = (replace(driver, match=("*",)),) if driver.keys else ()
        self._models = tuple(_model(item) for item in (*own, *driver.models))
        self._implied = implied or {}
        self._known = Recent[tuple[str, ...], _Kind](_KNOWN)
        self._kinds = Recent[frozenset[str], _Kind](_KINDS)
        self._tables = Recent[tuple[str, ...], Names](_KINDS)

    def read(self, decoded: Any, *labels: str) -> tuple[list[Value | Rejected], str]:
        """Return the values of a decoded object, and the name of the model that helped."""
        kind = self._of(labels)
        shape = tuple(decoded) if isinstance(decoded, dict) else LIST
        found = kind.by_shape.get(shape)
        if found is None:
            found = self._applied(kind, decoded)
            if brief(shape):
                kind.by_shape.keep(shape, found)
        names, name = found
        return read_object(decoded, names), name

    def _applied(self, kind: "_Kind", decoded: Any) -> tuple[Names, str]:
        """Return what names mean by the models that an object fits, and the last one's name."""
        applied = [m for m in kind.possible if m.name in kind.named or m.holds(decoded)]
        name = ""
        for model in applied:
            name = model.name if model.has or model.match != ("*",) else name
        together = tuple(model.name for model in applied)
        names = self._tables.get(together)
        if names is None:
            keys: dict[str, Key | None] = {}
            for model in applied:
                keys |= model.keys
            names = self._tables.keep(together, Names(keys, self._implied))
        return names, name

    def key(self, name: str, *labels: str) -> Key | None:
        """Return what a model of one of these labels says of one name."""
        named = self._of(labels).named
        for model in reversed(self._models):
            if name in model.keys and model.name in named:
                return model.keys[name]
        return None

    def _of(self, labels: tuple[str, ...]) -> "_Kind":
        """Return which models a device's labels tell; labels seldom change: it is remembered."""
        found = self._known.get(labels)
        if found is None:
            named = frozenset(model.name for model in self._models if model.named(labels))
            found = self._kinds.get(named)
            if found is None:
                possible = tuple(m for m in self._models if m.has or m.name in named)
                found = self._kinds.keep(named, _Kind(named, possible))
            if brief(labels):
                self._known.keep(labels, found)
        return found


class _Kind:
    """Devices of the same labels: the models these tell, and all that may fit them."""

    def __init__(self, named: frozenset[str], possible: tuple[Model, ...]) -> None:
        self.named = named
        self.possible = possible
        self.by_shape = Recent[Shape, tuple[Names, str]](_KINDS)


def _model(driver: Driver) -> Model:
    return Model(
        name=driver.name,
        match=tuple(glob.lower() for glob in driver.match),
        has=frozenset(driver.has),
        keys={key: _key(driver, key, text) for key, text in driver.keys.items()},
    )


def _key(driver: Driver, key: str, text: str) -> Key | None:
    """Return what `quantity unit channel` says; an empty text says that the key is no reading.

    With a quantity alone the payload names the unit; `-` stands for it before a channel.
    """
    if not text:
        return None
    quantity, unit, channel = (*text.split(), "", "")[:3]
    unit = "" if unit == "-" else unit
    problem = "" if quantity in QUANTITIES else f"{quantity!r} is no quantity"
    if not problem and unit:
        try:
            factor_offset(quantity, unit)
        except UnknownUnitError as error:
            problem = str(error)
    if problem:
        raise ConfigurationError(
            file=driver.file,
            key=f"keys.{key}",
            problem=problem,
            remedy='Write "quantity unit" or "quantity unit channel", as in "energy kWh".',
        )
    return Key(quantity, unit, channel)
