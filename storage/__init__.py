"""The journal and the embedded store: what was acknowledged is on disk, once."""
