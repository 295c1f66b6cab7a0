"""Who may do what: tokens for three roles, sessions for browsers."""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from enum import IntEnum

SESSION_S = 12 * 3600
_MAX_FAILURES = 10
_WINDOW_S = 60.0


class Role(IntEnum):
    """Each role may do what the one before may, and more."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(slots=True)
class _Session:
    role: Role
    until: float


@dataclass(slots=True)
class Doorman:
    """Knows tokens by their hash only, and compares in constant time."""

    tokens: dict[Role, bytes]
    sessions: dict[str, _Session] = field(default_factory=dict)
    failures: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, *, viewer: str, operator: str, admin: str) -> "Doorman":
        """Return a doorman for three tokens."""
        return cls(
            {
                Role.VIEWER: _digest(viewer),
                Role.OPERATOR: _digest(operator),
                Role.ADMIN: _digest(admin),
            }
        )

    def role_of(self, token: str) -> Role | None:
        """Return the role of a token, looking at every one in constant time."""
        given, found = _digest(token.strip()), None
        for role, known in self.tokens.items():
            if secrets.compare_digest(given, known):
                found = role
        return found

    def throttled(self) -> bool:
        """Return whether too many wrong tokens came in the last minute."""
        now = time.monotonic()
        with self.lock:
            self.failures = [at for at in self.failures if now - at < _WINDOW_S]
            return len(self.failures) >= _MAX_FAILURES

    def login(self, token: str) -> tuple[str, Role] | None:
        """Return (session id, role) for a right token."""
        role = self.role_of(token)
        now = time.monotonic()
        with self.lock:
            if role is None:
                self.failures.append(now)
                return None
            self.sessions = {k: s for k, s in self.sessions.items() if s.until > now}
            session = secrets.token_urlsafe(32)
            self.sessions[session] = _Session(role, now + SESSION_S)
            return session, role

    def session_role(self, session: str) -> Role | None:
        """Return the role of a session; using it keeps it alive."""
        now = time.monotonic()
        with self.lock:
            found = self.sessions.get(session)
            if found is None or found.until < now:
                return None
            found.until = now + SESSION_S
            return found.role

    def logout(self, session: str) -> None:
        """Forget a session."""
        with self.lock:
            self.sessions.pop(session, None)
