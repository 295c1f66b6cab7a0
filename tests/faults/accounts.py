"""Where every message of an attacker went: stored, absorbed, held or counted, by reason."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_A_PART = ("too-many-points",)
"""Refusals of a part of a message whose other parts are stored."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the journal says of the messages of all devices but one."""

    rows: dict[str, int]

    @property
    def messages(self) -> int:
        """All of them together."""
        return sum(self.rows.values())


def accounts(journal: Path, *, but: str = "native:good/fridge") -> Accounts:
    """Return the accounts of a journal file, read beside its writer."""
    store = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        rows: Counter[str] = Counter()
        for reason, count in store.execute(
            "SELECT reason, sum(count) FROM quarantine GROUP BY reason"
        ):
            if reason not in _A_PART:
                rows[reason] += count
        rows["from known devices"] += store.execute(
            "SELECT coalesce(sum(messages), 0) FROM device WHERE key <> ?", (but,)
        ).fetchone()[0]
        return Accounts({reason: count for reason, count in rows.items() if count})
    finally:
        store.close()
