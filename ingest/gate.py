"""Fair admission: a device that floods takes from itself, not from the others.

A message beyond its device's share becomes no reading: it is kept raw in quarantine with the reason
`flood` and can be used later, and what comes faster than anything real could send is counted only.
The burst is wide enough for a device that sends what it stored through an outage.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.transport.port import Message
from storage.quarantine import OVERFLOW

DEVICE_HZ = 50.0
"""Messages a second that one known device may send for long."""

STRANGERS_HZ = 200.0
"""Messages a second of all devices together that the journal does not know yet."""

BURST = 5_000.0
"""Messages of one device that may come at once after a silence: three days of minutes."""

GATEWAY_SHARES = 10.0
"""How many devices' rate a topic may have that several devices share."""

SHARE_BYTES = 4_096
"""A message as long as this counts as two, and so on: a large one costs others as much as many."""

KEPT_HZ = 1_000.0
"""Messages a second beyond their devices' share that are kept raw; no meter sends as fast."""

STRANGERS_KEPT_HZ = 200.0
"""The same for devices that the journal does not know."""

_CALM = 0.9  # of its burst left: what this device sends is decoded before others' crowds
_STEPPED_BACK_MS = 10_000
_TOPICS = 50_000
_SHARED = "*"
_OF_A_DEVICE = (Rejected(RejectReason.FLOOD, "beyond the rate of one device"),)
_OF_STRANGERS = (Rejected(RejectReason.FLOOD, "beyond the rate of all unknown devices"),)
_COUNTED = (Rejected(RejectReason.FLOOD, OVERFLOW),)


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

    def has(self, at_ms: int, cost: float = 1.0) -> bool:
        """Return whether `cost` more at `at_ms` is within the rate; takes nothing."""
        if self.tokens < 0.0:
            self.tokens, self.at_ms = self.burst, at_ms
        elif at_ms > self.at_ms:
            earned = (at_ms - self.at_ms) * self.rate_hz / 1000.0
            self.tokens, self.at_ms = min(self.burst, self.tokens + earned), at_ms
        elif at_ms < self.at_ms - _STEPPED_BACK_MS:
            self.at_ms = at_ms  # the server's clock was set back: earn from here on
        return self.tokens >= min(cost, self.burst)

    def full(self, at_ms: int) -> bool:
        """Return whether nothing is owed."""
        return self.has(at_ms) and self.tokens >= self.burst

    def take(self, at_ms: int, cost: float = 1.0) -> bool:
        """Take one message's share; return whether there was one."""
        if not self.has(at_ms, cost):
            return False
        self.tokens -= min(cost, self.burst)
        return True


def cost_of(message: Message | Arrival) -> float:
    """Return how many messages' share a message takes by its length.

    >>> cost_of(Message("t", b"{}", 0)), cost_of(Message("t", b"x" * 1_000_000, 0))
    (1.0, 245.0)
    """
    return 1.0 + (len(message.topic) + len(message.payload)) // SHARE_BYTES


class Standing(Enum):
    """How a sender stands with its share."""

    CALM = 1
    """It sends as devices do: decoded and committed before others' crowds."""
    BUSY = 2
    """It has used some of its burst, or nobody knows it."""
    REFUSED = 3
    """Its share is used up."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the topic of a message tells; `payer` is the device whose share it took already."""

    standing: Standing
    payer: str | None = None


_REFUSED = Look(Standing.REFUSED)
_GLANCE = Look(Standing.BUSY)
_STRANGER = Look(Standing.BUSY, "")
_GATEWAY = Look(Standing.BUSY)
_CALM_GATEWAY = Look(Standing.CALM)


@dataclass(slots=True)
class _Share:
    bucket: Bucket
    calm: Look
    busy: Look
    floor: float = field(init=False)

    def __post_init__(self) -> None:
        self.floor = _CALM * self.bucket.burst

    def look(self, at_ms: int, cost: float) -> Look:
        bucket = self.bucket
        if at_ms == bucket.at_ms and bucket.tokens >= cost:
            bucket.tokens -= cost  # as `take` does; most messages of a batch come at one instant
        elif not bucket.take(at_ms, cost):
            return _REFUSED
        return self.calm if bucket.tokens >= self.floor else self.busy


