"""Key performance indicators: one row each, pure functions on a period's facts."""
