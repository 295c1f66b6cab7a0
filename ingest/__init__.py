"""From bytes on a topic to readings in canonical units, or to quarantine with a reason."""