class Gate:
    """Decides which messages become readings now.

    `known` says whether the journal has a device; those it has not share one bucket, so that names
    made up by the thousand cost nobody memory or time. Once a bucket is empty its messages are not
    even decoded, as far as their topic tells whose they are. A topic that many devices share (a
    gateway's) has a wider share, and within it each of its devices its own.
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
        self._glances = Bucket(strangers_hz, min(burst, 5.0 * strangers_hz))
        self._kept = Bucket(KEPT_HZ, 2.0 * KEPT_HZ)
        self._strangers_kept = Bucket(STRANGERS_KEPT_HZ, 10.0 * STRANGERS_KEPT_HZ)
        self._counted: Counter[str] = Counter()
        self._counted_ms = 0
        self._shares: dict[str, _Share] = {}
        self._gateways: dict[str, _Share] = {}
        self._owner: dict[str, str] = dict(topics or {})

    def heard(self, topic: str) -> bool:
        """Return whether it is known whose topic that is."""
        return topic in self._owner

    def look(self, message: Message) -> Look:
        """Take a message's share by its topic alone, and return how its sender stands."""
        topic, at_ms, cost = message.topic, message.received_ms, cost_of(message)
        owner = self._owner.get(topic)
        if owner is None:
            if self._strangers.take(at_ms, cost):
                return _STRANGER
            return _GLANCE if self._glances.take(at_ms, cost) else _REFUSED
        share = self._gateway(topic) if owner == _SHARED else self._share(owner)
        return share.look(at_ms, cost)

    def refuse(self, message: Message) -> Arrival | None:
        """Return what is kept of a message that was not decoded, None when it is counted only."""
        owner = self._owner.get(message.topic, "")
        if owner == _SHARED:
            owner = ""
        self.flooding[owner] = self.flooding.get(owner, 0) + 1
        at_ms = message.received_ms
        if not (self._kept if owner else self._strangers_kept).take(at_ms, cost_of(message)):
            self._counted[owner] += 1
            self._counted_ms = at_ms
            return None
        return Arrival(
            topic=message.topic,
            payload=message.payload,
            received_ms=at_ms,
            device=owner,
            rejected=_OF_A_DEVICE if owner else _OF_STRANGERS,
            retained=message.retained,
            qos=message.qos,
        )

    @property
    def counting(self) -> bool:
        """Whether there is something in `counted`."""
        return bool(self._counted)

    def counted(self) -> list[Arrival]:
        """Return what was counted only since the last call, one arrival a device."""
        if not self._counted:
            return []
        counted, self._counted = self._counted, Counter()
        return [
            Arrival(
                topic="",
                payload=b"",
                received_ms=self._counted_ms,
                device=owner,
                rejected=_COUNTED,
                repeats=times,
            )
            for owner, times in counted.items()
        ]

    def admit(self, arrivals: Sequence[Arrival], *, payer: str | None = None) -> list[Arrival]:
        """Return the arrivals of one message, those beyond their device's rate as refused.

        `payer` is the device whose share was taken when the message was looked at ("" stands for
        all strangers), None when it was nobody's.

        >>> gate = Gate(lambda key: key == "native:a/b", device_hz=1.0, burst=1.0)
        >>> arrival = Arrival("t", b"{}", 0, device="native:a/b")
        >>> [gate.admit([arrival])[0] is arrival for _ in range(2)], gate.flooding
        ([True, False], {'native:a/b': 1})
        """
        if payer and len(arrivals) == 1 and arrivals[0].device == payer:
            return list(arrivals)  # whose topic it is was known, or its share was not taken
        admitted = []
        for arrival in arrivals:
            owner = arrival.device if arrival.device and self._known(arrival.device) else ""
            if owner:
                self._learn(arrival.topic, owner, shared=len(arrivals) > 1)
            if owner == payer or self._bucket(owner).take(arrival.received_ms, cost_of(arrival)):
                admitted.append(arrival)
            else:
                admitted.append(self._flood(arrival, owner))
        return admitted

    def recovered(self, now_ms: int) -> list[str]:
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
        return self._share(owner).bucket if owner else self._strangers

    def _share(self, owner: str) -> _Share:
        found = self._shares.get(owner)
        if found is None:
            found = self._shares[owner] = _Share(
                Bucket(self._device_hz, self._burst),
                Look(Standing.CALM, owner),
                Look(Standing.BUSY, owner),
            )
        return found

    def _gateway(self, topic: str) -> _Share:
        found = self._gateways.get(topic)
        if found is None:
            wide = Bucket(GATEWAY_SHARES * self._device_hz, GATEWAY_SHARES * self._burst)
            found = self._gateways[topic] = _Share(wide, _CALM_GATEWAY, _GATEWAY)
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
