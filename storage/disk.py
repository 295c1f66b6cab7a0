"""How much room there is where the journal lies."""

import shutil
from pathlib import Path

LOW_BYTES = 500 * 1024 * 1024
"""Less than this and people are told."""

RESERVE_BYTES = 100 * 1024 * 1024
"""Less than this and no reading is taken any more: the rest is for alerts, records and repair."""


def free_bytes(folder: Path) -> int:
    """Return the space left on the disk of a folder [byte]."""
    return shutil.disk_usage(folder).free
