"""Fair admission: a device that floods takes from itself, not from the others.

A message beyond its device's rate becomes no reading: it is kept raw in quarantine with the reason
`flood`, counted, and can be used later. The burst is wide enough for a device that sends what it
stored through an outage.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.transport.port import Message

DEVICE_HZ = 50.0
"""Messages a second that one known device may send for long."""

STRANGERS_HZ = 200.0
"""Messages a second of all devices together that the journal does not know yet."""

BURST = 5_000.0
"""Messages of one device that may come at once after a silence: three days of minutes."""

_STEPPED_BACK_MS = 10_000
_TOPICS = 50_000
_SHARED = "*"
_OF_A_DEVICE = (Rejected(RejectReason.FLOOD, "beyond the rate of one device"),)
_OF_STRANGERS = (Rejected(RejectReason.FLOOD, "beyond the rate of all unknown devices"),)


@dataclass(slots=True)
class Bucket:
    """A token bucket on the time of receipt; it starts full and never lends.

    >>> bucket = Bucket(rate_hz=1.0, burst=2.0)
    >>> [bucket.take(at_ms) for at_ms in (0, 0, 0, 1000, 1000)]
    [True, True, False, True, False]
    """

    rate_hz: float
    burst: float
    tokens: float = -1.0
    at_ms: int = 0

    def has(self, at_ms: int) -> bool:
        """Return whether one more message at `at_ms` is within the rate; takes nothing."""
        if self.tokens < 0.0:
            self.tokens, self.at_ms = self.burst, at_ms
        elif at_ms > self.at_ms:
            earned = (at_ms - self.at_ms) * self.rate_hz / 1000.0
            self.tokens, self.at_ms = min(self.burst, self.tokens + earned), at_ms
        elif at_ms < self.at_ms - _STEPPED_BACK_MS:
            self.at_ms = at_ms  # the server's clock was set back: earn from here on
        return self.tokens >= 1.0

    def full(self, at_ms: int) -> bool:
        """Return whether nothing is owed."""
        return self.has(at_ms) and self.tokens >= self.burst

    def take(self, at_ms: int) -> bool:
        """Take one message's share; return whether there was one."""
        if not self.has(at_ms):
            return False
        self.tokens -= 1.0
        return True


class Gate:
    """Decides which messages become readings now.

    `known` says whether the journal has a device; those it has not share one bucket, so that names
    made up by the thousand cost nobody memory or time. Once a bucket is empty its messages are not
    even decoded, as far as their topic tells whose they are. A topic that many devices share (a
    gateway's) is always decoded and each of its devices has its own share.
    """

    def __init__(
        self,
        known: Callable[[str], bool],
        *,
        topics: Mapping[str, str] | None = None,
        device_hz: float = DEVICE_HZ,
        strangers_hz: float = STRANGERS_HZ,
        burst: float = BURST,
    ) -> None:
        self.flooding: dict[str, int] = {}
        """How many messages of each known device were beyond its rate; "" for the strangers."""
        self._known = known
        self._device_hz = device_hz
        self._burst = burst
        self._strangers = Bucket(strangers_hz, min(burst, 5.0 * strangers_hz))
        # A known device on a topic not seen yet must be found among strangers that flood.
        self._glances = Bucket(2.0 * strangers_hz, 2.0 * strangers_hz)
        self._buckets: dict[str, Bucket] = {}
        self._owner: dict[str, str] = dict(topics or {})

    def closed(self, message: Message) -> bool:
        """Return whether this message's sender is beyond its rate, by the topic alone."""
        owner = self._owner.get(message.topic, "")
        if owner == _SHARED:
            return False
        if owner:
            return not self._bucket(owner).has(message.received_ms)
        if self._strangers.has(message.received_ms):
            return False
        return not self._glances.take(message.received_ms)

    def held(self, message: Message) -> Arrival:
        """Return what is kept of a message that was not decoded."""
        owner = self._owner.get(message.topic, "")
        return self._flood(
            Arrival(
                topic=message.topic,
                payload=message.payload,
                received_ms=message.received_ms,
                device=owner,
                retained=message.retained,
                qos=message.qos,
            ),
            owner,
        )

    def admit(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return the arrivals of one message, those beyond their device's rate as refused.

        >>> gate = Gate(lambda key: key == "native:a/b", device_hz=1.0, burst=1.0)
        >>> arrival = Arrival("t", b"{}", 0, device="native:a/b")
        >>> [gate.admit([arrival])[0] is arrival for _ in range(2)], gate.flooding
        ([True, False], {'native:a/b': 1})
        """
        admitted = []
        for arrival in arrivals:
            owner = arrival.device if arrival.device and self._known(arrival.device) else ""
            if owner:
                self._learn(arrival.topic, owner, shared=len(arrivals) > 1)
            if self._bucket(owner).take(arrival.received_ms):
                admitted.append(arrival)
            else:
                admitted.append(self._flood(arrival, owner))
        return admitted

    def calm(self, now_ms: int) -> list[str]:
        """Return the known devices that flooded and have their whole share again."""
        return [
            owner for owner in tuple(self.flooding) if owner and self._bucket(owner).full(now_ms)
        ]

    def _learn(self, topic: str, owner: str, *, shared: bool) -> None:
        before = self._owner.get(topic)
        if before == owner and not shared:
            return
        if before is None and len(self._owner) >= _TOPICS:
            return
        self._owner[topic] = _SHARED if shared or before is not None else owner

    def _bucket(self, owner: str) -> Bucket:
        if not owner:
            return self._strangers
        found = self._buckets.get(owner)
        if found is None:
            found = self._buckets[owner] = Bucket(self._device_hz, self._burst)
        return found

    def _flood(self, arrival: Arrival, owner: str) -> Arrival:
        self.flooding[owner] = self.flooding.get(owner, 0) + 1
        return Arrival(
            topic=arrival.topic,
            payload=arrival.payload,
            received_ms=arrival.received_ms,
            device=arrival.device,
            driver=arrival.driver,
            rejected=_OF_A_DEVICE if owner else _OF_STRANGERS,
            retained=arrival.retained,
            qos=arrival.qos,
        )


def flooded(arrival: Arrival) -> bool:
    """Return whether an arrival was refused for its device's rate."""
    return arrival.rejected is _OF_A_DEVICE or arrival.rejected is _OF_STRANGERS
