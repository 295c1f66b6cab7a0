"""Where every message of an attack went: stored, absorbed, refused by reason, nothing to read."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from storage import tally


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the journal says became of the messages it was given."""

    rows: dict[str, int]
    """By fate, and by reason where it was refused."""

    @property
    def messages(self) -> int:
        """All of them together."""
        return sum(self.rows.values())


def accounts(journal: Path) -> Accounts:
    """Return the accounts of a journal file, read beside its writer."""
    store = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        rows: Counter[str] = Counter()
        for line in tally.listing(store):
            rows[f"{line.fate.value} {line.reason}".strip()] += line.count
        return Accounts(dict(rows))
    finally:
        store.close()
