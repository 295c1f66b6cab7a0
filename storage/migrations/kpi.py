"""The tables of KPI values and of what changed under them; released, never edited."""

KPI = """
    CREATE TABLE kpi_value (
        scope_kind TEXT NOT NULL,
        scope TEXT NOT NULL,
        kpi TEXT NOT NULL,
        period TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        value REAL,
        numerator REAL,
        denominator REAL,
        coverage REAL NOT NULL,
        estimated_share REAL NOT NULL,
        enough INTEGER NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        usual_low REAL,
        usual_median REAL,
        usual_high REAL,
        previous REAL,
        last_year REAL,
        target REAL,
        count INTEGER NOT NULL DEFAULT 0,
        missing TEXT NOT NULL DEFAULT '[]',
        version TEXT NOT NULL,
        parameters TEXT NOT NULL DEFAULT '{}',
        now_ms INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (scope_kind, scope, kpi, period, start_ms)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX kpi_value_by_revision ON kpi_value (revision);
    CREATE TABLE kpi_dirty (
        point INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (point, at_ms)
    ) WITHOUT ROWID;
    CREATE TRIGGER kpi_rollup_new AFTER INSERT ON rollup WHEN new.period = 'day' BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (new.point, new.start_ms, random());
    END;
    CREATE TRIGGER kpi_rollup_changed AFTER UPDATE ON rollup WHEN new.period = 'day' BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (new.point, new.start_ms, random());
    END;
    CREATE TRIGGER kpi_rollup_gone AFTER DELETE ON rollup WHEN old.period = 'day' BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (old.point, old.start_ms, random());
    END;
    CREATE TRIGGER kpi_incident_new AFTER INSERT ON incident BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.since_ms, random());
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.opened_ms, random());
    END;
    CREATE TRIGGER kpi_incident_changed
    AFTER UPDATE OF severity, state, acknowledged_ms, recovered_ms, closed_ms ON incident BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.since_ms, random());
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.opened_ms, random());
    END;
    """

COLD_MARKS = """
    CREATE TRIGGER kpi_unit_record_new AFTER INSERT ON unit_record BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.at_ms, random());
    END;
    CREATE TRIGGER kpi_unit_record_ended AFTER UPDATE OF until_ms ON unit_record BEGIN
        INSERT OR REPLACE INTO kpi_dirty VALUES (0, new.at_ms, random());
    END;
    """
"""What people record of a cold unit changes its compliance from then on."""
