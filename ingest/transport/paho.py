"""MQTT by paho in a thread of its own, acknowledged by hand after the commit."""

import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from caretaker.clock import Clock, SystemClock
from ingest.broker.port import Address
from ingest.transport.port import Message, OnEvent

_KEEPALIVE_S = 30
_HELD = 100_000
_HELD_BYTES = 64 * 1024 * 1024
"""More than this in hand and the socket is read no more: the broker queues, nothing is dropped."""
_BATCH_BYTES = 8 * 1024 * 1024


def _ignore(event: str, detail: str) -> None:
    del event, detail


class PahoTransport:
    """A session that outlives connections: fixed client id, clean_session false, QoS 1.

    A message is acknowledged only on the connection it came by; on a new one the broker sends it
    again (MQTT 3.1.1, 4.4).
    """

    def __init__(
        self,
        address: Address,
        *,
        client_id: str,
        topics: Sequence[str] = ("#",),
        on_event: OnEvent = _ignore,
        clock: Clock | None = None,
    ) -> None:
        if not client_id:
            raise ValueError("a session needs a fixed client id")
        self._address = address
        self._topics = tuple(topics)
        self._on_event = on_event
        self._now_ms = (clock or SystemClock()).now_ms
        self._inbox: deque[Message] = deque()
        # Two counters that each one thread alone moves on; what is in hand is their difference.
        self._taken_in = self._handed_out = 0
        self._arrived = threading.Event()
        self._generation = 0
        self._had_session = False
        self._connected = False
        self._thread: threading.Thread | None = None
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        if address.username:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(address.ca_file or None, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.reconnect_delay_set(1, 10)
        # Messages of a resumed session may arrive before the first call returns: callbacks first.
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._client.connect_async(self._address.host, self._address.port, _KEEPALIVE_S)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._client.loop_forever(retry_first_connection=True)

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if reason.is_failure:
            self._on_event("refused", str(reason))
            return
        self._generation += 1
        if self._had_session and not flags.session_present:
            self._on_event("session_lost", "the broker forgot what waited for us")
        self._had_session = True
        # Always subscribe again: a broker that lost the session would stay silent for ever.
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        # Only now does the broker keep for us what is published.
        if any(reason.is_failure for reason in reasons):
            self._on_event("refused", "the broker does not let us subscribe")
            return
        self._connected = True
        self._on_event("connected", f"{self._address.host}:{self._address.port}")

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: object,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        self._connected = False
        self._on_event("disconnected", str(reason))

    def _on_message(
        self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        # Only this may happen in paho's thread: an exception here would end it.
        self._inbox.append(
            Message(
                message._topic.decode("utf-8", "replace"),  # the property raises on bad UTF-8
                bytes(message.payload),
                self._now_ms(),
                message.qos,
                bool(message.retain),
                bool(message.dup),
                self._generation << 16 | message.mid,
            )
        )
        self._taken_in += len(message.payload)
        if not self._arrived.is_set():
            self._arrived.set()
        while len(self._inbox) > _HELD or self._taken_in - self._handed_out > _HELD_BYTES:
            time.sleep(0.01)

    def receive(self, *, limit: int, timeout_s: float) -> Sequence[Message]:
        """Return up to `limit` messages in order of arrival, fewer when they are large."""
        if not self._inbox:
            self._arrived.clear()
            if not self._inbox:
                self._arrived.wait(timeout_s)
        inbox, batch, size = self._inbox, [], 0
        for _ in range(min(limit, len(inbox))):
            message = inbox.popleft()
            batch.append(message)
            size += len(message.payload)
            if size >= _BATCH_BYTES:
                break
        self._handed_out += size
        return batch

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Send PUBACK for those of this connection; the others will come again."""
        ack, generation = self._client.ack, self._generation
        for message in messages:
            if message.qos and message.receipt >> 16 == generation:
                ack(message.receipt & 0xFFFF, message.qos)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send a message, best effort."""
        if self._connected:
            self._client.publish(topic, payload, qos=qos, retain=retain)

    @property
    def connected(self) -> bool:
        """Whether the broker accepted us and has not gone."""
        return self._connected

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and queues for us."""
        self._client.disconnect()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
        self._connected = False
