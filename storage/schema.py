"""The journal's tables, as a list of migrations; a released one is never edited."""

from storage.migrations.alerts import ALERTS
from storage.migrations.aliases import ALIASES
from storage.migrations.append_only import APPEND_ONLY
from storage.migrations.checkpoints import CHECKPOINTS
from storage.migrations.cold_storage import COLD_STORAGE
from storage.migrations.kpi import COLD_MARKS, KPI
from storage.migrations.tally import TALLY

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE device (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        driver TEXT NOT NULL,
        model TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'heard',
        name TEXT NOT NULL DEFAULT '',
        role TEXT NOT NULL DEFAULT 'other',
        building TEXT NOT NULL DEFAULT '',
        area TEXT NOT NULL DEFAULT '',
        parent INTEGER NOT NULL DEFAULT 0,
        interval_s INTEGER NOT NULL DEFAULT 0,
        first_heard_ms INTEGER NOT NULL DEFAULT 0,
        last_heard_ms INTEGER NOT NULL DEFAULT 0,
        last_topic TEXT NOT NULL DEFAULT '',
        last_payload BLOB NOT NULL DEFAULT x'',
        last_qos INTEGER NOT NULL DEFAULT 1,
        messages INTEGER NOT NULL DEFAULT 0,
        source TEXT NOT NULL DEFAULT 'page',
        limits TEXT NOT NULL DEFAULT '{}'
    );
    CREATE TABLE point (
        id INTEGER PRIMARY KEY,
        device INTEGER NOT NULL REFERENCES device (id),
        channel TEXT NOT NULL,
        quantity TEXT NOT NULL,
        UNIQUE (device, channel, quantity)
    );
    CREATE TABLE reading (
        point INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        ordinal INTEGER NOT NULL DEFAULT 0,
        value REAL NOT NULL,
        quality INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (point, at_ms, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE latest (
        point INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        value REAL NOT NULL,
        quality INTEGER NOT NULL,
        received_ms INTEGER NOT NULL
    );
    CREATE TABLE rollup (
        point INTEGER NOT NULL,
        period TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        count INTEGER NOT NULL,
        mean REAL NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        last REAL NOT NULL,
        amount REAL NOT NULL,
        estimated REAL NOT NULL,
        covered_ms INTEGER NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (point, period, start_ms)
    ) WITHOUT ROWID;
    CREATE TABLE rollup_dirty (
        point INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        PRIMARY KEY (point, start_ms)
    ) WITHOUT ROWID;
    CREATE TABLE sequence (
        device INTEGER NOT NULL,
        boot TEXT NOT NULL,
        contiguous INTEGER NOT NULL,
        highest INTEGER NOT NULL,
        missing TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (device, boot)
    ) WITHOUT ROWID;
    CREATE TABLE delivery (
        digest BLOB PRIMARY KEY,
        received_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY,
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        topic TEXT NOT NULL,
        device TEXT NOT NULL DEFAULT '',
        driver TEXT NOT NULL DEFAULT '',
        payload BLOB NOT NULL,
        digest BLOB NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL DEFAULT '',
        count INTEGER NOT NULL DEFAULT 1,
        state TEXT NOT NULL DEFAULT 'held',
        UNIQUE (digest, reason, detail)
    );
    CREATE TABLE rule_state (
        rule TEXT NOT NULL,
        device INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (rule, device)
    ) WITHOUT ROWID;
    CREATE TABLE incident (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        rule TEXT NOT NULL,
        rule_version TEXT NOT NULL,
        device INTEGER NOT NULL,
        severity TEXT NOT NULL,
        state TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        opened_ms INTEGER NOT NULL,
        acknowledged_ms INTEGER,
        acknowledged_by TEXT NOT NULL DEFAULT '',
        recovered_ms INTEGER,
        closed_ms INTEGER,
        evidence TEXT NOT NULL DEFAULT '{}'
    );
    CREATE UNIQUE INDEX incident_one_open ON incident (fingerprint) WHERE state <> 'closed';
    CREATE INDEX incident_by_device ON incident (device, opened_ms);
    CREATE TABLE incident_event (
        id INTEGER PRIMARY KEY,
        incident INTEGER NOT NULL REFERENCES incident (id),
        at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        actor TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX incident_event_by_incident ON incident_event (incident, id);
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        incident INTEGER NOT NULL REFERENCES incident (id),
        kind TEXT NOT NULL,
        channel TEXT NOT NULL,
        key TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        due_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'waiting',
        delivered_ms INTEGER,
        detail TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX outbox_waiting ON outbox (due_ms) WHERE state = 'waiting';
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL DEFAULT '{}',
        previous BLOB NOT NULL,
        hash BLOB NOT NULL
    );
    CREATE TABLE setting (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE device ADD COLUMN available INTEGER;
    ALTER TABLE device ADD COLUMN available_ms INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE dialect_memory (
        key TEXT PRIMARY KEY,
        value BLOB NOT NULL,
        learned_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    # How far the projection into InfluxDB has come (storage/influx/progress.py). Readings are
    # sent in key order behind a cursor for each point; only those that came later than a newer
    # one are logged (projection_late), so the log costs the usual reading nothing.
    """
    CREATE TABLE projection (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        target TEXT NOT NULL,
        phase TEXT NOT NULL,
        unbroken INTEGER NOT NULL
    );
    CREATE TABLE projection_cursor (
        feed TEXT PRIMARY KEY,
        position INTEGER NOT NULL,
        shape TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID;
    CREATE TABLE projection_point (
        point INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        ordinal INTEGER NOT NULL
    );
    CREATE TABLE projection_device (
        device INTEGER PRIMARY KEY,
        tags TEXT NOT NULL
    );
    CREATE TABLE projection_late (
        point INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        PRIMARY KEY (point, at_ms, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE projection_span (
        what TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        point INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        due_ms INTEGER NOT NULL,
        PRIMARY KEY (what, start_ms, end_ms, point)
    ) WITHOUT ROWID;
    CREATE TABLE projection_rejected (
        series TEXT NOT NULL,
        point INTEGER NOT NULL,
        hour_ms INTEGER NOT NULL,
        reason TEXT NOT NULL,
        line TEXT NOT NULL,
        count INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        PRIMARY KEY (series, hour_ms)
    ) WITHOUT ROWID;
    """,
    KPI,
    ALERTS,
    # Rollups tell what a person entered, and carry a revision for whoever follows them; between
    # quarter-hours the arithmetic stands as meter_state says, or plainly (ingest/metering.py).
    """
    ALTER TABLE rollup ADD COLUMN edited REAL NOT NULL DEFAULT 0;
    ALTER TABLE rollup ADD COLUMN original REAL;
    ALTER TABLE rollup ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX rollup_by_revision ON rollup (revision);
    ALTER TABLE rollup_dirty ADD COLUMN from_ms INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE meter_state (
        point INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        value REAL,
        below REAL,
        below_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (point, start_ms)
    ) WITHOUT ROWID;
    CREATE TABLE meter_event (
        id INTEGER PRIMARY KEY,
        device INTEGER NOT NULL REFERENCES device (id),
        kind TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL DEFAULT 0,
        quantity TEXT NOT NULL DEFAULT '',
        channel TEXT NOT NULL DEFAULT '',
        value REAL,
        final REAL,
        initial REAL,
        old_serial TEXT NOT NULL DEFAULT '',
        new_serial TEXT NOT NULL DEFAULT '',
        author TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        recorded_ms INTEGER NOT NULL,
        withdrawn_ms INTEGER,
        withdrawn_by TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX meter_event_by_device ON meter_event (device, at_ms);
    INSERT OR REPLACE INTO rollup_dirty (point, start_ms, from_ms)
        SELECT point, start_ms, start_ms FROM rollup WHERE period = '15min';
    """,
    COLD_STORAGE,
    """
    CREATE TABLE mapping (
        name TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        author TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    # A rollup that no reading supports any more leaves no revision behind; its copy must go too.
    """
    CREATE TABLE projection_gone (
        point INTEGER NOT NULL,
        period TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        PRIMARY KEY (point, period, start_ms)
    ) WITHOUT ROWID;
    CREATE TRIGGER projection_rollup_gone AFTER DELETE ON rollup
    WHEN EXISTS (SELECT 1 FROM projection) BEGIN
        INSERT OR REPLACE INTO projection_gone VALUES (old.point, old.period, old.start_ms);
    END;
    """,
    """
    CREATE TABLE quality_flag (
        point INTEGER NOT NULL,
        day_ms INTEGER NOT NULL,
        code TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        figures TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (point, day_ms, code, start_ms)
    ) WITHOUT ROWID;
    """,
    APPEND_ONLY,
    COLD_MARKS,
    # Who follows every rollup asks for the index itself (storage/influx/progress.py); in each
    # journal only the days are followed, by what checks them.
    """
    DROP INDEX IF EXISTS rollup_by_revision;
    CREATE INDEX rollup_day_by_revision ON rollup (revision) WHERE period = 'day';
    INSERT OR REPLACE INTO setting (key, value)
        SELECT 'rollup.revision', coalesce(max(revision), 0) FROM rollup;
    """,
    CHECKPOINTS,
    TALLY,
    ALIASES,
)
"""Migration n brings the file from version n to n + 1 (PRAGMA user_version)."""
