"""Checkpoints: every rule's state of a device as of an instant, to judge again from there."""

import sqlite3
from collections.abc import Mapping

import msgspec

from alerting.port import State
from caretaker.clock import DAY_MS, HOUR_MS

HORIZON_MS = 35 * DAY_MS
"""Older data is kept and counted, not judged."""
_FINE_MS, _HOURLY_MS = 3 * HOUR_MS, 2 * DAY_MS


def written(state: object) -> str:
    """Return a rule's state as the text that is kept; its numbers are finite.

    >>> written({"since_ms": None, "recent": [[0, 4.5]]})
    '{"since_ms":null,"recent":[[0,4.5]]}'
    """
    return msgspec.json.encode(state).decode()


def drop(connection: sqlite3.Connection, device: int, from_ms: int) -> None:
    """Remove the checkpoints of a device from an instant on."""
    connection.execute(
        "DELETE FROM rule_checkpoint WHERE device = ? AND at_ms >= ?", (device, from_ms)
    )


class Checkpoints:
    """Keeps all of three hours, one an hour for two days, one a day up to the horizon."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._instants: dict[int, list[int]] = {}
        """All checkpoints of a device in order, where they are known."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the newest of each device from the journal."""
        self._newest = dict(
            connection.execute("SELECT device, max(at_ms) FROM rule_checkpoint GROUP BY device")
        )
        self._instants = {}

    def newest(self, device: int) -> int:
        """Return the instant of a device's newest checkpoint, -1 when there is none."""
        return self._newest.get(device, -1)

    def write(
        self, connection: sqlite3.Connection, device: int, at_ms: int, states: Mapping[str, str]
    ) -> None:
        """Write the states, as text by rule, that hold at an instant."""
        connection.executemany(
            "INSERT OR REPLACE INTO rule_checkpoint (rule, device, at_ms, state)"
            " VALUES (?, ?, ?, ?)",
            [(rule, device, at_ms, text) for rule, text in states.items()],
        )
        self._newest[device] = at_ms
        known = self._instants.pop(device, None)
        if known is not None and states and (not known or known[-1] < at_ms):
            self._instants[device] = [*known, at_ms]

    def thin(self, connection: sqlite3.Connection, device: int, at_ms: int) -> None:
        """Remove what is kept no longer as of an instant."""
        known = self._instants.get(device)
        if known is None:
            sql = "SELECT DISTINCT at_ms FROM rule_checkpoint WHERE device = ? ORDER BY at_ms"
            known = [instant for (instant,) in connection.execute(sql, (device,))]
        seen: set[tuple[int, int]] = set()
        kept: list[int] = []
        gone: list[int] = []
        for instant in known:
            age = at_ms - instant
            step = 1 if age <= _FINE_MS else HOUR_MS if age <= _HOURLY_MS else DAY_MS
            slot = (step, instant // step)
            old = slot in seen or age > HORIZON_MS + 2 * DAY_MS
            (gone if old else kept).append(instant)
            seen.add(slot)
        if gone:
            connection.executemany(
                "DELETE FROM rule_checkpoint WHERE device = ? AND at_ms = ?",
                [(device, instant) for instant in gone],
            )
        self._instants[device] = kept

    def forget(self, connection: sqlite3.Connection, device: int, from_ms: int) -> None:
        """Remove the checkpoints that a reading at `from_ms` is missing from."""
        drop(connection, device, from_ms)
        row = connection.execute(
            "SELECT max(at_ms) FROM rule_checkpoint WHERE device = ?", (device,)
        ).fetchone()
        self._newest.pop(device, None)
        self._instants.pop(device, None)
        if row[0] is not None:
            self._newest[device] = row[0]

    @staticmethod
    def before(
        connection: sqlite3.Connection, device: int, from_ms: int
    ) -> tuple[int, dict[str, State]]:
        """Return the last checkpoint before an instant: when it was, and the states by rule."""
        row = connection.execute(
            "SELECT max(at_ms) FROM rule_checkpoint WHERE device = ? AND at_ms < ?",
            (device, from_ms),
        ).fetchone()
        if row[0] is None:
            return -1, {}
        states = connection.execute(
            "SELECT rule, state FROM rule_checkpoint WHERE device = ? AND at_ms = ?",
            (device, row[0]),
        )
        return int(row[0]), {rule: msgspec.json.decode(state) for rule, state in states}
