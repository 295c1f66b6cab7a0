"""Figures for Prometheus, read from the running parts when asked."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api import health
from api.device_view import last_reading_ms
from api.services import Services
from storage import outbox, quarantine, tally

_COUNTERS = {
    "received": ("caretaker_messages_received", "MQTT messages received."),
    "readings": ("caretaker_readings_decoded", "Readings decoded from messages."),
    "stored": ("caretaker_readings_stored", "Readings made durable."),
    "duplicates": ("caretaker_readings_duplicate", "Readings that were stored already."),
    "nothing_to_read": (
        "caretaker_messages_nothing_to_read",
        "Messages that a driver knows and that hold no reading.",
    ),
}


class _Figures(Collector):
    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        parts = self._parts
        counters, rejected = parts.counters()
        for key, (name, text) in _COUNTERS.items():
            yield CounterMetricFamily(name, text, value=counters.get(key, 0))
        refused = CounterMetricFamily(
            "caretaker_rejected", "Messages or parts refused.", labels=["reason"]
        )
        for reason, count in rejected.items():
            refused.add_metric([reason], count)
        yield refused
        yield from self._from_journal()
        yield from self._from_projection()
        up = GaugeMetricFamily(
            "caretaker_part_ok", "1 when a part of the pipeline is well.", labels=["part"]
        )
        for check in health.checks(parts):
            up.add_metric([check.name], float(check.ok))
        yield up
        yield GaugeMetricFamily(
            "caretaker_journal_bytes",
            "Size of the journal [byte].",
            value=health.database_bytes(parts),
        )
        yield GaugeMetricFamily(
            "caretaker_disk_free_bytes",
            "Space left for the journal [byte].",
            value=health.disk_free_bytes(parts),
        )

    def _from_projection(self) -> Iterator[Metric]:
        if self._parts.projection is None:
            return
        found = self._parts.projection.status()
        for name, text, value in (
            ("received", "Readings that came in for InfluxDB.", found.received),
            ("emitted", "Rows that InfluxDB took.", found.emitted),
            ("expired", "Rows older than InfluxDB keeps.", found.expired),
        ):
            yield CounterMetricFamily(f"caretaker_projection_{name}", text, value=value)
        refused = CounterMetricFamily(
            "caretaker_projection_rejected", "Rows InfluxDB refused.", labels=["reason"]
        )
        for reason, count in found.rejected.items():
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily(
            "caretaker_projection_lag_seconds",
            "How far InfluxDB is behind the journal [s].",
            value=found.lag_s,
        )

    def _from_journal(self) -> Iterator[Metric]:
        with self._parts.journal.reader() as connection:
            newest = last_reading_ms(connection, now_ms=self._parts.clock.now_ms())
            counts = tally.listing(connection)
            grouped = {
                ("caretaker_devices", "Devices by status.", "status"): dict(
                    connection.execute("SELECT status, count(*) FROM device GROUP BY status")
                ),
                ("caretaker_incidents_open", "Open incidents by severity.", "severity"): dict(
                    connection.execute(
                        "SELECT severity, count(*) FROM incident WHERE state <> 'resolved'"
                        " AND kind NOT IN ('canary', 'drill')"
                        " GROUP BY severity"
                    )
                ),
                ("caretaker_notifications", "Notifications by state.", "state"): outbox.counts(
                    connection
                ),
                ("caretaker_quarantine_held", "Held messages by reason.", "reason"): (
                    quarantine.counts(connection)
                ),
            }
        fates = CounterMetricFamily(
            "caretaker_messages_settled",
            "Messages, or the parts of those that speak for several devices, by what became of"
            " them, since the journal began.",
            labels=["fate", "reason", "driver"],
        )
        for line in counts:
            fates.add_metric([line.fate.value, line.reason, line.driver], line.count)
        yield fates
        for (name, text, label), values in grouped.items():
            family = GaugeMetricFamily(name, text, labels=[label])
            for key, value in values.items():
                family.add_metric([str(key)], value)
            yield family
        yield GaugeMetricFamily(
            "caretaker_last_reading_timestamp_seconds",
            "When the newest reading was taken [s since 1970].",
            value=(newest or 0) / 1000,
        )


def exposition(parts: Services) -> bytes:
    """Return all figures in the Prometheus text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(parts))
    return generate_latest(registry)
