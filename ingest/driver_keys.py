"""The keys a driver file may hold: a word that is none is a typing error, not a wish to ignore."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from caretaker.errors import ConfigurationError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DRIVER = _words(
    "name model role topics anywhere holds availability status device device_at device_drops"
    " topic_first model_at channel_at time_at unwrap repeat_s register_max codec options extends"
    " match has keys stars field sample"
)
FIELD = _words(
    "path star between quantity unit unit_at channel channel_at phases when unless time_at invert"
    " nonzero words"
)
SAMPLE = _words("topic payload hex before gives refused status device available devices")


def check_keys(data: Mapping[str, Any], *, file: str) -> None:
    """Refuse a key that means nothing. Raises ConfigurationError with file, key and remedy.

    >>> check_keys({"name": "x", "topic": ["a"]}, file="x.toml")
    Traceback (most recent call last):
        ...
    caretaker.errors.ConfigurationError: x.toml: topic: is no key of a driver. Did you mean topics?
    """
    _look(data, DRIVER, "a driver", file, "")
    for name, known in (("field", FIELD), ("sample", SAMPLE)):
        rows = data.get(name, ())
        if not isinstance(rows, list | tuple):
            raise ConfigurationError(
                file=file, key=name, problem="is no list", remedy=f"Write [[{name}]]."
            )
        for index, row in enumerate(rows):
            _look(row, known, f"a {name}", file, f"{name}[{index}].")


def _look(table: Mapping[str, Any], known: Collection[str], what: str, file: str, at: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, sorted(known), 1)
            raise ConfigurationError(
                file=file,
                key=f"{at}{key}",
                problem=f"is no key of {what}",
                remedy=f"Did you mean {near[0]}?" if near else f"Use {', '.join(sorted(known))}.",
            )
