"""Incident states, decisions, silences, drills and the lease of the one who leads."""

ALERTS = """
DROP INDEX incident_one_open;
UPDATE incident SET state = 'recovering' WHERE state = 'recovered';
UPDATE incident SET state = 'resolved' WHERE state = 'closed';
CREATE UNIQUE INDEX incident_one_open ON incident (fingerprint) WHERE state <> 'resolved';
ALTER TABLE incident ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN good INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
UPDATE incident SET proved = 1 WHERE state IN ('recovering', 'resolved');
ALTER TABLE incident ADD COLUMN raised_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN told TEXT NOT NULL DEFAULT '{}';
ALTER TABLE incident ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
UPDATE incident SET done = 1 WHERE state = 'resolved';
CREATE INDEX incident_at_work ON incident (id) WHERE done = 0;
UPDATE incident SET raised_ms = opened_ms,
    told = json_object('raised', opened_ms, 'tiers', 9, 'calls', 1)
    WHERE EXISTS (SELECT 1 FROM outbox WHERE incident = incident.id);
ALTER TABLE outbox ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN handed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_by_incident ON outbox (incident, id);
CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    occasion TEXT NOT NULL,
    stage TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    rulings TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX decision_by_incident ON decision (incident, id);
CREATE TABLE silence (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    device INTEGER NOT NULL DEFAULT 0,
    building TEXT NOT NULL DEFAULT '',
    rule TEXT NOT NULL DEFAULT '',
    severity TEXT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    food_at TEXT NOT NULL DEFAULT '',
    starts_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    ended_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX silence_by_end ON silence (ends_ms);
CREATE TABLE drill (
    id INTEGER PRIMARY KEY,
    scenario TEXT NOT NULL,
    device INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    author TEXT NOT NULL,
    begun_ms INTEGER NOT NULL,
    incident INTEGER NOT NULL DEFAULT 0,
    opened_ms INTEGER,
    handed_ms INTEGER,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT NOT NULL DEFAULT '',
    ends_ms INTEGER NOT NULL,
    ended_ms INTEGER
);
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""
