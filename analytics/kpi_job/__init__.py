"""From the journal's rollups to KPI values: what to load, what to compute anew, when."""
