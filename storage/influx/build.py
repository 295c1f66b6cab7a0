"""Builds the projection that the settings ask for."""

from collections.abc import Callable, Mapping

from caretaker.clock import Clock
from caretaker.config import SiteSettings
from caretaker.errors import ConfigurationError
from storage.influx.feeds import standard_feeds
from storage.influx.projection import Projection
from storage.influx.server import Server, Tokens
from storage.journal import Journal

_KNOWN_DEFAULTS = frozenset(
    {"my-super-secret-auth-token", "changeme", "admin:admin", "admin", "token", "secret"}
)

Counters = Callable[[], tuple[Mapping[str, int], Mapping[str, int]]]
"""(counters, rejected by reason) of ingest."""


def server_of(site: SiteSettings, tokens: Mapping[str, str], *, file: str) -> Server:
    """Return a connection to the site's InfluxDB. Raises ConfigurationError for a known token."""
    for name in ("write", "read"):
        if tokens.get(name, "") in _KNOWN_DEFAULTS:
            raise ConfigurationError(
                file=file,
                key=f"[influx] {name} (secrets.toml)",
                problem="is a well-known default, so everybody has it",
                remedy="Make tokens of your own: caretaker influx setup",
            )
    return Server(site.influx, Tokens(tokens.get("write", ""), tokens.get("read", "")))


def projection_of(
    site: SiteSettings,
    tokens: Mapping[str, str],
    journal: Journal,
    *,
    clock: Clock,
    counters: Counters,
    file: str,
) -> Projection | None:
    """Return the projection into the site's InfluxDB, None when the site has none."""
    if not site.influx.url:
        return None
    found: list[Projection] = []

    def figures() -> dict[str, dict[str, float]]:
        counted, rejected = counters()
        status = found[0].status()
        return {
            "ingest": {
                "received_total": counted.get("received", 0),
                "readings_total": counted.get("stored", 0),
                "rejected_total": sum(rejected.values()),
            },
            "projection": {
                "lag_s": status.lag_s,
                "ok": float(status.ok),
                "received_total": status.received,
                "emitted_total": status.emitted,
                "rejected_total": sum(status.rejected.values()),
            },
            "journal": {
                "ok": float(not journal.failing),
                "journal_bytes": float(journal.path.stat().st_size),
            },
        }

    found.append(
        Projection(
            journal,
            server_of(site, tokens, file=file),
            site=site.id,
            feeds=standard_feeds(site, figures=figures),
            clock=clock,
        )
    )
    return found[0]
