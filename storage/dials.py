"""What drivers document of the registers they read: the highest value each shows.

A person's word on a meter goes before it (storage/meter_events.py); without either the arithmetic
takes the next power of ten.
"""

import json
import sqlite3
from collections.abc import Mapping

from storage.rollup_rows import mark

Dials = Mapping[str, Mapping[str, float]]
"""Driver, or family of device keys -> `quantity` or `channel/quantity` -> highest value shown."""

_KEY = "drivers.register_max"


def declare(connection: sqlite3.Connection, dials: Dials) -> None:
    """Keep what the drivers of this start say; registers that it changes are computed again."""
    before = declared(connection)
    if before == dials:
        return
    connection.execute(
        "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (_KEY, json.dumps(dials))
    )
    rows = connection.execute(
        "SELECT p.id, d.driver, d.key, p.channel, p.quantity FROM point AS p"
        " JOIN device AS d ON d.id = p.device"
    ).fetchall()
    for point, *register in rows:
        if highest(before, *register) != highest(dials, *register):
            mark(connection, point)


def declared(connection: sqlite3.Connection) -> Dials:
    """Return what the drivers of the last start say."""
    row = connection.execute("SELECT value FROM setting WHERE key = ?", (_KEY,)).fetchone()
    found: Dials = json.loads(row[0]) if row else {}
    return found


def highest(dials: Dials, driver: str, key: str, channel: str, quantity: str) -> float:
    """Return the highest value a register shows [canonical unit], 0 if its driver does not say.

    >>> dials = {"dlt645": {"energy": 999999.99, "combined/energy": 0.0}}
    >>> highest(dials, "gateway", "dlt645:47", "peak", "energy")
    999999.99
    >>> highest(dials, "gateway", "dlt645:47", "combined", "energy")
    0.0
    """
    own = dials.get(driver) or dials.get(key.partition(":")[0]) or {}
    return own.get(f"{channel}/{quantity}", own.get(quantity, 0.0))
