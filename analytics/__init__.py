"""Pure functions on history: what a usual day looks like and what today is against it."""
