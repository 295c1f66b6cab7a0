"""Links that acknowledge one incident, for a while, without a login."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from caretaker.clock import HOUR_MS, Clock

VALID_MS = 24 * HOUR_MS
_MARK_BYTES = 16
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link is good for: this incident, in this person's name."""

    incident: int
    person: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and reads the tokens of links (HMAC-SHA256, RFC 2104); the key never leaves it."""

    key: bytes = field(repr=False)
    clock: Clock

    @classmethod
    def of(cls, secret: str, *, clock: Clock) -> "Signer":
        """Return a signer by a secret that is used for nothing else under this name."""
        key = hmac.new(secret.encode(), b"caretaker acknowledge link", hashlib.sha256).digest()
        return cls(key, clock)

    def sign(self, incident: int, person: str) -> str:
        """Return a token for one incident and one person ('' when nobody is meant).

        >>> from caretaker.clock import ManualClock
        >>> clock = ManualClock(1_000_000)
        >>> signer = Signer.of("secret", clock=clock)
        >>> token = signer.sign(7, "wang")
        >>> signer.read(token), signer.read("_" + token[1:])
        (Grant(incident=7, person='wang'), None)
        >>> clock.advance(VALID_MS)
        >>> signer.read(token) is None
        True
        """
        until_ms = self.clock.now_ms() + VALID_MS
        body = f"{incident}:{until_ms // 1000}:{person}".encode()
        return base64.urlsafe_b64encode(self._mark(body) + body).decode().rstrip("=")

    def read(self, token: str) -> Grant | None:
        """Return what a token is good for, or None when it is forged, cut, or too old."""
        if not token or len(token) > _LONGEST:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mark, body = raw[:_MARK_BYTES], raw[_MARK_BYTES:]
        if not hmac.compare_digest(mark, self._mark(body)):
            return None
        incident, until_s, person = body.decode().split(":", 2)
        if self.clock.now_ms() >= int(until_s) * 1000:
            return None
        return Grant(int(incident), person)

    def _mark(self, body: bytes) -> bytes:
        return hmac.new(self.key, body, hashlib.sha256).digest()[:_MARK_BYTES]
