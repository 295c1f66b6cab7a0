"""How the projection is, for the checks, the metrics and the command."""

from dataclasses import dataclass, field

LAG_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Status:
    """How the projection is: what it is at, how far behind, and what is wrong."""

    target: str
    version: str
    phase: str
    lag_s: float
    failing: str
    remedy: str
    received: int
    emitted: int
    expired: int
    resent_hours: int
    stretches_to_send: int
    stretches_to_check: int
    rejected: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and nothing is late."""
        return not self.failing and self.lag_s <= LAG_LIMIT_S
