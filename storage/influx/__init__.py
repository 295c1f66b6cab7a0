"""InfluxDB as a projection of the journal: fed by cursors, deleted and rebuilt at will."""
