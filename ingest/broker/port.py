"""What a broker promises; every one passes tests/contract/test_broker.py."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect and as whom."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the broker. `topics` are the MQTT filters it may publish to and read.

    Empty `topics` means everything (Caretaker itself).
    """

    username: str
    password: str
    topics: tuple[str, ...] = ()


def device_topics(name: str) -> tuple[str, ...]:
    """Return the filters that a device of this name may use, in every dialect's manner.

    >>> device_topics("plug")[:2]
    ('caretaker/1/+/plug/#', 'tele/plug/#')
    """
    return (
        f"caretaker/1/+/{name}/#",
        f"tele/{name}/#",
        f"stat/{name}/#",
        f"cmnd/{name}/#",
        f"{name}/#",
        f"zigbee2mqtt/{name}",
        f"zigbee2mqtt/{name}/#",
        f"wmbusmeters/{name}",
    )


class Broker(Protocol):
    """A supervised MQTT broker: durable QoS 1 queues, restarted when it dies."""

    def start(self) -> None:
        """Start and return when it accepts connections; raises BrokerError with a remedy."""
        ...

    def address(self, username: str) -> Address:
        """Return where that user connects."""
        ...

    @property
    def running(self) -> bool:
        """Whether the broker process is alive."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """Refusals read from its log (bad topic, bad password), newest last, with the remedy."""
        ...

    def set_logins(self, logins: tuple[Login, ...]) -> None:
        """Replace the users without dropping the connections of those that stay."""
        ...

    def stop(self) -> None:
        """Stop by pid and wait; what was queued stays on disk."""
        ...
