"""What the rules of cold storage share: points, food, defrost, records; one concern a module."""
