"""One module a notification channel, its settings beside it."""

from collections.abc import Callable, Mapping

from alerting.channels import console, email, webhook
from alerting.port import Notifier
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError

_KINDS: dict[str, Callable[..., Notifier]] = {
    "console": console.build,
    "webhook": webhook.build,
    "email": email.build,
}


def build_channels(
    settings: tuple[ChannelSettings, ...], *, secrets: Mapping[str, str], file: str
) -> dict[str, Notifier]:
    """Return the channels by name. Raises ConfigurationError naming the key and the remedy."""
    built: dict[str, Notifier] = {}
    for item in settings:
        make = _KINDS.get(item.kind)
        if make is None:
            raise ConfigurationError(
                file=file,
                key=f"channels.{item.name}.kind",
                problem=f"{item.kind!r} is unknown",
                remedy=f"Use one of {', '.join(sorted(_KINDS))}.",
            )
        built[item.name] = make(item, secret=secrets.get(item.name, ""), file=file)
    return built
