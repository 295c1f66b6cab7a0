"""The commands of `caretaker`, one module each."""
