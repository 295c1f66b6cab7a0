"""What a channel is built with besides its own settings."""

from collections.abc import Callable
from dataclasses import dataclass, field

from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError
from ingest.broker.port import Address


def no_broker() -> Address | None:
    """Return nothing: there is no broker of our own."""
    return None


@dataclass(frozen=True, slots=True)
class Place:
    """The settings file's name, the channel's secret, and Caretaker's own broker once it runs."""

    file: str
    secret: str = field(default="", repr=False)
    broker: Callable[[], Address | None] = no_broker


def needed(secret: str, settings: ChannelSettings, place: Place, what: str) -> str:
    """Return the secret, or say where to write it."""
    if not secret:
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}",
            problem="has no secret",
            remedy=f"Write {what} into secrets.toml: [channels] {settings.name} = ...",
        )
    return secret


def word(settings: ChannelSettings, place: Place, key: str, what: str) -> str:
    """Return an option that must be a text, or say what it is."""
    found = settings.options.get(key)
    if not isinstance(found, str) or not found:
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}.{key}",
            problem="is missing",
            remedy=f'Write {key} = "..." ({what}).',
        )
    return found
