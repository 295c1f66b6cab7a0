"""What a feed promises: rows of one kind of record, once each, from where it left off."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.influx.lines import Row
from storage.influx.names import Names


@dataclass(frozen=True, slots=True)
class Moment:
    """When a feed is asked: now, and the oldest instants the two buckets keep [ms UTC]."""

    now_ms: int
    horizon_ms: int
    raw_horizon_ms: int


class Feed(Protocol):
    """Turns records of the journal into rows, in bounded batches.

    The projection calls `take`, delivers the rows, then `settle`: only then are they done. What
    was taken and not settled is taken again, so a row must always be written the same.
    """

    @property
    def name(self) -> str:
        """Return the word its cursor is kept under."""
        ...

    @property
    def measurements(self) -> tuple[str, ...]:
        """Return what it writes, deleted for this site when `shape` is another than before."""
        ...

    @property
    def shape(self) -> str:
        """Return what stands for settings that name tags (buildings, the calendar), or ''."""
        ...

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says, in the writer's transaction."""
        ...

    def restart(self, connection: sqlite3.Connection) -> None:
        """Forget what was sent: everything is sent again."""
        ...

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Send again what these devices and their points had: their old series are deleted."""
        ...

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return up to about `limit` rows that are not in the store, [] when there are none."""
        ...

    def settle(self) -> None:
        """Count the rows of the last `take` as stored (or refused and set aside)."""
        ...

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Write the progress, in the writer's transaction; False when there was none."""
        ...
