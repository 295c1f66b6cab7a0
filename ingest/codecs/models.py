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
from ingest.codecs.keys import Key
from ingest.codecs.objects import read_object
from ingest.codecs.values import Value
from ingest.driver import Driver
from ingest.units import UnknownUnitError, factor_offset

_KNOWN = 5_000  # devices whose models are remembered


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
        self._named: dict[tuple[str, ...], tuple[frozenset[str], tuple[Model, ...]]] = {}

    def read(self, decoded: Any, *labels: str) -> tuple[list[Value | Rejected], str]:
        """Return the values of a decoded object, and the name of the model that helped."""
        keys: dict[str, Key | None] = {}
        name, (named, possible) = "", self._of(labels)
        for model in possible:
            if model.name in named or model.holds(decoded):
                keys |= model.keys
                name = model.name if model.has or model.match != ("*",) else name
        return read_object(decoded, keys=keys, implied=self._implied), name

    def key(self, name: str, *labels: str) -> Key | None:
        """Return what a model of one of these labels says of one name."""
        named, _ = self._of(labels)
        for model in reversed(self._models):
            if name in model.keys and model.name in named:
                return model.keys[name]
        return None

    def _of(self, labels: tuple[str, ...]) -> tuple[frozenset[str], tuple[Model, ...]]:
        """Return the names of the models that a device's labels tell, and all that may fit it.

        Labels seldom change, so it is remembered.
        """
        found = self._named.get(labels)
        if found is None:
            if len(self._named) >= _KNOWN:
                self._named.clear()
            named = frozenset(model.name for model in self._models if model.named(labels))
            found = (named, tuple(m for m in self._models if m.has or m.name in named))
            self._named[labels] = found
        return found


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
