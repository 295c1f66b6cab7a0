"""How the copy in InfluxDB is."""

from pydantic import BaseModel


class Projection(BaseModel):
    """The copy in InfluxDB: what it is at, how far behind, what is wrong and what cures it."""

    configured: bool
    ok: bool = True
    url: str = ""
    version: str = ""
    phase: str = ""
    lag_s: float = 0.0
    failing: str = ""
    remedy: str = ""
    received: int = 0
    emitted: int = 0
    expired: int = 0
    resent_hours: int = 0
    stretches_to_send: int = 0
    stretches_to_check: int = 0
    rejected: dict[str, int] = {}
