"""What became of every message: counts that outlive the process."""

TALLY = """
    CREATE TABLE tally (
        fate TEXT NOT NULL,
        reason TEXT NOT NULL,
        driver TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        last_topic TEXT NOT NULL DEFAULT '',
        last_payload BLOB NOT NULL DEFAULT x'',
        PRIMARY KEY (fate, reason, driver)
    ) WITHOUT ROWID;
"""
