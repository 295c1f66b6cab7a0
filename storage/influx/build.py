"""Builds the projection that the settings ask for."""

from collections.abc import Callable, Mapping

from caretaker.clock import Clock
from caretaker.config import SiteSettings
from storage.influx.feeds import standard_feeds
from storage.influx.projection import Projection
from storage.influx.server import Server, Tokens
from storage.journal import Journal

Counters = Callable[[], tuple[Mapping[str, int], Mapping[str, int]]]
"""(counters, rejected by reason) of ingest."""


def projection_of(
    site: SiteSettings,
    tokens: Mapping[str, str],
    journal: Journal,
    *,
    clock: Clock,
    counters: Counters,
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
            Server(site.influx, Tokens(tokens.get("write", ""), tokens.get("read", ""))),
            site=site.id,
            feeds=standard_feeds(site, figures=figures),
            clock=clock,
        )
    )
    return found[0]
