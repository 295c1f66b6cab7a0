"""One module a notification channel, its settings beside it."""

from collections.abc import Callable, Mapping

from alerting.channels import apprise, console, dingtalk, email, feishu, mqtt, sms, webhook, wecom
from alerting.channels.place import Place, no_broker
from alerting.port import Notifier
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError
from ingest.broker.port import Address

KINDS: dict[str, Callable[[ChannelSettings, Place], Notifier]] = {
    "console": console.build,
    "webhook": webhook.build,
    "email": email.build,
    "wecom": wecom.build,
    "dingtalk": dingtalk.build,
    "feishu": feishu.build,
    "sms": sms.build,
    "mqtt": mqtt.build,
    "apprise": apprise.build,
}


def build_channels(
    settings: tuple[ChannelSettings, ...],
    *,
    secrets: Mapping[str, str],
    file: str,
    broker: Callable[[], Address | None] = no_broker,
) -> dict[str, Notifier]:
    """Return the channels by name; `broker` tells where Caretaker's own broker is, once it runs.

    Raises ConfigurationError naming the key and the remedy.
    """
    built: dict[str, Notifier] = {}
    for item in settings:
        make = KINDS.get(item.kind)
        if make is None:
            raise ConfigurationError(
                file=file,
                key=f"channels.{item.name}.kind",
                problem=f"{item.kind!r} is unknown",
                remedy=f"Use one of {', '.join(sorted(KINDS))}.",
            )
        rate = item.options.get("per_min", 18)
        if isinstance(rate, bool) or not isinstance(rate, int) or not 1 <= rate <= 1000:
            raise ConfigurationError(
                file=file,
                key=f"channels.{item.name}.per_min",
                problem=f"{rate!r} is no number of messages",
                remedy="Write a number from 1 to 1000; robots take 18.",
            )
        built[item.name] = make(item, Place(file, secrets.get(item.name, ""), broker))
    return built
