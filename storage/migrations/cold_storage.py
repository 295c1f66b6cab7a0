"""Records of cold storage, its samples, and what the rule engine needs for late data."""

COLD_STORAGE = """
    CREATE TABLE unit_record (
        id INTEGER PRIMARY KEY,
        device INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        until_ms INTEGER,
        value REAL,
        author TEXT NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '{}',
        recorded_ms INTEGER NOT NULL
    );
    CREATE INDEX unit_record_by_device ON unit_record (device, at_ms);
    CREATE TABLE corrective_action (
        id INTEGER PRIMARY KEY,
        device INTEGER NOT NULL,
        incident INTEGER,
        source TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER,
        closed_ms INTEGER,
        content TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX corrective_action_by_device ON corrective_action (device, start_ms);
    CREATE UNIQUE INDEX corrective_action_of_incident ON corrective_action (incident)
        WHERE incident IS NOT NULL;
    CREATE TABLE corrective_amendment (
        id INTEGER PRIMARY KEY,
        action INTEGER NOT NULL REFERENCES corrective_action (id),
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        reason TEXT NOT NULL,
        changes TEXT NOT NULL
    );
    CREATE INDEX corrective_amendment_by_action ON corrective_amendment (action, id);
    CREATE TABLE cold_sample (
        device INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        air_c REAL,
        food_c REAL,
        limit_hi_c REAL,
        limit_lo_c REAL,
        exposure_min REAL NOT NULL DEFAULT 0,
        decision_min REAL,
        defrost INTEGER NOT NULL DEFAULT 0,
        door_open INTEGER,
        duty REAL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (device, at_ms)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX cold_sample_by_revision ON cold_sample (revision);
    CREATE TABLE rule_checkpoint (
        rule TEXT NOT NULL,
        device INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (rule, device, at_ms)
    ) WITHOUT ROWID;
    CREATE TABLE rule_late (
        device INTEGER PRIMARY KEY,
        from_ms INTEGER NOT NULL,
        since_ms INTEGER NOT NULL
    );
    CREATE TABLE rule_set (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        digest TEXT NOT NULL,
        content TEXT NOT NULL
    );
"""
