"""Devices that go on under another id: a new battery, an exchanged meter, a second envelope."""

ALIASES = """
    CREATE TABLE device_alias (
        key TEXT PRIMARY KEY,
        device TEXT NOT NULL,
        author TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
"""
