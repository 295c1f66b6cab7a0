"""Publishes notifications on a topic: a siren, a lamp, a sign in the kitchen."""

import json
import ssl
from dataclasses import dataclass
from urllib.parse import quote

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from alerting.channels.place import Place, word
from alerting.channels.webhook import content
from alerting.port import Notification, Outcome
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError
from ingest.broker.port import Address
from ingest.transport.url import address_of

_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Publishes with QoS 1; `on` and `off` replace the JSON. Off is sent when nobody is called."""

    name: str
    place: Place
    topic: str
    address: Address | None = None
    on: str = ""
    off: str = ""
    retain: bool = False
    timeout_s: float = _TIMEOUT_S

    def deliver(self, notification: Notification) -> Outcome:
        """Publish and wait until the broker has taken it."""
        address = self.address or self.place.broker()
        if address is None:
            return Outcome(delivered=False, retry=True, detail="the broker does not run")
        payload = self._payload(notification)
        try:
            self._publish(address, payload)
        except (OSError, ValueError, RuntimeError) as error:
            detail = f"{type(error).__name__}: {error}"
            for hidden in (address.password, self.place.secret):
                detail = detail.replace(hidden, "***") if hidden else detail
            return Outcome(delivered=False, retry=True, detail=detail[:160])
        return Outcome(delivered=True)

    def _payload(self, notification: Notification) -> bytes:
        ringing = not notification.over or notification.calling > 0
        if self.on or self.off:
            return (self.on if ringing else self.off).encode()
        state = "ON" if ringing else "OFF"
        message = {"state": state, "calling": notification.calling} | content(notification)
        del message["recipients"]
        return json.dumps(message, ensure_ascii=False).encode()

    def _publish(self, address: Address, payload: bytes) -> None:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"caretaker-{quote(self.name, safe='')[:40]}",
            protocol=mqtt.MQTTv311,
        )
        refused: list[str] = []

        def connected(
            _client: object, _userdata: object, _flags: object, reason: object, _props: object
        ) -> None:
            if getattr(reason, "is_failure", False):
                refused.append(str(reason))

        client.on_connect = connected
        client.connect_timeout = self.timeout_s / 2
        if address.username:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(address.ca_file or None, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.connect(address.host, address.port, keepalive=max(2, round(self.timeout_s)))
        client.loop_start()
        try:
            info = client.publish(self.topic, payload, qos=1, retain=self.retain)
            info.wait_for_publish(self.timeout_s)
            if not info.is_published():
                raise TimeoutError(refused[0] if refused else "the broker did not take it")
        finally:
            client.disconnect()
            client.loop_stop()


def build(settings: ChannelSettings, place: Place) -> Mqtt:
    """Return the channel from `topic`, `url`, `username`, `ca_file`, `on`, `off`, `retain`."""
    options = settings.options
    topic = word(settings, place, "topic", "where the siren or the lamp listens")
    if any(sign in topic for sign in "+#\0"):
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}.topic",
            problem=f"{topic!r} is no single topic",
            remedy="Write the one topic that the thing listens on.",
        )
    address = None
    if url := options.get("url"):
        address = address_of(
            str(url),
            file=place.file,
            username=str(options.get("username", "")),
            password=place.secret,
            ca_file=str(options.get("ca_file", "")),
        )
    return Mqtt(
        name=settings.name,
        place=place,
        topic=topic,
        address=address,
        on=str(options.get("on", "")),
        off=str(options.get("off", "")),
        retain=options.get("retain") is True,
    )
