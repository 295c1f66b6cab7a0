"""The alert chain in virtual time: journal, rules, courier, and real services that may be sick."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from alerting.channels import build_channels
from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.notify.deliver import Courier
from alerting.rules import standard_rules
from caretaker.clock import MINUTE_MS, SECOND_MS, ManualClock
from caretaker.config import SiteSettings
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage import incidents
from storage.devices import apply_file_settings
from storage.journal import Journal

RULES = frozenset({"cold_storage_warm", "device_silent"})
"""The rules that the reference knows; what others find besides has tests of its own."""

START_MS = 1_788_220_800_000  # 2026-09-01 08:00 in Shanghai


class Office:
    """Moves by hand; each step judges, calls and delivers as of its instant."""

    def __init__(self, path: Path, site: SiteSettings, *, secrets: dict[str, str]) -> None:
        self.clock = ManualClock(START_MS)
        self.path, self.site, self.secrets = path, site, secrets
        self.open()
        self.journal.call(lambda c: apply_file_settings(c, site.devices, now_ms=START_MS))
        self.engine.devices_changed()

    def open(self) -> None:
        """Begin, or begin again after a restart."""
        self.journal = Journal(
            self.path, zone=self.site.zone, arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        rules = [rule for rule in standard_rules(self.site) if rule.name in RULES]
        self.engine = Engine(rules, lifecycle=Lifecycle(self.site))
        self.journal.set_judge(self.engine)
        channels = build_channels(self.site.channels, secrets=self.secrets, file="site.toml")
        self.courier = Courier(self.journal, channels, site=self.site, clock=self.clock)

    def close(self) -> None:
        """End."""
        self.journal.close()

    def send(self, values: dict[str, float], *, back_min: float = 0.0) -> None:
        """Let devices send one air temperature each, in one batch."""
        at_ms = self.clock.now_ms() - round(back_min * MINUTE_MS)
        arrivals = [
            Arrival("t", f"{key}{at_ms}".encode(), self.clock.now_ms(), key, "t",
                    (Measured("air", "temperature", at_ms, value),))
            for key, value in values.items()
        ]  # fmt: skip
        self.journal.append(arrivals)

    def warm(self, keys: Sequence[str]) -> None:
        """Let all of them be found critical in the next step."""
        for back in (10, 5, 0):
            self.send(dict.fromkeys(keys, 4.0 if back == 10 else 14.0), back_min=back)

    def step(self, seconds: float = 1.0) -> int:
        """Let time pass, judge it, deliver what is due; return how many were handed over."""
        self.clock.advance(round(seconds * SECOND_MS))
        self.journal.append([])
        return self.courier.deliver_due()

    def run(self, seconds: float, *, every: float = 1.0) -> None:
        """Step for a while."""
        for _ in range(round(seconds / every)):
            self.step(every)

    def open_incidents(self) -> list[incidents.Incident]:
        """Return what is open."""
        with self.journal.reader() as connection:
            return incidents.listing(connection, limit=10_000)

    def told(self) -> Counter[str]:
        """Return the devices that a delivered notification told of, by name."""
        with self.journal.reader() as connection:
            rows = connection.execute(
                "SELECT d.name, count(*) FROM outbox AS o JOIN incident AS i ON i.id = o.incident"
                " JOIN device AS d ON d.id = i.device WHERE o.state = 'delivered'"
                " AND o.kind IN ('opened', 'escalated') GROUP BY d.name"
            )
            return Counter({row[0]: row[1] for row in rows})
