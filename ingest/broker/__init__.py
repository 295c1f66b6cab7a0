"""The MQTT broker Caretaker brings along when a school has none."""
