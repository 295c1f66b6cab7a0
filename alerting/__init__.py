"""Rules in event time, incidents, and notifications that cannot be lost."""
