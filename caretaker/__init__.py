"""The kernel of Caretaker: vocabulary, clock, calendar, configuration and wiring."""

__version__ = "0.1.0"
