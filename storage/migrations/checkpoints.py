"""Checkpoints are asked for by device and instant, never by rule."""

CHECKPOINTS = """
    CREATE TABLE checkpoint_by_device (
        rule TEXT NOT NULL,
        device INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (device, at_ms, rule)
    ) WITHOUT ROWID;
    INSERT INTO checkpoint_by_device SELECT rule, device, at_ms, state FROM rule_checkpoint;
    DROP TABLE rule_checkpoint;
    ALTER TABLE checkpoint_by_device RENAME TO rule_checkpoint;
    """
