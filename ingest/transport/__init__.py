"""How messages reach Caretaker and leave a device: MQTT, or memory in unit tests."""
