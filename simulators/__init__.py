"""A physical school campus with labelled faults that speaks real device dialects."""
