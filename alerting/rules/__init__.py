"""One module a rule; each is a pure step over readings and time."""
